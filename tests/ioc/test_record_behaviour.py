"""A PV behaves like a C record: the points in which stock caproto does not.

The numbers in the names of the tables are those of the measured departures:
shared alarms, lost severities, event masks, acknowledgement, fields.
"""

import pytest

from pipeline.alarm import Severity, Status
from tests.ioc.ca_agent import PUT_ACKS, PUT_ACKT, STSACK_STRING
from tests.ioc.rig import Rig, wait_until

VALUE, LOG, ALARM, PROPERTY = 1, 2, 4, 8
NO_WRITE_ACCESS = 376
PUT_FAILED = 160
GOOD = {"Good": 0.9, "Bad": 0.1, "NoData": 0.0, "Cosmic": 0.0, "LED": 0.0}
UNCONFIRMED = {"Good": 0.4, "Bad": 0.6, "NoData": 0.0, "Cosmic": 0.0, "LED": 0.0}
BAD = {"Good": 0.1, "Bad": 0.9, "NoData": 0.0, "Cosmic": 0.0, "LED": 0.0}
LED = {"Good": 0.1, "Bad": 0.0, "NoData": 0.0, "Cosmic": 0.0, "LED": 0.9}


def show(rig: Rig, plot: str, weights: dict[str, float]) -> None:
    """Show an image and wait until it is served."""
    state = rig.keeper.show_image(plot, weights, drawn=False)
    wait_until(lambda: rig.ca.value(f"{plot}:Count") == state.count, "the image is served")
    # An answer may overtake the events of the same moment, the next one cannot.
    rig.ca.value(f"{plot}:Count")


def acks(rig: Rig, plot: str) -> int:
    return rig.ca.get(f"{plot}:Class", ftype=STSACK_STRING)["acks"]


def test_given_one_plot_in_alarm_when_others_are_read_then_they_have_their_own_alarm(rig):
    show(rig, "BCAL_timing", BAD)
    assert rig.ca.get("BCAL_timing:Class")["severity"] == Severity.MAJOR
    assert rig.ca.get("BCAL_timing:Confidence")["severity"] == Severity.NO_ALARM
    assert rig.ca.get("BCAL_timing:Weight:Bad")["severity"] == Severity.NO_ALARM


def test_given_the_same_status_when_only_the_severity_changes_then_it_arrives(rig):
    plot = "CDC_efficiency"
    show(rig, plot, UNCONFIRMED)
    key = rig.ca.subscribe(f"{plot}:Class", ALARM)
    show(rig, plot, BAD)
    events = rig.ca.events(key, 1)
    assert [(one["severity"], one["status"]) for one in events] == [(Severity.MAJOR, Status.STATE)]


def test_given_an_alarm_when_values_repeat_then_it_neither_flips_nor_clears(rig):
    plot = "FCAL_occupancy"
    show(rig, plot, BAD)
    key = rig.ca.subscribe(f"{plot}:Class", ALARM)
    for _ in range(5):
        show(rig, plot, BAD)
    assert rig.ca.events(key) == []
    assert rig.ca.get(f"{plot}:Class")["severity"] == Severity.MAJOR


def test_given_event_masks_when_things_change_then_each_hears_only_its_kind(rig):
    plot = "FCAL_hit_rate"
    show(rig, plot, UNCONFIRMED)
    keys = {mask: rig.ca.subscribe(f"{plot}:Class", mask) for mask in (VALUE, LOG, ALARM, PROPERTY)}
    show(rig, plot, BAD)  # same label: only the alarm changes
    heard = {mask: len(rig.ca.events(key)) for mask, key in keys.items()}
    assert heard == {VALUE: 0, LOG: 0, ALARM: 1, PROPERTY: 0}
    show(rig, plot, GOOD)  # both change
    heard = {mask: len(rig.ca.events(key)) for mask, key in keys.items()}
    assert heard == {VALUE: 1, LOG: 1, ALARM: 1, PROPERTY: 0}
    show(rig, plot, LED)  # only the label changes
    heard = {mask: len(rig.ca.events(key)) for mask, key in keys.items()}
    assert heard == {VALUE: 1, LOG: 1, ALARM: 0, PROPERTY: 0}


def test_given_a_subscriber_of_all_kinds_when_value_and_alarm_change_then_it_hears_once(rig):
    plot = "FDC_occupancy"
    show(rig, plot, GOOD)
    key = rig.ca.subscribe(f"{plot}:Class", VALUE | ALARM)
    show(rig, plot, BAD)
    (event,) = rig.ca.events(key, 1)
    assert (event["value"], event["severity"]) == (1, Severity.MAJOR)


def test_given_an_alarm_handler_type_when_read_then_it_carries_the_value_as_text(rig):
    plot = "FDC_timing"
    show(rig, plot, BAD)
    got = rig.ca.get(f"{plot}:Class", ftype=STSACK_STRING)
    assert got == {
        "status": Status.STATE,
        "severity": Severity.MAJOR,
        "ackt": 1,
        "acks": Severity.MAJOR,
        "value": "Bad",
        "received": got["received"],
    }


def test_given_a_latched_alarm_when_acknowledged_too_low_then_it_stays(rig):
    plot = "TOF_occupancy"
    show(rig, plot, BAD)
    show(rig, plot, GOOD)
    assert acks(rig, plot) == Severity.MAJOR
    key = rig.ca.subscribe(f"{plot}:Class", ALARM, STSACK_STRING)
    rig.ca.put(f"{plot}:Class", Severity.MINOR, ftype=PUT_ACKS)
    assert acks(rig, plot) == Severity.MAJOR
    assert rig.ca.events(key) == []
    rig.ca.put(f"{plot}:Class", Severity.MAJOR, ftype=PUT_ACKS)
    (event,) = rig.ca.events(key, 1)
    assert (event["acks"], event["severity"], event["value"]) == (0, Severity.NO_ALARM, "Good")


def test_given_an_acknowledged_alarm_when_it_comes_again_then_it_latches_again(rig):
    plot = "TOF_matching"
    show(rig, plot, BAD)
    rig.ca.put(f"{plot}:Class", Severity.MAJOR, ftype=PUT_ACKS)
    assert acks(rig, plot) == Severity.NO_ALARM
    show(rig, plot, UNCONFIRMED)
    assert acks(rig, plot) == Severity.MINOR
    show(rig, plot, BAD)
    assert acks(rig, plot) == Severity.MAJOR


def test_given_transients_need_no_acknowledgement_when_the_alarm_goes_then_acks_follows(rig):
    plot = "ST_occupancy"
    show(rig, plot, BAD)
    show(rig, plot, UNCONFIRMED)
    assert acks(rig, plot) == Severity.MAJOR
    key = rig.ca.subscribe(f"{plot}:Class", ALARM, STSACK_STRING)
    rig.ca.put(f"{plot}:Class", 0, ftype=PUT_ACKT)
    (event,) = rig.ca.events(key, 1)
    assert (event["ackt"], event["acks"]) == (0, Severity.MINOR)
    show(rig, plot, GOOD)
    assert acks(rig, plot) == Severity.NO_ALARM
    rig.ca.put(f"{plot}:Class", 1, ftype=PUT_ACKT)
    assert rig.ca.value(f"{plot}:Class.ACKT") == 1


def test_given_a_value_that_clients_only_read_when_acknowledged_then_only_that_is_taken(rig):
    plot = "PS_hit_rate"
    show(rig, plot, BAD)
    answer = rig.ca.put(f"{plot}:Class", 0)
    assert answer["exceptions"][0]["status"] == NO_WRITE_ACCESS
    assert answer["exceptions"][0]["text"].endswith("PS_hit_rate:Class is read-only")
    assert rig.ca.value(f"{plot}:Class") == 1
    assert rig.ca.put(f"{plot}:Class", 2, ftype=PUT_ACKS, wait=True)["status"] == 1
    assert acks(rig, plot) == 0


FIELDS = {
    "Class.DESC": "Label of the last judged image",
    "Class.RTYP": "mbbi",
    "Class.NAME": "T:BCAL_occupancy:Class",
    "Class.ZRST": "Good",
    "Class.ONST": "Bad",
    "Class.SVST": "Unknown",
    "Class.EIST": "",
    "Class.ACKT": 1,
    "Age.EGU": "s",
    "Age.PREC": 0,
    "Confidence.PREC": 3,
    "Confidence.HOPR": 1.0,
    "Confidence.LOPR": 0.0,
    "GoodMinusBad.LOPR": -1.0,
    "Threshold:Bad.DRVH": 1.0,
    "Threshold:Bad.DRVL": 0.0,
    "Threshold:Bad.RTYP": "ao",
    "Threshold:Bad.ASG": "THRESHOLDS",
    "Reason.RTYP": "lsi",
    "Confidence.HHSV": 0,
}


@pytest.mark.parametrize(("field", "expected"), FIELDS.items(), ids=FIELDS)
def test_given_a_record_when_a_field_is_read_then_it_is_filled(rig, field, expected):
    assert rig.ca.value(f"BCAL_occupancy:{field}") == expected


def test_given_no_alarm_limits_when_read_then_they_are_none_and_make_no_alarm(rig):
    show(rig, "BCAL_occupancy", BAD)
    limits = rig.ca.get("BCAL_occupancy:Confidence", ftype=34)
    assert limits["upper_alarm_limit"] != limits["upper_alarm_limit"]  # NaN
    assert rig.ca.value("BCAL_occupancy:Confidence.HIHI") != 0.0
    assert limits["severity"] == Severity.NO_ALARM


def test_given_field_subscribers_when_the_alarm_changes_then_they_hear_it(rig):
    plot = "TAGH_occupancy"
    show(rig, plot, GOOD)
    keys = {
        name: rig.ca.subscribe(f"{plot}:Class.{name}", VALUE) for name in ("SEVR", "STAT", "ACKS")
    }
    show(rig, plot, BAD)
    heard = {name: rig.ca.events(key, 1)[-1]["value"] for name, key in keys.items()}
    assert heard == {"SEVR": Severity.MAJOR, "STAT": Status.STATE, "ACKS": Severity.MAJOR}


def test_given_a_field_or_record_that_is_not_there_when_searched_then_it_is_not_found(rig):
    for name in ("BCAL_occupancy:Class.NOPE", "BCAL_occupancy:Nope", "BCAL_occupancy:Class.VAL$"):
        assert not rig.ca.ask("connect", pv=name, timeout=0.4)["connected"]


def test_given_a_status_beyond_sixteen_when_read_as_text_then_it_has_its_name(rig):
    assert rig.ca.get("TAGM_occupancy:Class.STAT", ftype=0)["value"] == "UDF"
    assert rig.ca.value("TAGM_occupancy:Class.STAT") == Status.UDF


@pytest.mark.parametrize(("ftype", "expected"), [(0, "0.900"), (1, 0), (2, 0.9), (5, 0), (6, 0.9)])
def test_given_a_number_when_read_as_another_type_then_it_is_converted(rig, ftype, expected):
    show(rig, "BCAL_hit_rate", GOOD)
    got = rig.ca.get("BCAL_hit_rate:Weight:Good", ftype=ftype)["value"]
    assert got == pytest.approx(expected) if isinstance(expected, float) else got == expected


def test_given_a_client_that_clears_its_channel_when_values_change_then_nothing_is_kept(rig):
    plot = "BCAL_hit_rate"
    rig.ca.subscribe(f"{plot}:Count", VALUE)
    rig.ca.ask("clear", pv=f"{plot}:Count")
    show(rig, plot, BAD)
    assert rig.ca.value(f"{plot}:Class") == 1


def test_given_a_global_alarm_handler_when_it_listens_as_it_does_then_it_hears_alarms_only(rig):
    """ALH asks for one element of DBR_STSACK_STRING, with the mask DBE_ALARM alone."""
    plot = "PS_hit_rate"
    show(rig, plot, GOOD)
    key = rig.ca.subscribe(f"{plot}:Class", ALARM, STSACK_STRING, count=1)
    show(rig, plot, LED)
    show(rig, plot, BAD)
    (event,) = rig.ca.events(key, 1)
    assert (event["value"], event["severity"], event["acks"]) == ("Bad", 2, 2)


def test_given_a_long_text_when_monitored_then_changes_come_whole(rig):
    plot = "BCAL_occupancy"
    show(rig, plot, GOOD)
    key = rig.ca.subscribe(f"{plot}:Reason.VAL$", VALUE)
    show(rig, plot, UNCONFIRMED)
    (event,) = rig.ca.events(key, 1)
    assert event["value"] == "Bad 0.600 is below its threshold " + event["value"][-5:]
    assert len(event["value"]) > 37
