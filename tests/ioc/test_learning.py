"""Over EPICS: judging over time, the number of a regression model, how models do."""

import msgspec
import pytest

from pipeline.alarm import Severity, Status
from pipeline.messages import AlarmLimits, Performance, SetLimit, SetSteadiness, Steadiness, encode
from tests.ioc.rig import Rig, wait_until

PLOT = "BCAL_occupancy"
CTRL_DOUBLE = 34


def show_entry(rig: Rig, **changes: object) -> None:
    fake = rig.keeper.fake
    entry = msgspec.structs.replace(fake.entries[PLOT], **changes)
    rig.keeper.call(fake.show_catalogue(entry))


@pytest.mark.parametrize(
    ("pv", "value", "setting"),
    [
        ("Images", 3, "consecutive"),
        ("Hysteresis", 0.05, "hysteresis"),
        ("Hold", 60.0, "hold_s"),
        ("Delay", 30.0, "delay_s"),
        ("Count", 2, "count"),
    ],
)
def test_given_a_setting_when_put_then_the_keeper_has_it_before_the_put_is_done(
    rig: Rig, pv, value, setting
):
    rig.keeper.fake.received.clear()
    assert rig.ca.put(f"{PLOT}:Steady:{pv}", value, wait=True)["status"] == 1
    (command,) = [one for one in rig.keeper.fake.received if isinstance(one, SetSteadiness)]
    assert (command.plot, command.setting, command.value) == (PLOT, setting, value)


@pytest.mark.parametrize(("pv", "value"), [("Images", 0), ("Images", 21), ("Hysteresis", 1.5)])
def test_given_a_setting_out_of_range_when_put_then_it_never_reaches_the_keeper(
    rig: Rig, pv, value
):
    rig.keeper.fake.received.clear()
    assert rig.ca.put(f"{PLOT}:Steady:{pv}", value, wait=True)["status"] != 1
    assert not [one for one in rig.keeper.fake.received if isinstance(one, SetSteadiness)]


def test_given_a_catalogue_with_settings_when_it_comes_then_they_are_shown(rig: Rig):
    show_entry(rig, steadiness=Steadiness(consecutive=4, hold_s=12.0))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Steady:Images") == 4, "the setting")
    assert rig.ca.value(f"{PLOT}:Steady:Hold") == 12.0
    show_entry(rig, steadiness=Steadiness())


def test_given_a_number_when_shown_then_it_alarms_as_an_ai_record_does(rig: Rig):
    fake = rig.keeper.fake
    model = fake.entries[PLOT].model
    limits = AlarmLimits(lolo=1.0, low=2.0, high=8.0, hihi=9.0)
    number = msgspec.structs.replace(model, kind="regression", unit="ns", limits=limits)
    before = fake.states[PLOT]
    show_entry(rig, model=number)
    state = msgspec.structs.replace(
        before,
        label="OutOfRange",
        value=9.5,
        value_status=Status.HIHI,
        severity=Severity.MAJOR,
        status=Status.STATE,
        image_time=1.7e9,
        count=before.count + 1,
        reason="value 9.5 ns >= HIHI 9",
    )
    rig.keeper.call(fake.show(state))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Class") == 1, "OutOfRange")
    wait_until(lambda: rig.ca.value(f"{PLOT}:Value") == 9.5, "the number")
    shown = rig.pva.get(f"T:{PLOT}:Value")
    assert (shown.severity, shown.raw.display.units) == (2, "ns")
    read = {name: rig.ca.value(f"{PLOT}:Value.{name}") for name in ("LOLO", "LOW", "HIGH", "HIHI")}
    assert read == {"LOLO": 1.0, "LOW": 2.0, "HIGH": 8.0, "HIHI": 9.0}
    assert rig.ca.value(f"{PLOT}:Value.STAT") == Status.HIHI
    assert rig.ca.value(f"{PLOT}:Value.EGU") == "ns"
    assert [rig.ca.value(f"{PLOT}:Value.{name}") for name in ("HHSV", "HSV")] == [2, 1]
    rig.keeper.fake.received.clear()
    assert rig.ca.put(f"{PLOT}:Limit:HIHI", 10.0, wait=True)["status"] == 1
    (command,) = [one for one in rig.keeper.fake.received if isinstance(one, SetLimit)]
    assert (command.limit, command.value) == ("hihi", 10.0)
    show_entry(rig, model=model)
    back = msgspec.structs.replace(before, count=state.count + 1)
    rig.keeper.call(fake.show(back))


def test_given_a_performance_when_published_then_an_unknown_accuracy_is_never_green(rig: Rig):
    fake = rig.keeper.fake
    unknown = Performance(plot=PLOT, made_at=1.7e9, reason="unknown: 1 of 9", coverage=0.11)
    rig.keeper.call(fake.publish(b"performance", encode(unknown)))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Accuracy:Coverage") == 0.11, "the coverage")
    assert rig.pva.get(f"T:{PLOT}:Accuracy").severity == Severity.INVALID
    assert rig.pva.get(f"T:{PLOT}:Drift").severity == Severity.INVALID
    known = Performance(
        plot=PLOT,
        made_at=1.7e9,
        known=True,
        accuracy=0.9,
        low=0.85,
        high=0.93,
        coverage=0.8,
        count=200,
        severity=Severity.MINOR,
        reason="accuracy 0.900",
        drift=7.5,
        drift_severity=Severity.MINOR,
        drift_reason="confidence 7.5",
        retrain=1,
        retrain_reason="drift: far",
    )
    rig.keeper.call(fake.publish(b"performance", encode(known)))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Accuracy:Count") == 200, "the count")
    assert rig.pva.get(f"T:{PLOT}:Accuracy").severity == Severity.MINOR
    assert rig.ca.value(f"{PLOT}:Drift") == 7.5
    assert rig.ca.value(f"{PLOT}:Retrain") == 1
    assert "drift: far" in str(rig.pva.get(f"T:{PLOT}:Retrain:Reason"))
