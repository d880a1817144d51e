"""Random counts that a fault does not disturb."""

import numpy as np
import pytest

from simulation.zoo.dice import Dice


@pytest.mark.parametrize("expected", [0.05, 0.7, 3.0, 5.9, 6.1, 40.0, 3000.0])
def test_given_an_expectation_when_counted_often_then_mean_and_variance_are_poisson(
    expected: float,
) -> None:
    drawn = Dice(1).counts(np.full(200_000, expected))
    assert drawn.mean() == pytest.approx(expected, rel=0.02, abs=0.003)
    assert drawn.var() == pytest.approx(expected, rel=0.06, abs=0.003)
    assert (drawn == np.rint(drawn)).all()


def test_given_one_changed_bin_when_counted_then_only_that_one_differs() -> None:
    expected = np.linspace(0.0, 50.0, 300)
    changed = expected.copy()
    changed[100] = 0.0
    first, second = Dice(3, 4).counts(expected), Dice(3, 4).counts(changed)
    assert np.flatnonzero(first != second).tolist() == [100]


def test_given_no_expectation_when_counted_then_nothing_comes() -> None:
    assert not Dice(5).counts(np.zeros((20, 30))).any()
