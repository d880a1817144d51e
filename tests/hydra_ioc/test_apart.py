"""Work in a process of its own: what it says, refuses, and what is said when it dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hydra_ioc.apart import Died, apart
from pipeline.errors import HydraError, InputError


def double(say, number: int) -> tuple[int, int]:
    say(f"doubling {number}")
    return os.getpid(), 2 * number


def refuse(_say) -> None:
    raise InputError("expected two labels, received one")


def stumble(_say) -> None:
    raise ZeroDivisionError("a fault of ours")


def run_out_of_memory(say) -> None:
    say("epoch 1/2")
    os.kill(os.getpid(), signal.SIGKILL)


def stay(say, place: Path) -> None:
    place.write_text(str(os.getpid()))
    say("here")
    time.sleep(120)


def outlived() -> None:
    apart("the work", stay, Path(sys.argv[1]), say=sys.stdout.write)


def test_given_work_when_done_apart_then_its_lines_and_its_result_come_back() -> None:
    lines: list[str] = []

    process, number = apart("the work", double, 21, say=lines.append)

    assert number == 42
    assert process != os.getpid()
    assert lines == ["doubling 21"]


@pytest.mark.parametrize(
    ("work", "kind", "text"),
    [
        (refuse, InputError, "expected two labels, received one"),
        (stumble, HydraError, "a fault of ours"),
    ],
)
def test_given_work_that_fails_when_done_apart_then_its_words_come_back(work, kind, text) -> None:
    with pytest.raises(kind, match=text):
        apart("the work", work, say=lambda _: None)


def test_given_a_process_that_is_killed_when_waited_for_then_it_is_said_how_it_ended() -> None:
    lines: list[str] = []

    with pytest.raises(Died, match=r"the fit came to no end.*SIGKILL.*memory"):
        apart("the fit", run_out_of_memory, say=lines.append)

    assert lines == ["epoch 1/2"]


def test_given_a_parent_that_is_killed_when_its_work_goes_on_then_that_ends_too(
    tmp_path: Path,
) -> None:
    place = tmp_path / "pid"
    code = "from tests.hydra_ioc.test_apart import outlived; outlived()"
    parent = subprocess.Popen([sys.executable, "-c", code, str(place)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    until = time.monotonic() + 60
    while not (place.exists() and place.read_text()):
        assert time.monotonic() < until
        assert parent.poll() is None
        time.sleep(0.02)
    parent.kill()
    parent.wait()

    child = int(place.read_text())
    while Path(f"/proc/{child}").exists() and running(child):
        assert time.monotonic() < until
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
