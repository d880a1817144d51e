"""What the IOC remembers over a restart."""

import json

import pytest

from ioc.ca_alarm import RecordAlarm
from ioc.memory import Memory
from pipeline.alarm import Severity, Status

MAJOR = (Severity.MAJOR, Status.STATE)
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)


def test_given_alarms_when_saved_and_read_then_they_are_the_same(tmp_path):
    memory = Memory(tmp_path / "deep" / "m.json")
    memory.keep_alarm("A", RecordAlarm(*MAJOR, ackt=False, acks=Severity.MINOR))
    first = memory.first_seen("B", "text", 5.0)
    memory.save()
    again = Memory(tmp_path / "deep" / "m.json")
    known = again.alarm("A")
    assert (known.severity, known.status, known.ackt, known.acks) == (*MAJOR, False, 1)
    assert again.alarm("B") is None
    assert again.first_seen("B", "text", 99.0) == first == 5.0
    assert again.first_seen("B", "other", 99.0) == 99.0


def test_given_nothing_new_when_saved_then_the_file_is_left_alone(tmp_path):
    memory = Memory(tmp_path / "m.json")
    memory.save()
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"alarms": {"A": [9, 9, 9, 9]}, "texts": {}}', "\x00\xff", "null"]
)
def test_given_a_damaged_file_when_read_then_it_is_set_aside_and_the_ioc_starts(tmp_path, text):
    file = tmp_path / "m.json"
    file.write_text(text)
    memory = Memory(file)
    assert memory.alarm("A") is None
    assert (tmp_path / "m.bad").exists()
    memory.keep_alarm("A", RecordAlarm(*MAJOR))
    memory.save()
    assert json.loads(file.read_text())["alarms"]["A"] == [2, 7, True, 0]


def restarted(known: RecordAlarm) -> RecordAlarm:
    alarm = RecordAlarm()
    alarm.restore(known)
    return alarm


TABLE = {
    "acknowledged and the same": (RecordAlarm(*MAJOR, acks=Severity(0)), MAJOR, 0),
    "acknowledged and gone": (RecordAlarm(*MAJOR, acks=Severity(0)), GOOD, 0),
    "acknowledged and worse": (
        RecordAlarm(Severity.MINOR, Status.STATE, acks=Severity(0)), MAJOR, 2,
    ),
    "latched and the same": (RecordAlarm(*MAJOR, acks=Severity.MAJOR), MAJOR, 2),
    "latched and gone": (RecordAlarm(*GOOD, acks=Severity.MAJOR), GOOD, 2),
}  # fmt: skip


@pytest.mark.parametrize(("known", "first", "acks"), TABLE.values(), ids=TABLE)
def test_given_an_alarm_of_before_when_the_first_value_comes_then_acks_is_right(known, first, acks):
    alarm = restarted(known)
    assert (alarm.severity, alarm.status) == (Severity.INVALID, Status.UDF)
    assert alarm.take(*first)
    assert alarm.acks == acks


def test_given_a_restored_alarm_when_it_changes_twice_then_the_second_counts_as_new():
    alarm = restarted(RecordAlarm(*MAJOR, acks=Severity(0)))
    alarm.take(*MAJOR)
    alarm.take(*GOOD)
    alarm.take(*MAJOR)
    assert alarm.acks == Severity.MAJOR
