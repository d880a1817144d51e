"""The command ``hydra-ioc demo`` against a demo that runs."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import msgspec
import pytest
import zmq

from tests.conftest import free_port

MAIN = "from hydra_ioc.cli import main; main()"

SERVER = """
import sys
from caproto.server import PVGroup, pvproperty, run

class Beam(PVGroup):
    current = pvproperty(value=-1.0, name="BeamCurrent")

    @current.putter
    async def current(self, instance, value):
        with open(sys.argv[1], "a") as file:
            file.write(f"{value}\\n")

run(Beam(prefix="SIM:").pvdb, interfaces=["127.0.0.1"], log_pv_names=False)
"""


def hydra(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, "--config", str(config), "demo", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def wait_for(condition: Callable[[], object], timeout_s: float = 40.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(20)


@contextmanager
def deployment(port: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hy") as folder:
        file = Path(folder) / "hydra.toml"
        file.write_text(f'prefix = "SIM:"\nstate_dir = "."\n[ioc]\nca_port = {port}\n')
        yield file


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def config(port: int) -> Iterator[Path]:
    with deployment(port) as file:
        yield file


@pytest.fixture
def demo(config: Path) -> Iterator[subprocess.Popen[str]]:
    with playing(config) as process:
        yield process


@pytest.fixture(scope="module")
def standing() -> Iterator[Path]:
    """A demo that plays for all tests that change nothing."""
    with deployment(free_port()) as file, playing(file):
        yield file


@contextmanager
def playing(config: Path) -> Iterator[subprocess.Popen[str]]:
    words = ["demo", "run", "--period", "0.5", "--plots", "3", "--seed", "1", "--nice", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "--config", str(config), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for((config.parent / "sockets" / "demo").exists)
        yield process
    finally:
        process.kill()
        process.communicate()


def truths(config: Path) -> list[dict]:
    file = config.parent / "demo" / "truth.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_given_a_running_demo_when_a_crate_dies_then_the_next_plots_are_bad_until_cleared(
    config: Path, demo: subprocess.Popen[str]
) -> None:
    done = hydra(config, "fault", "dead-crate", "CDC_occupancy", "--crate", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dead-crate on CDC_occupancy, crate 3, 55 channels")
    wait_for(lambda: any(t["label"] == "Bad" for t in truths(config)))
    bad = [truth for truth in truths(config) if truth["label"] == "Bad"]
    assert bad[0]["faults"][0]["crate"] == 3
    assert "crate 3" in hydra(config, "status").stdout
    assert hydra(config, "clear").stdout.startswith("cleared: dead-crate")
    mark = len(truths(config))
    wait_for(lambda: len(truths(config)) >= mark + 7)
    assert {truth["label"] for truth in truths(config)[mark + 4 :]} == {"Good"}
    assert stop(demo) == 0
    assert not (config.parent / "sockets" / "demo").exists()


def test_given_a_running_demo_when_the_beam_goes_then_plots_hold_no_data(
    config: Path, demo: subprocess.Popen[str]
) -> None:
    assert hydra(config, "beam", "off").stdout == "beam off\n"
    wait_for(lambda: any(truth["label"] == "NoData" for truth in truths(config)))


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("fault", "timing-shift", "CDC_occupancy"), 1, "it can have dead-channel"),
        (("fault", "on-fire", "CDC_occupancy"), 1, "expected a fault of dead-channel"),
        (("fault", "noise", "XYZ"), 1, "expected a plot of CDC_occupancy"),
        (("fault", "dead-crate", "CDC_occupancy", "--crate", "99"), 1, "CDC has crate 1, 2"),
        (("fault", "noise", "TOF_occupancy"), 1, "TOF_occupancy is not played here"),
        (("clear", "XYZ"), 1, "expected a plot of"),
        (("run",), 1, "a demo runs already"),
        (("fault", "noise"), 2, "PLOT"),
        (("beam", "maybe"), 2, "maybe"),
        (("run", "--period", "1", "--rate", "1"), 2, "--period or --rate"),
    ],
)
def test_given_a_running_demo_when_asked_for_what_cannot_be_then_it_says_why(
    standing: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = hydra(standing, *words)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_given_no_demo_when_told_anything_then_it_fails_and_says_how_to_start_one(
    config: Path,
) -> None:
    for words in (["status"], ["clear"], ["beam", "on"], ["fault", "noise", "ST_occupancy"]):
        done = hydra(config, *words)
        assert done.returncode == 1
        assert "hydra-ioc demo run" in done.stderr


def test_given_malformed_requests_when_they_arrive_then_each_is_refused_and_the_demo_plays_on(
    standing: Path,
) -> None:
    config = standing
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"ipc://{config.parent / 'sockets' / 'demo'}")
        for parts in ([b""], [b"{", b"}"], [os.urandom(1000)], [b'{"ask":"stop"}']):
            socket.send_multipart(parts)
            assert socket.poll(20_000)
            reply = msgspec.json.decode(socket.recv())
            assert reply["ok"] is False
            assert "expected a JSON request" in reply["text"]
    mark = len(truths(config))
    wait_for(lambda: len(truths(config)) > mark)


def test_given_an_ioc_that_comes_late_and_again_when_the_demo_plays_then_it_hears_the_beam(
    config: Path, demo: subprocess.Popen[str], port: int
) -> None:
    heard = config.parent / "heard"
    heard.touch()
    environment = {
        **os.environ,
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    }
    wait_for(lambda: truths(config))
    for start in range(2):
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(heard)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: any(float(v) > 100.0 for v in heard.read_text().split()), 40.0)
        finally:
            server.kill()
            server.wait()
        heard.write_text("")
        assert start < 2


def test_given_a_folder_when_images_are_asked_for_then_a_labelled_set_lies_there(
    tmp_path: Path, config: Path
) -> None:
    folder = tmp_path / "set"
    words = ["--per-plot", "6", "--plot", "ST_occupancy", "--plot", "RF_time"]
    done = hydra(config, "images", str(folder), *words, "--faults", "noise,timing-shift")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"12 plots, truth.jsonl and labels.csv in {folder}\n"
    table = list(csv.DictReader((folder / "labels.csv").open(encoding="utf-8")))
    assert all((folder / line["path"]).exists() for line in table)
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    assert len(lines) == len(list(folder.rglob("*.png"))) == 12
    assert [(one["plot"], one["label"]) for one in table] == [
        (one["plot"], one["label"]) for one in lines
    ]
    kinds = {fault["kind"] for line in lines for fault in line["faults"]}
    assert kinds <= {"noise", "timing-shift"}
    assert hydra(config, "images", str(folder)).returncode == 1


def test_given_one_plot_and_no_faults_chosen_when_images_are_asked_for_then_it_has_its_own(
    tmp_path: Path, config: Path
) -> None:
    done = hydra(config, "images", str(tmp_path / "set"), "--plot", "HEL_Board", "--per-plot", "9")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "set").rglob("*.png"))) == 9


def test_given_a_fault_that_fits_no_plot_when_images_are_asked_for_then_it_is_refused(
    tmp_path: Path, config: Path
) -> None:
    words = ["images", str(tmp_path / "set"), "--plot", "ST_occupancy", "--faults", "double-peak"]
    done = hydra(config, *words)
    assert done.returncode == 1
    assert "double-peak makes no sense on ST_occupancy" in done.stderr


def test_given_the_command_when_help_is_asked_for_then_every_page_shows_an_example(
    config: Path,
) -> None:
    assert "Example:" in hydra(config, "--help").stdout
    for word in ("run", "fault", "clear", "beam", "status", "images", "plots", "sheet"):
        assert "Example: hydra-ioc demo" in hydra(config, word, "--help").stdout


def test_given_a_plot_when_a_sheet_is_asked_for_then_all_its_faults_are_on_it(
    config: Path, tmp_path: Path
) -> None:
    file = tmp_path / "sheet.png"
    assert hydra(config, "sheet", str(file), "RF_time").returncode == 0
    assert cv2.imread(str(file)).shape == (480, 1280, 3)
    assert hydra(config, "sheet", str(tmp_path / "no" / "sheet.png"), "RF_time").returncode == 1
    assert "ends in .png" in hydra(config, "sheet", "sheet.jpg").stderr


def test_given_a_demo_that_was_killed_when_told_anything_then_it_fails_at_once_and_starts_again(
    config: Path, demo: subprocess.Popen[str]
) -> None:
    demo.kill()
    demo.wait()
    assert (config.parent / "sockets" / "demo").exists()
    done = hydra(config, "status")
    assert done.returncode == 1
    assert "no demo answers" in done.stderr
    with playing(config) as again:
        wait_for(lambda: hydra(config, "status").returncode == 0)
        assert stop(again) == 0
