import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keeper.sampling import is_chosen

IMAGES = 10_000
CHI_SQUARE_999 = 10.83
"""0.999 quantile of chi-square with one degree of freedom."""


def digests(number):
    return [hashlib.sha256(str(index).encode()).hexdigest() for index in range(number)]


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("plot", ["CDC_occupancy", "RF_selftiming"])
def test_given_10000_images_when_chosen_then_the_share_fits_the_fraction(fraction, plot):
    kept = sum(is_chosen(digest, plot, "demo", fraction) for digest in digests(IMAGES))
    expected = fraction * IMAGES
    chi_square = (kept - expected) ** 2 / expected + (kept - expected) ** 2 / (IMAGES - expected)
    assert chi_square < CHI_SQUARE_999


def test_given_two_plots_when_they_choose_then_independently():
    both = sum(
        is_chosen(digest, "A", "demo", 0.5) and is_chosen(digest, "B", "demo", 0.5)
        for digest in digests(IMAGES)
    )
    assert abs(both - IMAGES / 4) < 4 * (IMAGES * 3 / 16) ** 0.5


@given(st.text(), st.text(max_size=20), st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_given_an_image_when_chosen_again_then_the_same_and_more_with_a_larger_fraction(
    digest, plot, salt, one, other
):
    low, high = sorted((one, other))
    assert is_chosen(digest, plot, salt, low) == is_chosen(digest, plot, salt, low)
    assert is_chosen(digest, plot, salt, low) <= is_chosen(digest, plot, salt, high)
    assert not is_chosen(digest, plot, salt, 0.0)
    assert is_chosen(digest, plot, salt, 1.0)
