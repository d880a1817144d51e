"""Puts: checked, committed, then complete; refused ones say why and are counted."""

import math
import socket
import struct
import threading
import time

import pytest
from p4p.client.thread import RemoteError

from pipeline.messages import SetConditions, SetIgnore, SetNews, SetThreshold
from tests.ioc.rig import Rig, wait_until

NORMAL = 1
NO_WRITE_ACCESS = 376
PUT_FAILED = 160
DOUBLE, STRING, ENUM, CHAR = 6, 0, 3, 4
THRESHOLD = "BCAL_occupancy:Threshold:Bad"


def refused(rig: Rig) -> int:
    return rig.ca.value("Ioc:Refused")


def test_given_a_threshold_when_put_then_it_completes_after_the_keeper_has_it(rig):
    rig.keeper.fake.received.clear()
    assert rig.ca.put(THRESHOLD, 0.55, wait=True)["status"] == NORMAL
    (command,) = rig.keeper.fake.received
    assert isinstance(command, SetThreshold)
    assert (command.plot, command.label, command.value) == ("BCAL_occupancy", "Bad", 0.55)
    assert command.who.host == "127.0.0.1"
    assert command.who.user
    assert rig.ca.value(THRESHOLD) == 0.55
    assert rig.pva.get(f"T:{THRESHOLD}") == 0.55


def test_given_a_slow_keeper_when_a_threshold_is_put_then_the_put_waits(rig):
    rig.keeper.stop("commands")
    done: list[dict] = []
    waiter = threading.Thread(
        target=lambda: done.append(rig.ca.put(THRESHOLD, 0.6, wait=True)), daemon=True
    )
    waiter.start()
    time.sleep(0.5)
    assert not done
    rig.keeper.start("commands", rig.keeper.fake.answer_commands())
    waiter.join(10)
    assert done[0]["status"] == NORMAL
    assert done[0]["seconds"] > 0.4


def test_given_a_keeper_that_does_not_answer_when_put_then_it_fails_and_nothing_changes(rig):
    before = rig.ca.value(THRESHOLD)
    rig.keeper.fake.answer = False
    answer = rig.ca.put(THRESHOLD, 0.123, wait=True)
    rig.keeper.fake.answer = True
    assert answer["status"] == PUT_FAILED
    assert "no answer from the Keeper within 2 s" in answer["exceptions"][0]["text"]
    assert rig.ca.value(THRESHOLD) == before


@pytest.mark.parametrize("wait", [False, True], ids=["plain", "callback"])
def test_given_a_keeper_that_refuses_when_put_then_the_client_sees_why(rig, wait):
    before = rig.ca.value(THRESHOLD)
    rig.keeper.fake.refuse_with = "the database is away"
    answer = rig.ca.put(THRESHOLD, 0.9, wait=wait)
    rig.keeper.fake.refuse_with = None
    assert answer["exceptions"] == [{"status": PUT_FAILED, "text": answer["exceptions"][0]["text"]}]
    assert "the database is away" in answer["exceptions"][0]["text"]
    assert rig.ca.value(THRESHOLD) == before


HOSTILE = {
    "nan": (THRESHOLD, math.nan, DOUBLE, "finite"),
    "infinite": (THRESHOLD, math.inf, DOUBLE, "finite"),
    "above": (THRESHOLD, 1.0001, DOUBLE, "from 0 to 1"),
    "below": (THRESHOLD, -0.1, DOUBLE, "from 0 to 1"),
    "word": (THRESHOLD, "high", STRING, "expected a number, received 'high'"),
    "nan as text": (THRESHOLD, "nan", STRING, "finite"),
    "state out of range": ("BCAL_occupancy:Ignore", 7, ENUM, "state from 0 to 1"),
    "state out of short range": ("BCAL_occupancy:Ignore", 65535, ENUM, "state from 0 to 1"),
    "unknown state": ("BCAL_occupancy:Ignore", "Maybe", STRING, "one of No, Yes"),
    "half a state": ("BCAL_occupancy:Ignore", 0.5, DOUBLE, "one of No, Yes"),
    "control characters": ("News.VAL$", "a\nb", CHAR, "control characters"),
    "negative infinity as beam": ("BeamCurrent", -math.inf, DOUBLE, "finite"),
    "read-only": ("BCAL_occupancy:Class", 1, ENUM, "is read-only"),
    "read-only stage": ("Keeper:State", 1, ENUM, "is read-only"),
}


@pytest.mark.parametrize("wait", [False, True], ids=["plain", "callback"])
@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
def test_given_a_hostile_put_when_sent_over_ca_then_it_is_refused_with_a_reason(rig, case, wait):
    pv, value, ftype, reason = case
    before, count = rig.ca.value(pv), refused(rig)
    answer = rig.ca.put(pv, value, ftype=ftype, wait=wait)
    assert reason in answer["exceptions"][0]["text"]
    assert answer["status"] in ((PUT_FAILED, NO_WRITE_ACCESS) if wait else (NORMAL,))
    assert rig.ca.value(pv) == before
    assert refused(rig) == count + 1


HOSTILE_PVA = {
    "nan": (THRESHOLD, math.nan, "finite"),
    "above": (THRESHOLD, 2.0, "from 0 to 1"),
    "state": ("BCAL_occupancy:Ignore", {"value.index": 9}, "state from 0 to 1"),
    "read-only": ("BCAL_occupancy:Confidence", 0.5, "is read-only"),
    "long": ("News", "x" * 5000, "fewer than 4000 bytes"),
    "huge": ("News", "x" * 3_000_000, "fewer than 4000 bytes"),
}


@pytest.mark.parametrize("case", HOSTILE_PVA.values(), ids=HOSTILE_PVA)
def test_given_a_hostile_put_when_sent_over_pva_then_it_is_refused_with_a_reason(rig, case):
    pv, value, reason = case
    count = refused(rig)
    with pytest.raises(RemoteError, match=reason):
        rig.pva.put(f"T:{pv}", value)
    assert refused(rig) == count + 1


def test_given_a_read_only_pv_when_connected_then_the_client_knows(rig):
    assert not rig.ca.ask("connect", pv="BCAL_occupancy:Confidence")["write"]
    assert not rig.ca.ask("connect", pv="BCAL_occupancy:Class.DESC")["write"]
    assert rig.ca.ask("connect", pv="BCAL_occupancy:Class")["write"]
    assert rig.ca.ask("connect", pv=THRESHOLD)["write"]


def raw_put(port: int, name: bytes, ftype: int, count: int, payload: bytes) -> bytes:
    """Speak Channel Access by hand, as no well-behaved client would."""

    def message(command: int, kind: int, number: int, *ids: int, data: bytes = b"") -> bytes:
        one, two = ids
        data = data + b"\0" * (-len(data) % 8)
        if len(data) < 0xFFFF and number < 0xFFFF:
            head = struct.pack(">HHHHII", command, len(data), kind, number, one, two)
        else:
            head = struct.pack(">HHHHII", command, 0xFFFF, kind, 0, one, two)
            head += struct.pack(">II", len(data), number)
        return head + data

    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(message(0, 0, 13, 0, 0))
        peer.sendall(message(20, 0, 0, 0, 0, data=b"mallory\0"))
        peer.sendall(message(21, 0, 0, 0, 0, data=b"elsewhere\0"))
        peer.sendall(message(18, 0, 0, 7, 13, data=name + b"\0"))
        received = b""
        while len(received) < 16 * 3 or received[-16:-14] != struct.pack(">H", 18):
            part = peer.recv(4096)
            if not part:
                return received
            received += part
        sid = struct.unpack(">I", received[-4:])[0]
        try:
            peer.sendall(message(19, ftype, count, sid, 99, data=payload))
        except OSError:
            return b""
        peer.settimeout(5)
        try:
            return peer.recv(4096)
        except OSError:
            return b""


def test_given_an_array_for_a_number_when_put_by_hand_then_it_is_refused(rig):
    count, port = refused(rig), rig.config.ioc.ca_port
    name = f"T:{THRESHOLD}".encode()
    answer = raw_put(port, name, DOUBLE, 100, struct.pack(">100d", *([0.5] * 100)))
    assert b"expected one element, received 100" in answer
    assert refused(rig) == count + 1


def test_given_a_huge_array_when_put_by_hand_then_the_client_is_dropped(rig):
    count, port = refused(rig), rig.config.ioc.ca_port
    before = rig.ioc.memory_bytes
    raw_put(port, f"T:{THRESHOLD}".encode(), DOUBLE, 2_000_000, b"\0" * 16_000_000)
    wait_until(lambda: refused(rig) == count + 1, "the put is counted")
    assert rig.ioc.memory_bytes - before < 40_000_000
    assert rig.ca.put(THRESHOLD, 0.5, wait=True)["status"] == NORMAL


@pytest.mark.parametrize("ftype", [12, 34, 37, 38, 99, 65535])
def test_given_a_type_that_cannot_be_put_when_put_by_hand_then_the_server_survives(rig, ftype):
    before = rig.ca.value(THRESHOLD)
    raw_put(rig.config.ioc.ca_port, f"T:{THRESHOLD}".encode(), ftype, 1, b"\xff" * 48)
    assert rig.ca.value(THRESHOLD) == before


def test_given_ignore_news_and_beam_when_put_then_the_keeper_hears_each(rig):
    rig.keeper.fake.received.clear()
    assert rig.ca.put("TAGM_occupancy:Ignore", "Yes", ftype=STRING, wait=True)["status"] == NORMAL
    assert rig.ca.put("News.VAL$", "Beam studies until 16:00", ftype=CHAR, wait=True)["status"] == 1
    assert rig.ca.put("BeamCurrent", 120.5, wait=True)["status"] == NORMAL
    ignore, news, beam = rig.keeper.fake.received
    assert (ignore.plot, ignore.ignored) == ("TAGM_occupancy", True)
    assert isinstance(ignore, SetIgnore)
    assert isinstance(news, SetNews)
    assert news.text == "Beam studies until 16:00"
    assert isinstance(beam, SetConditions)
    assert beam.beam_current == 120.5
    wait_until(lambda: rig.ca.value("Beam") == 2, "the beam is on")
    assert rig.ca.value("News.VAL$") == "Beam studies until 16:00"
    assert rig.pva.get("T:BeamCurrent") == 120.5
    assert rig.ca.put("TAGM_occupancy:Ignore", 0, wait=True)["status"] == NORMAL


def test_given_a_put_over_pva_when_accepted_then_it_names_the_account(rig):
    rig.keeper.fake.received.clear()
    rig.pva.put(f"T:{THRESHOLD}", 0.7)
    (command,) = rig.keeper.fake.received
    assert command.value == 0.7
    assert command.who.host == "127.0.0.1"
    rig.pva.put("T:BCAL_occupancy:Ignore", "Yes")
    rig.pva.put("T:BCAL_occupancy:Ignore", 0)
    assert [one.ignored for one in rig.keeper.fake.received[1:]] == [True, False]


def test_given_refused_puts_when_a_second_has_passed_then_the_keeper_has_each_kind_once(rig):
    notes = rig.keeper.fake.refused_puts
    for _ in range(5):
        rig.ca.put(THRESHOLD, 7.25, wait=True)
    with pytest.raises(RemoteError, match="read-only"):
        rig.pva.put("T:BCAL_occupancy:Confidence", 0.625)

    def told(value):
        return [note for note in notes if note.value == value]

    wait_until(lambda: sum(note.times for note in told("7.25")) == 5, "the five refusals")
    assert "expected a number from 0 to 1, received 7.25" in told("7.25")[0].who.why
    wait_until(lambda: told("0.625"), "the refusal of the read-only PV")
    (second,) = told("0.625")
    assert second.pv == "T:BCAL_occupancy:Confidence"
    assert "read-only" in second.who.why
    assert second.who.host == "127.0.0.1"
