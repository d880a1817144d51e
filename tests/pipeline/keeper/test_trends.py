"""Accuracy with its interval, drift, and the reasons to train again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.judged_queries import Judged
from db.performance_queries import Facts
from pipeline.config import Loop
from pipeline.keeper.trends import (
    accuracy_of,
    causes,
    drift_of,
    moved,
    rate_moved,
    vectors_moved,
    wilson,
)

FACTS = Facts(
    plot_type_id=1,
    plot="CDC_occupancy",
    model_id=1,
    digest="a" * 64,
    since=0.0,
    palette=("Good", "Bad"),
    labels=("Good", "Bad"),
    sample=(),
    period="P1",
    known_periods=("P1",),
)
RULES = Loop()


def found(facts: Facts) -> list[str]:
    accuracy = accuracy_of(facts.sample, RULES.coverage)
    return [cause for cause, _ in causes(facts, accuracy, drift_of(facts), RULES)]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # Source: Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_given_published_cases_when_bounded_then_the_interval_is_theirs(correct, total, low, high):
    assert wilson(correct, total) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_given_any_count_when_bounded_then_the_share_lies_within(correct, wrong):
    low, high = wilson(correct, correct + wrong)
    share = correct / (correct + wrong) if correct + wrong else 0.5
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0


def test_given_few_labels_when_counted_then_nothing_is_known():
    sample = [Judged(1.0, "Good", "Good")] * 4 + [Judged(1.0, "Good", None)] * 6
    assert not accuracy_of(sample, 0.5).known
    assert accuracy_of(sample, 0.4).known
    assert not accuracy_of([], 0.0).known


def test_given_steady_confidences_when_compared_then_nothing_drifts():
    steady = np.random.default_rng(1).normal(0.95, 0.02, 400)
    value = moved(list(steady))
    assert value is not None
    assert value < RULES.drift
    sinking = np.concatenate([steady[:300], steady[300:] - 0.05])
    assert moved(list(sinking)) > RULES.drift
    assert moved(list(steady[:60])) is None


def test_given_embeddings_when_their_middle_moves_then_it_is_a_drift():
    rows = np.random.default_rng(2).normal(size=(400, 64))
    same = vectors_moved([row.astype("<f2").tobytes() for row in rows])
    rows[200:] += 0.5
    apart = vectors_moved([row.astype("<f2").tobytes() for row in rows])
    assert same is not None and apart is not None
    assert 0.5 < same < 1.5
    assert apart > RULES.drift


def test_given_one_doubtful_image_when_compared_then_nothing_drifts():
    confidences, confirmed = [0.99] * 400, [True] * 400
    confidences[-1], confirmed[-1] = 0.4, False
    drift = drift_of(replace(FACTS, confidences=tuple(confidences), confirmed=tuple(confirmed)))
    assert drift.value is not None
    assert drift.value < RULES.drift
    doubts = rate_moved([False] * 380 + [True] * 20)
    assert doubts is not None
    assert doubts > RULES.drift
    assert rate_moved([False] * 60) is None


def test_given_runs_that_differ_by_themselves_when_compared_then_only_what_stays_is_a_drift():
    rng = np.random.default_rng(3)
    runs = np.repeat(np.arange(20), 20)
    rows = rng.normal(size=(400, 64)) * 0.1 + rng.normal(size=(20, 64))[runs]
    told = [row.astype("<f2").tobytes() for row in rows]
    by_run = vectors_moved(told, list(runs))
    assert by_run is not None
    assert by_run < 2.0
    # Of two runs nobody knows whether they differ more than others.
    assert vectors_moved(told, [0] * 200 + [1] * 200) is None
    rows[200:] += 3.0
    shifted = vectors_moved([row.astype("<f2").tobytes() for row in rows], list(runs))
    assert shifted is not None
    assert shifted > RULES.drift


def test_given_nothing_out_of_order_when_looked_at_then_no_training_is_asked_for():
    assert found(FACTS) == []


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"sample": (Judged(1.0, "Good", "Bad"),) * 5}, "accuracy"),
        ({"confirmed": (True,) * 100 + (False,) * 30 + (True,) * 70}, "unconfirmed"),
        ({"palette": ("Good", "Bad", "Hot")}, "palette"),
        ({"new_bad": 10}, "bad-labels"),
        ({"period": "P2"}, "period"),
        ({"confidences": (0.99,) * 100 + (0.8,) * 100}, "drift"),
    ],
)
def test_given_a_change_when_looked_at_then_a_training_is_asked_for(change, cause):
    assert cause in found(replace(FACTS, **change))
