"""The order in which files are decoded."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeder.backlog import Backlog, Candidate
from pipeline.feeder.files import Fingerprint
from pipeline.feeder.grammar import Sighting
from pipeline.feeder.watcher import Found


def candidate(plot, time):
    found = Found(Path(f"/in/{plot}_{time}.png"), Path("/in"), True, time)
    return Candidate(found, Fingerprint(0, 0), Sighting(plot, "png", 1, None, -1, "NA"), time)


def drain(backlog):
    taken = []
    while (one := backlog.pop()) is not None:
        taken.append((one.sighting.plot, one.image_time))
    return taken


def test_given_a_long_queue_when_popped_then_the_newest_of_each_plot_is_first():
    backlog = Backlog()
    for time in range(1, 4):
        for plot in ("A", "B", "C"):
            backlog.push(candidate(plot, time))
    taken = drain(backlog)
    assert taken[:3] == [("A", 3), ("B", 3), ("C", 3)]
    assert [time for _, time in taken[3:]] == [2, 2, 2, 1, 1, 1]


def test_given_a_fast_plot_when_it_supersedes_itself_then_it_keeps_its_place():
    backlog = Backlog()
    backlog.push(candidate("fast", 1))
    backlog.push(candidate("slow", 1))
    backlog.push(candidate("fast", 2))
    assert drain(backlog)[:2] == [("fast", 2), ("slow", 1)]


def test_given_a_late_image_when_a_newer_was_taken_then_it_waits_behind_live_ones():
    backlog = Backlog()
    backlog.push(candidate("A", 5))
    assert drain(backlog) == [("A", 5)]
    backlog.push(candidate("A", 3))
    backlog.push(candidate("B", 1))
    assert drain(backlog) == [("B", 1), ("A", 3)]


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 9), st.booleans())))
def test_given_any_pushes_and_pops_when_drained_then_each_file_comes_once(steps):
    backlog = Backlog()
    pushed, taken = [], []
    for plot, time, pop in steps:
        backlog.push(candidate(plot, time))
        pushed.append((plot, time))
        if pop and (one := backlog.pop()) is not None:
            taken.append((one.sighting.plot, one.image_time))
    assert len(backlog) == len(pushed) - len(taken)
    assert sorted(taken + drain(backlog)) == sorted(pushed)
