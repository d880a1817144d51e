"""One command brings a deployment up, a signal takes it down, and nothing stays behind."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from hydra_ioc.bench.stand import free_ports

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def config_file(tmp_path) -> Path:
    ca_port, pva_port = free_ports(2)
    path = tmp_path / "boot.toml"
    path.write_text(
        f"""prefix = "BOOT:"
state_dir = "state"
[ioc]
ca_port = {ca_port}
pva_port = {pva_port}
"""
    )
    return path


def boot(config_file: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["./st.cmd", "--config", str(config_file), "--headless", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def ready_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("hydra: ready"):
            return line
    pytest.fail("".join(said))


def alive(process: psutil.Process) -> bool:
    """A zombie waits for an init that does not reap; it runs no more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ours(config_file: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(config_file.parent) in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_given_a_deployment_when_told_to_stop_then_it_leaves_no_process_and_starts_again_soon(
    config_file,
):
    process = boot(config_file)
    ready_line(process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 6
    second = boot(config_file)
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "runs already" in output
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert [one for one in children if alive(one)] == []
    assert ours(config_file) == []
    begun = time.monotonic()
    third = boot(config_file, "--for", "1")
    ready_line(third)
    assert time.monotonic() - begun < 20
    assert third.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--input", "/nowhere"], "is not a folder"),
        (["--for"], "needs a value"),
        (["--loud"], "unknown option"),
        (["--config", "/nowhere.toml"], "there is no file"),
    ],
)
def test_given_wrong_usage_when_started_then_it_says_so_and_exits_with_2(options, words):
    done = subprocess.run(
        ["./st.cmd", *options], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr


def test_given_a_faulty_configuration_when_started_then_every_fault_is_named(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("colour = 1\n[input]\nwindow = 0\n")
    done = subprocess.run(
        ["./st.cmd", "--config", str(path), "--headless"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"{path}:1" in done.stderr
    assert f"{path}:3" in done.stderr


def test_given_a_configuration_of_its_own_when_started_with_the_demo_then_its_plots_are_judged(
    config_file,
):
    process = boot(config_file, "--demo")
    try:
        assert "ready: 21 plots" in ready_line(process)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
