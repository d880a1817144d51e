"""Rates promised from a few scores hold on further ones."""

import numpy as np
import pytest

from pipeline.vision.tail import fit_tail


def exponential(rng, count):
    return rng.exponential(1.0, count) + 0.1


def heavy(rng, count):
    return np.exp(rng.normal(0.0, 0.6, count))


def light(rng, count):
    return np.abs(rng.normal(3.0, 1.0, count)) + 0.1


@pytest.mark.parametrize("draw", [exponential, heavy, light])
@pytest.mark.parametrize("count", [3, 5, 10, 20, 50])
def test_given_a_few_scores_when_a_rate_is_promised_then_further_ones_keep_it(draw, count):
    rng = np.random.default_rng(count)
    found = {0.01: [], 0.1: []}
    for _ in range(300):
        tail = fit_tail(draw(rng, count), 1.0, 1.0, count)
        chances = tail.chance(draw(rng, 400))
        for rate, rates in found.items():
            rates.append((chances < rate).mean())
    assert np.mean(found[0.01]) <= 0.012
    assert np.mean(found[0.1]) <= 0.13


def test_given_more_scores_of_the_same_kind_when_fitted_then_the_same_score_is_rarer():
    score = np.array([6.0])
    scores = exponential(np.random.default_rng(1), 200)
    chances = [
        float(fit_tail(scores[:count], 1.0, 1.0, count).chance(score)[0]) for count in (5, 20, 200)
    ]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 5 * chances[2]


def test_given_scores_of_one_run_when_fitted_then_they_tell_no_more_than_a_few_would():
    scores = exponential(np.random.default_rng(1), 30)
    alone, together = (fit_tail(scores, 1.0, 1.0, groups) for groups in (30, 5))
    score = np.array([10.0])
    assert together.chance(score) > alone.chance(score)


def test_given_any_scores_when_fitted_then_the_chance_falls_from_one_towards_none():
    for scores in (np.zeros(0), np.full(4, 2.0), np.array([0.5, 1.0, 4.0])):
        tail = fit_tail(scores, 1.0, 1.0, len(scores))
        chances = tail.chance(np.linspace(0.0, 400.0, 2000))
        assert chances[0] == pytest.approx(1.0)
        assert (np.diff(chances) <= 0).all()
        assert 0.0 < chances[-1] < 0.01
