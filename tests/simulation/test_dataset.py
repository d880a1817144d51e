"""Labelled sets."""

import numpy as np

from simulation.dataset import shots, statistics
from simulation.faults import KINDS
from simulation.plots import PLOTS


def test_given_a_seed_when_planned_twice_then_the_plans_are_equal() -> None:
    first = list(shots("CDC_occupancy", 50, kinds=KINDS, seed=3))
    assert first == list(shots("CDC_occupancy", 50, kinds=KINDS, seed=3))
    assert first != list(shots("CDC_occupancy", 50, kinds=KINDS, seed=4))


def test_given_all_kinds_when_planned_then_each_that_fits_takes_its_turn() -> None:
    plan = list(shots("RICH_occupancy2d", 200, kinds=KINDS))
    kinds = [shot.faults[0].kind for shot in plan if shot.faults]
    assert set(kinds) == set(PLOTS["RICH_occupancy2d"].faults)
    assert 70 <= len(kinds) <= 130
    assert any(not shot.conditions.beam_on for shot in plan)


def test_given_no_kinds_when_planned_then_nothing_is_broken() -> None:
    assert not any(shot.faults for shot in shots("ST_occupancy", 50, kinds=()))


def test_given_many_chunks_when_their_statistics_are_drawn_then_they_stay_in_range() -> None:
    rng = np.random.default_rng(1)
    values = [statistics(rng) for _ in range(2000)]
    assert min(values) >= 0.5
    assert max(values) <= 3.0
