"""What a sequencer is asked: nothing by default, and only where a verdict stands at MAJOR."""

import msgspec
import pytest

from ioc.board import Board
from ioc.memory import Memory
from ioc.plots import Plots
from ioc.remedy_pvs import STATES
from pipeline.alarm import Severity
from tests.ioc.fake_keeper import judge, make_catalogue, make_entry, nothing
from tests.ioc.test_record_behaviour import BAD, GOOD

PV = "P:BCAL_occupancy:Remedy"


@pytest.fixture
def plots(tmp_path):
    board = Board()
    made = Plots("P:", board, Memory(tmp_path / "m.json"), ["BCAL_occupancy"])
    made.take_catalogue(make_catalogue(2))
    return made, board


def state(weights, count):
    entry = make_entry(1, "BCAL_occupancy", "BCAL")
    empty = msgspec.structs.replace(
        nothing(entry), weights=weights, count=count, image_time=2e9 + count
    )
    return judge(entry, empty)


def test_given_no_plot_configured_when_served_then_no_remedy_is_there(tmp_path):
    board = Board()
    Plots("P:", board, Memory(tmp_path / "m.json")).take_catalogue(make_catalogue(2))
    assert not [one.name for one in board if one.name.endswith(":Remedy")]


def test_given_a_configured_plot_when_bad_and_mended_then_a_remedy_is_asked_for_as_long(plots):
    made, board = plots
    shown = []
    for count, weights in enumerate((GOOD, BAD, {"Good": 0.45, "Bad": 0.55}, GOOD), start=1):
        made.take_state(state(weights, count), b"", b"")
        shown.append((STATES[board.value(PV).value], board.value(PV).severity))
    asked, nothing_asked = ("Asked", Severity.NO_ALARM), ("None", Severity.NO_ALARM)
    assert shown == [nothing_asked, asked, nothing_asked, nothing_asked]
    assert [one.name for one in board if one.name.endswith(":Remedy")] == [PV]


def test_given_a_broken_chain_when_a_verdict_is_bad_then_nothing_is_asked_and_it_is_invalid(plots):
    made, board = plots
    made.take_state(state(BAD, 1), b"", b"")
    made.take_fault("Keeper is dead")
    assert (STATES[board.value(PV).value], board.value(PV).severity) == ("None", Severity.INVALID)
    made.take_fault("")
    assert STATES[board.value(PV).value] == "Asked"
