"""Temperatures, calibration errors and operating points, on runs they were not chosen on."""

import numpy as np
import pytest

from pipeline.vision.calibration import calibrate, measured_error, softmax
from pipeline.vision.operating import at_rate, lowest_threshold


def overconfident(count: int, factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw labels from known chances, and tell logits that are too large by a factor."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (count, 2))
    truth = (rng.random(count) < softmax(logits)[:, 1]).astype(np.int64)
    return factor * logits, truth, np.arange(count) // 4


def test_given_logits_too_large_when_calibrated_then_the_factor_is_found_on_other_runs() -> None:
    found = calibrate(*overconfident(4000, 3.0))
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.before > 0.1
    assert found.after < 0.02
    assert found.images == 4000


def test_given_logits_moved_by_a_constant_when_calibrated_then_nothing_changes() -> None:
    logits, truth, runs = overconfident(400, 2.0)
    assert calibrate(np.log(softmax(logits)), truth, runs).temperature == pytest.approx(
        calibrate(logits, truth, runs).temperature
    )


def test_given_one_run_when_calibrated_then_it_is_measured_on_itself() -> None:
    logits, truth, runs = overconfident(40, 2.0)
    assert calibrate(logits, truth, np.zeros_like(runs)).images == 40


def test_given_few_images_when_calibrated_then_an_expected_temperature_keeps_chance_out() -> None:
    rng = np.random.default_rng(4)
    off: dict[float | None, list[float]] = {None: [], 1.0: []}
    for _ in range(20):
        logits = rng.normal(0, 3, (12, 3))
        truth = (softmax(logits).cumsum(axis=1) > rng.random((12, 1))).argmax(axis=1)
        for expected, found in off.items():
            made = calibrate(logits, truth, np.arange(12) // 2, expected)
            found.append(abs(np.log(made.temperature)))
    assert np.mean(off[1.0]) < 0.5 * np.mean(off[None])


def test_given_judged_images_when_measured_then_the_interval_holds_the_error() -> None:
    logits, truth, runs = overconfident(2000, 3.0)
    weights = softmax(logits)
    found = measured_error(weights.max(axis=1), weights.argmax(axis=1) == truth, runs)
    assert found.low < found.value < found.high
    assert found.high - found.low < 0.1
    assert measured_error(np.zeros(0), np.zeros(0, np.bool_), np.zeros(0, np.int64)).images == 0


def test_given_a_rate_when_a_threshold_is_chosen_then_just_so_many_good_images_pass() -> None:
    good = np.arange(1000) / 1000
    threshold, allowed = lowest_threshold(good, 0.002)
    assert allowed == 2
    assert (good >= threshold).sum() == 2
    assert lowest_threshold(good, 0.0005)[1] == 0
    assert lowest_threshold(np.zeros(0), 0.01) == (0.0, 0)


def test_given_halves_when_measured_then_each_image_counts_once() -> None:
    rng = np.random.default_rng(5)
    faulty = np.arange(4000) % 4 == 0
    weights = np.where(faulty, rng.beta(4, 2, 4000), rng.beta(2, 4, 4000))
    found = at_rate(weights, faulty, ~faulty, np.arange(4000) // 8, rate=0.01)
    assert (found.recall.total, found.false.total) == (1000, 3000)
    assert 0.2 < found.recall.value < 0.9
    assert found.false.value == pytest.approx(0.01, abs=0.01)
    assert found.allowed == (15, 15)
