"""Faults: what they take, and what is refused."""

import numpy as np
import pytest

from pipeline.errors import CommandError
from simulation.detector import Section, cable
from simulation.drawing import Fault
from simulation.faults import KINDS, check, describe, resolve
from simulation.plots import PLOTS


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_given_two_sections_when_cabled_then_crates_and_boards_count_on() -> None:
    detector = cable("X", [Section(20, 4, 10, slots=3), Section(8, 4, 8)])
    assert detector.size == 28
    assert detector.crate.tolist() == [1] * 12 + [2] * 8 + [3] * 8
    assert detector.board.tolist() == [1] * 10 + [2] * 10 + [3] * 8
    assert detector.slot[:12].tolist() == [3] * 4 + [4] * 4 + [5] * 4


def test_given_a_full_crate_when_cabled_then_slots_11_and_12_stay_free() -> None:
    detector = cable("X", [Section(16, 1, 16)])
    assert detector.slot.tolist() == [3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20]


def test_given_a_detector_when_asked_twice_then_the_same_channels_are_dead() -> None:
    first = cable("X", [Section(100, 10, 10)], known_dead=3)
    second = cable("X", [Section(100, 10, 10)], known_dead=3)
    assert (first.efficiency == second.efficiency).all()
    assert (first.efficiency == 0.0).sum() == 3


@pytest.mark.parametrize("crate", [1, 3, 8])
def test_given_a_crate_number_when_it_dies_then_exactly_its_channels_are_hit(crate: int) -> None:
    fault = resolve("CDC_occupancy", Fault("dead-crate", crate=crate), rng())
    detector = PLOTS["CDC_occupancy"].detector
    assert fault.channels == tuple(np.flatnonzero(detector.crate == crate))
    assert f"crate {crate}" in describe(fault)


def test_given_crate_and_slot_when_the_slot_dies_then_no_other_crate_is_hit() -> None:
    fault = resolve("BCAL_occupancy", Fault("dead-slot", crate=2, slot=5), rng())
    detector = PLOTS["BCAL_occupancy"].detector
    assert {int(detector.crate[channel]) for channel in fault.channels} == {2}
    assert {int(detector.slot[channel]) for channel in fault.channels} == {5}
    assert len(fault.channels) == 16


@pytest.mark.parametrize("seed", range(30))
def test_given_known_dead_channels_when_one_dies_then_it_was_alive(seed: int) -> None:
    detector = PLOTS["FCAL_occupancy"].detector
    fault = resolve("FCAL_occupancy", Fault("dead-channel"), np.random.default_rng(seed))
    assert detector.efficiency[fault.channels[0]] > 0.0


def test_given_a_resolved_fault_when_resolved_again_then_it_stays_the_same() -> None:
    fault = resolve("DIRC_occupancy", Fault("hv-off"), rng())
    assert resolve("DIRC_occupancy", fault, np.random.default_rng(9)) == fault


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("dead-crate", crate=99), "CDC has crate 1, 2, 3, 4, 5, 6, 7, 8; received 99"),
        (Fault("dead-slot", crate=1, slot=20), "CDC has slot"),
        (Fault("hv-off", board=0), "CDC has HV board"),
        (Fault("dead-slot", pad=0), "dead-slot has no pad"),
        (Fault("noise", crate=1), "noise has no crate"),
        (Fault("dead-channel", channels=(10**6,)), "CDC has channels 0 to 439"),
        (Fault("dead-channel", channels=(-1,)), "CDC has channels"),
        (Fault("noise", strength=float("nan")), "strength of 0 to 1"),
        (Fault("noise", position=2.0), "position of 0 to 1"),
        (Fault("on-fire"), "expected a fault of dead-channel"),
        (Fault("light-leak"), "light-leak makes no sense on CDC_occupancy"),
    ],
)
def test_given_a_fault_that_cannot_be_when_resolved_then_it_is_refused(
    fault: Fault, why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        resolve("CDC_occupancy", fault, rng())


def test_given_a_pad_that_is_not_there_when_resolved_then_it_is_refused() -> None:
    with pytest.raises(CommandError, match="RF_selftiming has pads 0 to 3; received 4"):
        resolve("RF_selftiming", Fault("timing-shift", pad=4), rng())


@pytest.mark.parametrize("plot", PLOTS)
def test_given_all_kinds_when_checked_then_each_is_allowed_or_refused_with_a_list(
    plot: str,
) -> None:
    for kind in KINDS:
        if kind in PLOTS[plot].faults:
            check(kind, plot)
        else:
            with pytest.raises(CommandError, match=f"{kind} makes no sense on {plot}; it can"):
                check(kind, plot)
