"""What the silence of a process means: pure tables."""

import pytest

from ioc.chain import Seen, chain_fault, hear, overlay
from ioc.stage_pvs import STATES, stage_values
from pipeline.alarm import Severity, Status
from pipeline.messages import Heartbeat
from tests.ioc.fake_keeper import make_entry, nothing

SILENCE_S = 4.0
NOW = 100.0


def beat(stage: str, instance: int = 0, **more: object) -> Heartbeat:
    values = {"host": "h", "pid": 7, "started": 1.0, "beat": 5, "state": "Running", **more}
    return Heartbeat(stage=stage, instance=instance, **values)


def seen(stage: str, ago: float, instance: int = 0, **more: object) -> Seen:
    return Seen(beat(stage, instance, **more), NOW - ago)


LIVE = {
    ("Feeder", 0): seen("Feeder", 1),
    ("Balancer", 0): seen("Balancer", 1),
    ("Predict", 0): seen("Predict", 1),
    ("Predict", 1): seen("Predict", 1, 1),
    ("Keeper", 0): seen("Keeper", 1),
    ("Ioc", 0): seen("Ioc", 1),
}

FAULTS = {
    "all live": ({}, ""),
    "Keeper": ({("Keeper", 0): seen("Keeper", 5)}, "Keeper is silent"),
    "Feeder": ({("Feeder", 0): seen("Feeder", 5)}, "Feeder is silent"),
    "Balancer": ({("Balancer", 0): seen("Balancer", 5)}, "Balancer is silent"),
    "one of two workers": ({("Predict", 0): seen("Predict", 5)}, ""),
    "all workers": (
        {("Predict", 0): seen("Predict", 5), ("Predict", 1): seen("Predict", 6, 1)},
        "Predict is silent",
    ),
    "the IOC itself": ({("Ioc", 0): seen("Ioc", 50)}, ""),
    "just not yet": ({("Keeper", 0): seen("Keeper", 4.0)}, ""),
    "Keeper and Feeder: the Keeper is named": (
        {("Keeper", 0): seen("Keeper", 5), ("Feeder", 0): seen("Feeder", 50)},
        "Keeper is silent",
    ),
    "never heard, still time": ({("Feeder", 0): Seen(None, NOW - 3)}, ""),
    "never heard": ({("Feeder", 0): Seen(None, NOW - 5)}, "Feeder was never heard"),
    "a second Feeder lives": (
        {("Feeder", 0): seen("Feeder", 50), ("Feeder", 1): seen("Feeder", 1, 1)},
        "",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), FAULTS.values(), ids=FAULTS)
def test_given_silent_processes_when_judged_then_the_fault_names_the_first(changes, expected):
    fault = chain_fault({**LIVE, **changes}, NOW, SILENCE_S)
    assert fault.startswith(expected) if expected else fault == ""


def test_given_no_process_of_a_stage_when_judged_then_nobody_is_missed():
    assert chain_fault({}, NOW, SILENCE_S) == ""


@pytest.mark.parametrize(
    ("ignored", "fault", "severity", "status"),
    [
        (False, "", Severity.INVALID, Status.UDF),
        (False, "Keeper is silent", Severity.INVALID, Status.COMM),
        (True, "Keeper is silent", Severity.INVALID, Status.UDF),
    ],
)
def test_given_a_fault_when_laid_over_a_plot_then_it_is_invalid_unless_ignored(
    ignored, fault, severity, status
):
    state = overlay(nothing(make_entry(1, "A", "B")), ignored=ignored, fault=fault)
    assert (state.severity, state.status) == (severity, status)
    assert state.reason == (fault if fault and not ignored else "no image yet")


def test_given_a_new_process_number_when_heard_then_it_counts_as_a_restart():
    first = hear(None, beat("Keeper"), 1.0)
    same = hear(first, beat("Keeper", beat=6), 2.0)
    again = hear(same, beat("Keeper", pid=8, started=3.0), 3.0)
    assert [one.restarts for one in (first, same, again)] == [0, 0, 1]


STAGES = {
    "running": (seen("Keeper", 1), "Running", Severity.NO_ALARM, Status.NO_ALARM),
    "starting": (
        seen("Keeper", 1, state="Starting"), "Starting", Severity.MINOR, Status.STATE,
    ),
    "degraded": (
        seen("Keeper", 1, state="Degraded", reason="the database is away"),
        "Degraded", Severity.MAJOR, Status.STATE,
    ),
    "stopping": (
        seen("Keeper", 1, state="Stopping"), "Stopping", Severity.MINOR, Status.STATE,
    ),
    "silent": (seen("Keeper", 9), "Silent", Severity.INVALID, Status.COMM),
    "never heard": (Seen(None, NOW - 9), "Silent", Severity.INVALID, Status.COMM),
}  # fmt: skip


def values_of(one: Seen) -> dict:
    values = stage_values("P:", ("Keeper", 0), one, now=NOW, wall=5000.0, silence_s=SILENCE_S)
    return {name.removeprefix("P:Keeper:"): value for name, value in values.items()}


@pytest.mark.parametrize(("one", "state", "severity", "status"), STAGES.values(), ids=STAGES)
def test_given_a_process_when_shown_then_its_state_carries_the_alarm(one, state, severity, status):
    shown = values_of(one)["State"]
    assert (STATES[shown.value], shown.severity, shown.status) == (state, severity, status)


def test_given_a_process_that_may_still_come_when_shown_then_nothing_is_said_yet():
    assert values_of(Seen(None, NOW - 1)) == {}


def test_given_a_full_queue_when_shown_then_it_is_major_with_the_numbers():
    queue = values_of(seen("Keeper", 1, queue=64, queue_limit=64))["Queue"]
    assert (queue.severity, queue.status) == (Severity.MAJOR, Status.HIHI)
    assert queue.reason == "queue is full: 64 of 64"
    assert not values_of(seen("Keeper", 1, queue=63, queue_limit=64))["Queue"].severity
    assert not values_of(seen("Keeper", 1, queue=63))["Queue"].severity
