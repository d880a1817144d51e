"""Thresholds by F1 and by false discoveries, and calibrated probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.errors import InputError
from pipeline.vision.calibration import calibration_error, fit_temperature, reliability, softmax
from pipeline.vision.thresholds import by_f1, by_false_discovery, curves

WEIGHTS = arrays(np.float64, 30, elements=st.floats(0.0, 1.0))
TRUTH = arrays(np.bool_, 30)


def test_given_a_clean_gap_when_chosen_by_f1_then_the_highest_threshold_below_the_gap_is_taken():
    weights = np.array([0.1, 0.2, 0.8, 0.9])
    assert by_f1(weights, np.array([False, False, True, True])) == 0.8


def test_given_weights_of_one_when_chosen_by_f1_then_one_becomes_099():
    assert by_f1(np.array([0.0, 1.0, 1.0]), np.array([False, True, True])) == 0.99


@given(WEIGHTS, TRUTH)
def test_given_any_weights_when_chosen_by_f1_then_no_other_threshold_is_better(weights, truth):
    chosen = by_f1(weights, truth)
    found = curves(weights, truth)
    assert 0.0 <= chosen <= 0.99
    if chosen < 0.99:
        assert found.f1[round(chosen * 100)] == pytest.approx(found.f1.max())


@given(WEIGHTS, TRUTH)
def test_given_any_weights_when_the_threshold_rises_then_fewer_are_confirmed(weights, truth):
    found = curves(weights, truth)
    assert (np.diff(found.confirmed) <= 0).all()
    assert (np.diff(found.recall) <= 0).all()


def test_given_enough_images_when_a_false_discovery_rate_is_asked_then_it_is_kept():
    rng = np.random.default_rng(1)
    truth = np.arange(2000) % 2 == 0
    weights = np.clip(np.where(truth, 0.8, 0.3) + rng.normal(0, 0.15, 2000), 0, 1)
    threshold, found = by_false_discovery(weights, truth, 0.01)
    above = weights >= threshold
    assert found.total == above.sum()
    assert (above & ~truth).sum() / above.sum() <= 0.01


def test_given_too_few_images_when_a_small_rate_is_asked_then_it_is_refused_with_the_number():
    with pytest.raises(InputError, match="among 100 or more"):
        by_false_discovery(np.array([0.9, 0.8]), np.array([True, True]), 0.01)


@pytest.mark.parametrize("rate", [0.0, 1.0, -1.0])
def test_given_a_rate_that_is_none_when_asked_then_it_is_refused(rate):
    with pytest.raises(InputError, match="between 0 and 1"):
        by_false_discovery(np.array([0.9]), np.array([True]), rate)


def test_given_overconfident_weights_when_a_temperature_is_fitted_then_they_mean_what_they_say():
    rng = np.random.default_rng(2)
    honest = rng.normal(0, 1.5, (4000, 3))
    truth = np.array([rng.choice(3, p=row) for row in softmax(honest)])
    loud = honest * 4.0
    temperature = fit_temperature(loud, truth)
    assert temperature == pytest.approx(4.0, rel=0.15)
    before = calibration_error(reliability(softmax(loud), truth))
    after = calibration_error(reliability(softmax(loud / temperature), truth))
    assert after < 0.02 < before


def test_given_no_image_when_calibrated_then_nothing_is_claimed():
    empty = np.zeros((0, 2))
    assert fit_temperature(empty, np.zeros(0, np.int64)) == 1.0
    assert sum(one.count for one in reliability(empty, np.zeros(0, np.int64))) == 0
