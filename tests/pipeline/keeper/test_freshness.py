import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keeper.freshness import producer_is_silent, stale_reason


@pytest.mark.parametrize(
    ("age_s", "reason"),
    [
        (180.0, ""),
        (180.001, "no image for 00:03:00, expected every 60 s"),
        (192.0, "no image for 00:03:12, expected every 60 s"),
        (360_000.0, "no image for 100:00:00, expected every 60 s"),
        (float("inf"), "no image for 277777:46:40, expected every 60 s"),
        (-5.0, ""),
        (float("nan"), ""),
    ],
)
def test_given_an_age_when_compared_with_the_cadence_then_the_reason_tells_it(age_s, reason):
    assert stale_reason(age_s, 60.0, 3.0) == reason


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(0.1, 1e5), st.floats(1, 100))
def test_given_a_stale_image_when_it_gets_older_then_it_stays_stale(age, more, cadence, factor):
    if stale_reason(age, cadence, factor):
        assert stale_reason(age + more, cadence, factor)


@pytest.mark.parametrize(
    ("stale", "shown", "silent"),
    [(0, 0, False), (0, 10, False), (5, 10, False), (6, 10, True), (10, 10, True), (1, 1, True)],
)
def test_given_stale_plots_when_counted_then_a_large_share_means_the_producer(stale, shown, silent):
    assert producer_is_silent(stale, shown, 0.6) is silent
