"""Plots whose model gives a number: limits, alarm, record and restart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.audit import AuditLog
from db.engine import writing
from db.operation import MonitoringLog, RunHistory
from pipeline.alarm import Severity, Status
from pipeline.keeper.regression import compare
from pipeline.messages import Accepted, AlarmLimits, Refused, SetLimit
from tests.pipeline.keeper.deployment import WHO, entries, make_report, register, rows, running
from tests.pipeline.keeper.test_loop import scene

NONE, MINOR, MAJOR, INVALID = Severity
LIMITS = AlarmLimits(lolo=1.0, low=2.0, high=8.0, hihi=9.0)
QUANTITY = {
    "name": "peak",
    "unit": "ns",
    "limits": {"lolo": 1.0, "low": 2.0, "high": 8.0, "hihi": 9.0},
}


@pytest.fixture
def peak(config, engine):
    """A plot judged by a regression model."""
    with writing(engine) as session:
        register(
            session,
            ["CDC_occupancy"],
            digest="c" * 64,
            labels=("peak",),
            thresholds={},
            confusion=[],
            kind="regression",
            quantity=QUANTITY,
        )
    return entries(config)["CDC_occupancy"]


@pytest.mark.parametrize(
    ("value", "severity", "status"),
    [
        (5.0, NONE, Status.NO_ALARM),
        (8.0, MINOR, Status.HIGH),
        (9.0, MAJOR, Status.HIHI),
        (2.0, MINOR, Status.LOW),
        (0.5, MAJOR, Status.LOLO),
        (float("nan"), INVALID, Status.CALC),
    ],
)
def test_given_limits_when_compared_then_severity_and_status_are_those_of_a_record(
    value, severity, status
):
    assert compare(value, LIMITS, "ns")[:2] == (severity, status)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_given_a_higher_number_when_above_the_limits_then_it_is_no_less_severe(one, other):
    low, high = sorted((max(one, 5.0), max(other, 5.0)))
    assert compare(low, LIMITS, "")[0] <= compare(high, LIMITS, "")[0]


@scene
async def test_given_a_number_when_reported_then_it_is_judged_recorded_and_shown_again(
    config, peak, engine
):
    async with running(config) as client:
        await client.send(make_report(config, peak, 1, value=5.25))
        good = await client.shows("CDC_occupancy", lambda s: s.value == 5.25)
        assert (good.label, good.severity) == ("InRange", NONE)
        assert good.reason.startswith("value 5.25 ns, within LOLO 1, LOW 2, HIGH 8, HIHI 9")
        await client.send(make_report(config, peak, 2, value=9.5))
        bad = await client.shows("CDC_occupancy", lambda s: s.value == 9.5)
        assert (bad.label, bad.severity, bad.value_status) == ("OutOfRange", MAJOR, Status.HIHI)
        assert "value 9.5 ns >= HIHI 9" in bad.reason
    found = rows(engine, RunHistory)
    assert [(row.label, row.value) for row in found] == [("InRange", 5.25), ("OutOfRange", 9.5)]
    assert [row.label for row in rows(engine, MonitoringLog)] == ["OutOfRange"]
    # An image within the limits needs no look: it is not kept.
    assert [row.plot_id is not None for row in found] == [False, True]
    async with running(config) as client:
        again = await client.shows("CDC_occupancy", lambda s: s.value == 9.5)
        assert (again.severity, again.reason) == (bad.severity, bad.reason)


@scene
async def test_given_a_limit_when_changed_then_the_number_on_show_is_judged_again(
    config, peak, engine
):
    async with running(config) as client:
        await client.send(make_report(config, peak, 1, value=9.5))
        await client.shows("CDC_occupancy", lambda s: s.severity is MAJOR)
        asked = SetLimit(who=WHO, plot="CDC_occupancy", limit="hihi", value=10.0)
        assert isinstance(await client.ask(asked), Accepted)
        await client.shows("CDC_occupancy", lambda s: s.value_status is Status.HIGH)
        odd = SetLimit(who=WHO, plot="CDC_occupancy", limit="low", value=50.0)
        refused = await client.ask(odd)
        assert isinstance(refused, Refused)
        assert "LOLO <= LOW <= HIGH <= HIHI" in refused.text
        other = SetLimit(who=WHO, plot="FCAL_occupancy", limit="low", value=5.0)
        refused = await client.ask(other)
        assert isinstance(refused, Refused)
        assert "no regression model" in refused.text
    said = [row.accepted for row in rows(engine, AuditLog) if row.action == "set-limit"]
    assert said == [True, False, False]
