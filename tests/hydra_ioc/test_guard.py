"""The Guard kills what hangs and nothing else."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from hydra_ioc.guard import SILENCE_S, Guard, kill, still_the_same
from pipeline.messages import Heartbeat


def heartbeat(pid: int = 1, *, host: str = "here", started: float = 0.0, beat: int = 1):
    return Heartbeat(
        stage="Keeper", host=host, pid=pid, started=started, beat=beat, state="Running"
    )


def test_given_a_beating_process_when_checked_then_nobody_is_silent():
    guard = Guard("here")
    for second in range(30):
        guard.heard(heartbeat(beat=second), float(second))
        assert guard.silent(float(second)) == []


def test_given_a_silent_process_when_checked_then_it_is_named_once():
    guard = Guard("here")
    guard.heard(heartbeat(pid=7), 0.0)
    assert guard.silent(SILENCE_S) == []
    assert [one.pid for one in guard.silent(SILENCE_S + 0.1)] == [7]
    assert guard.silent(SILENCE_S + 0.2) == []


def test_given_a_process_on_another_machine_when_silent_then_it_is_left_alone():
    guard = Guard("here")
    guard.heard(heartbeat(host="there"), 0.0)
    assert guard.silent(1000.0) == []


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_given_a_hung_process_when_killed_then_it_is_gone(sleeper):
    started = psutil.Process(sleeper.pid).create_time()
    kill(heartbeat(sleeper.pid, host=os.uname().nodename, started=started + 0.5))
    assert sleeper.wait(timeout=10) == -9


def test_given_a_process_number_used_again_when_killed_then_the_new_process_lives(sleeper):
    old = heartbeat(sleeper.pid, started=time.time() - 3600)
    assert not still_the_same(old)
    kill(old)
    assert sleeper.poll() is None


def test_given_a_process_that_is_gone_when_asked_then_it_is_not_the_same(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert not still_the_same(heartbeat(sleeper.pid, started=time.time()))
