"""Sampling methods show what they promise."""

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.vision.sampling import resample

LABELS = ("Good", "Bad", "NoData")
TRUTH = np.repeat([0, 1, 2], [50, 6, 20])


def shown(method: str, **options) -> list[int]:
    return np.bincount(TRUTH[resample(TRUTH, LABELS, method, **options)]).tolist()


def test_given_normal_sampling_then_every_image_is_shown_once():
    assert shown("normal") == [50, 6, 20]


def test_given_undersampling_then_each_label_has_as_many_as_bad_rounded_up_to_a_batch():
    assert shown("undersample") == [6, 6, 6]
    assert shown("undersample", batch=8) == [8, 6, 8]


def test_given_oversampling_then_each_label_has_as_many_as_the_most_frequent():
    assert shown("oversample") == [50, 50, 50]
    assert shown("oversample", batch=32) == [64, 64, 64]


def test_given_the_same_seed_then_the_same_images_are_chosen():
    first, again = (resample(TRUTH, LABELS, "undersample", seed=4) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, resample(TRUTH, LABELS, "undersample", seed=5))


def test_given_another_method_then_the_known_ones_are_told():
    with pytest.raises(InputError, match="normal, undersample, oversample"):
        resample(TRUTH, LABELS, "smote")
