"""A process that is stopped shows on the plots within 10 s, and heals by itself."""

import signal
import time

import pytest

from hydra_ioc.bench.stand import wait_for
from tests.system.conftest import PLOTS

BOUND_S = 10.0

pytestmark = pytest.mark.timeout(400)


def shown(client) -> dict:
    return client.get(f"{PLOTS[0]}:Class")


@pytest.fixture
def running(launch, good_files):
    stand, client = launch({"predict": {"workers": 1}})
    for file in good_files:
        stand.drop(file.name, file.data)
    wait_for(lambda: shown(client)["severity"] == 0, "a good plot", 30)
    return stand, client


def test_given_a_stopped_process_when_10_s_pass_then_the_plots_are_invalid_and_heal(running):
    stand, client = running
    for role in ("keeper", "balancer", "predict", "feeder"):
        (process,) = stand.processes(role)
        process.send_signal(signal.SIGSTOP)
        took = wait_for(lambda: shown(client)["severity"] == 3, f"INVALID, {role} stopped", 30)
        reason = client.get(f"{PLOTS[0]}:Reason.VAL$")["text"]
        assert took < BOUND_S, f"{role}: {took:.1f} s"
        assert role in reason.lower(), reason
        wait_for(lambda: shown(client)["severity"] == 0, f"healing after {role}: {reason}", 60)
        assert stand.processes(role)[0].pid != process.pid, "the Guard ended it"


def test_given_a_stopped_ioc_when_the_guard_acts_then_it_serves_again(running):
    stand, client = running
    (process,) = stand.processes("ioc")
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: not process.is_running(), "the Guard to end it", 30)
    begun = time.monotonic()
    wait_for(lambda: shown(client).get("severity") == 0, "the IOC to serve again", 60)
    assert time.monotonic() - begun < 30
