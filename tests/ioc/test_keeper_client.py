"""What the IOC takes from the Keeper when things cross on their way."""

import msgspec
import pytest

from ioc.board import Board
from ioc.memory import Memory
from ioc.plots import Plots
from pipeline.alarm import Severity, Status
from pipeline.messages import Catalogue
from tests.ioc.fake_keeper import judge, make_catalogue, make_entry, nothing
from tests.ioc.test_record_behaviour import BAD, GOOD


@pytest.fixture
def plots(tmp_path):
    board = Board()
    made = Plots("P:", board, Memory(tmp_path / "m.json"))
    made.take_catalogue(make_catalogue(2))
    return made, board


def state(weights, count, name="BCAL_occupancy"):
    entry = make_entry(1, name, "BCAL")
    empty = msgspec.structs.replace(
        nothing(entry), weights=weights, count=count, image_time=2e9 + count
    )
    return judge(entry, empty)


def test_given_counts_in_order_when_taken_then_nothing_is_missed(plots):
    made, _ = plots
    assert not made.take_state(state(GOOD, 1), b"", b"")
    assert not made.take_state(state(GOOD, 2), b"", b"")
    assert not made.take_state(state(BAD, 2), b"", b"")
    assert made.take_state(state(BAD, 4), b"", b"")


def test_given_a_picture_when_the_same_image_is_judged_again_then_it_stays(plots):
    made, board = plots
    made.take_state(state(GOOD, 1), b"\xff\xd8jpeg", b"")
    made.take_state(state(BAD, 1), b"", b"")
    assert board.value("P:BCAL_occupancy:Image").value == b"\xff\xd8jpeg"
    assert board.value("P:BCAL_occupancy:Image").severity == Severity.MAJOR
    made.take_state(state(BAD, 2), b"", b"")
    shown = board.value("P:BCAL_occupancy:Image")
    assert (shown.value, shown.severity, shown.status) == (b"", Severity.INVALID, Status.UDF)


def test_given_a_heat_map_of_another_size_than_said_when_taken_then_it_is_not_shown(plots):
    made, board = plots
    said = msgspec.structs.replace(state(GOOD, 1), heat_shape=(3, 4))
    made.take_state(said, b"x", b"1" * 12)
    assert board.value("P:BCAL_occupancy:Heatmap").shape == (3, 4)
    said = msgspec.structs.replace(state(GOOD, 2), heat_shape=(3, 4))
    made.take_state(said, b"x", b"1" * 11)
    assert board.value("P:BCAL_occupancy:Heatmap").severity == Severity.INVALID


def test_given_a_state_of_an_unknown_plot_when_taken_then_it_is_left(plots):
    made, board = plots
    before = len(board)
    assert not made.take_state(state(GOOD, 1, "Stranger"), b"", b"")
    assert len(board) == before


def test_given_a_label_outside_the_palette_when_shown_then_class_says_nothing_of_it(plots):
    made, board = plots
    made.take_state(msgspec.structs.replace(state(GOOD, 1), label="Martian"), b"", b"")
    shown = board.value("P:BCAL_occupancy:Class")
    assert board.description("P:BCAL_occupancy:Class").choices[shown.value] == "Nothing"


def test_given_a_plot_that_leaves_when_the_catalogue_changes_then_its_pvs_are_gone(plots):
    made, board = plots
    assert "P:BCAL_hit_rate:Class" in board
    made.take_catalogue(Catalogue(serial=2, plots=make_catalogue(1).plots))
    assert "P:BCAL_hit_rate:Class" not in board
    assert "P:BCAL_occupancy:Class" in board


def test_given_a_fault_when_it_comes_and_goes_then_values_and_times_stay(plots):
    made, board = plots
    made.take_state(state(BAD, 1), b"", b"")
    before = board.value("P:BCAL_occupancy:Class")
    made.take_fault("Feeder is silent")
    broken = board.value("P:BCAL_occupancy:Class")
    assert (broken.value, broken.time) == (before.value, before.time)
    assert (broken.severity, broken.status) == (Severity.INVALID, Status.COMM)
    assert board.value("P:BCAL:Quality").reason == "BCAL_occupancy: Feeder is silent"
    made.take_fault("")
    assert board.value("P:BCAL_occupancy:Class") == before
