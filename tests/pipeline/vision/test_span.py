"""How far images lie from what references span."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.vision.span import FLOOR, coarse_of, span_of

PIXELS = 90


def drifting(amounts: np.ndarray, seed: int) -> np.ndarray:
    """Coarse pixels (N, P) that vary in one way, by the given amounts, and a little in all."""
    way = np.sin(np.arange(PIXELS))
    noise = np.random.default_rng(seed).normal(0, 0.5, (len(amounts), PIXELS))
    return (120 + np.outer(amounts, way) + noise).astype(np.float32)


def test_given_a_known_way_of_varying_when_it_goes_on_then_it_is_nearer_than_an_unknown_one():
    span = span_of(drifting(np.linspace(-20, 20, 12), seed=1))
    further = drifting(np.array([26.0]), seed=2)
    other = drifting(np.array([0.0]), seed=2)
    other[0, :10] += 26 / np.sqrt(10) * 6.7
    assert span.distance(further)[0] < span.distance(other)[0] - 0.5


def test_given_a_known_way_when_it_goes_far_beyond_the_references_then_it_is_not_free():
    span = span_of(drifting(np.linspace(-20, 20, 12), seed=1))
    within, beyond = span.distance(drifting(np.array([15.0, 400.0]), seed=2))
    assert beyond > within + 1.0


@pytest.mark.parametrize("count", [1, 4])
def test_given_one_reference_or_the_same_again_when_compared_then_it_is_a_distance_in_grey_levels(
    count,
):
    span = span_of(drifting(np.zeros(1), seed=1).repeat(count, axis=0))
    image = span.middle[None] + 7
    assert span.distance(image)[0] == pytest.approx(np.log(7 + FLOOR), abs=1e-3)
    assert span.distance(span.middle[None])[0] == pytest.approx(np.log(FLOOR), abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(0, 2**31),
    st.floats(0.0, 100.0),
    st.floats(0.0, 2.0),
)
def test_given_any_references_when_compared_then_the_distance_lies_between_none_and_the_plain_one(
    count, seed, noise, drift
):
    rng = np.random.default_rng(seed)
    known = rng.normal(128, noise, (count, PIXELS)) + drift * rng.normal(0, 30, (count, 1))
    known = np.clip(known, 0, 255).astype(np.float32)
    images = rng.uniform(0, 255, (5, PIXELS)).astype(np.float32)
    found = np.exp(span_of(known).distance(images))
    plain = np.sqrt(((images - known.mean(axis=0)) ** 2).mean(axis=1))
    assert np.all(found >= FLOOR * 0.999)
    assert np.all(found <= plain * 1.001 + FLOOR + 0.05)


def test_given_views_of_any_size_when_made_coarse_then_what_does_not_fill_a_square_is_left_out():
    views = np.zeros((2, 21, 19, 5), np.uint8)
    views[:, :8, :8, 0], views[:, 16:] = 80, 255
    coarse = coarse_of(views).reshape(2, 3, 2, 2)
    assert coarse[0, 0].tolist() == [[80, 0], [0, 0]]
    assert not coarse[:, 1:].any()
