"""One PV as the screens read it."""

import numpy as np
import pytest
from pydm.data_plugins.epics_plugins import pyepics_plugin_component as plugin
from qtpy.QtCore import QObject

from displays.field import Field, mend_channel_access, mend_pictures
from pipeline.alarm import Severity

WAIT_MS = 20_000


@pytest.fixture
def fields(qapp):
    mend_channel_access()
    owner, made = QObject(), []

    def make(address):
        made.append(Field(address, owner, alarm=True))
        return made[-1]

    yield make
    for field in made:
        field.close()


def test_given_a_lost_connect_event_when_a_listener_is_added_then_it_is_connected_all_the_same(
    fields, qtbot, lasting_ioc, monkeypatch
):
    # What the thread pool sees when it tests the channel just before it connects.
    monkeypatch.setattr(plugin.epics.ca, "isConnected", lambda _chid: False)
    first = fields(f"ca://{lasting_ioc.prefix}Run")
    qtbot.waitUntil(lambda: first.connected, timeout=WAIT_MS)
    second = fields(f"ca://{lasting_ioc.prefix}Run")
    qtbot.waitUntil(lambda: second.connected and second.number() == 131458, timeout=WAIT_MS)
    assert first.connected


def test_given_an_enum_when_read_then_its_text_and_severity_are_known(fields, qtbot, lasting_ioc):
    lasting_ioc.say(plot="CDC_occupancy", label="Bad")
    field = fields(f"ca://{lasting_ioc.prefix}CDC_occupancy:Class")
    qtbot.waitUntil(lambda: field.text() == "Bad", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: field.severity == Severity.MAJOR, timeout=WAIT_MS)


def test_given_a_long_string_when_read_then_it_is_whole(fields, qtbot, lasting_ioc):
    reason = "ä reason of more than forty characters, " * 5
    lasting_ioc.say(plot="CDC_occupancy", reason=reason)
    field = fields(f"ca://{lasting_ioc.prefix}CDC_occupancy:Reason.VAL$")
    qtbot.waitUntil(lambda: field.text() == reason, timeout=WAIT_MS)


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (None, "", None),
        ("abc", "abc", None),
        (np.frombuffer(b"abc\0d", np.uint8), "abc", None),
        (np.frombuffer(b"\xff", np.uint8), "\ufffd", None),
        (65, "A", 65.0),
        (7, "", 7.0),
        (float("nan"), "nan", None),
        (float("inf"), "inf", None),
        (0.5, "0.5", 0.5),
    ],
)
def test_given_any_value_when_read_as_text_or_number_then_nothing_breaks(qapp, value, text, number):
    owner = QObject()
    field = Field("", owner)
    field.take_value(value)
    assert field.text() == text
    assert field.number() == number


def test_given_an_enum_index_beyond_its_strings_when_read_then_there_is_no_text(qapp):
    owner = QObject()
    field = Field("", owner)
    field.take_choices(("Good", "Bad"))
    field.take_value(7)
    assert field.text() == ""
    field.take_value(-1)
    assert field.text() == ""


def test_given_an_unknown_severity_when_taken_then_it_is_invalid(qapp):
    owner = QObject()
    field = Field("", owner)
    field.take_severity(9)
    assert field.severity == Severity.INVALID


def test_given_an_empty_picture_when_decoded_then_it_is_none_and_no_fault():
    from pydm.data_plugins.epics_plugins import pva_codec

    mend_pictures()
    mend_pictures()
    empty = np.zeros(0, np.uint8)
    assert pva_codec.codecs["jpeg"](empty, [0], np.uint8, 0) is empty
