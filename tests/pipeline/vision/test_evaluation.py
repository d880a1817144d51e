"""Counts, intervals and thresholds."""

import math

import numpy as np
import pytest

from pipeline.vision.evaluation import (
    Rate,
    balanced_accuracy,
    confusion,
    max_f1_thresholds,
)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (10, 10), (197, 200), (1, 1000), (500, 999)])
def test_given_counts_when_asked_then_the_bounds_are_1_96_of_their_own_deviations_away(
    hits: int, total: int
) -> None:
    for bound in Rate(hits, total).interval:
        deviation = math.sqrt(bound * (1 - bound) / total)
        at_the_end = bound in (0.0, 1.0)
        assert at_the_end or abs(hits / total - bound) == pytest.approx(1.959964 * deviation)


def test_given_nothing_counted_when_asked_then_there_is_no_rate() -> None:
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert str(Rate(0, 0)) == "none"


def test_given_labels_when_counted_then_rows_are_true_and_columns_given() -> None:
    table = confusion(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 3)
    assert table.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert balanced_accuracy(table) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_given_separable_weights_when_chosen_then_the_threshold_lies_between() -> None:
    weights = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.05, 0.95]], np.float32)
    found = max_f1_thresholds(weights, np.array([0, 0, 1, 1]), ("Good", "Bad"))
    assert found == {"Good": 0.55, "Bad": 0.5}


def test_given_overlapping_weights_when_chosen_then_f1_is_the_best_there_is() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    bad = np.clip(rng.normal(0.45 + 0.3 * truth, 0.15), 0.0, 1.0).astype(np.float32)
    found = max_f1_thresholds(np.stack([1 - bad, bad], 1), truth, ("Good", "Bad"))["Bad"]

    def f1(threshold: float) -> float:
        accepted = bad >= threshold
        return 2 * (accepted & (truth == 1)).sum() / (accepted.sum() + truth.sum())

    assert f1(found) >= max(f1(value) for value in np.linspace(0.5, 0.98, 49)) - 0.01
