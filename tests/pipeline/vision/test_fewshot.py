"""A head from a handful of labels, and what it weighs."""

import numpy as np
import pytest

from pipeline.errors import LabelError
from pipeline.vision import fewshot
from pipeline.vision.backbone import shipped
from pipeline.vision.evidence import evidence_of, sizes_of
from pipeline.vision.fewshot import all_views, fit
from pipeline.vision.reference import reference_of

LABELS = ("Good", "Bad")
TITLE = 24


def plots(count: int, *, dead: bool, seed: int) -> np.ndarray:
    """Bars of one height with noise and a run number above; some of the bars gone if dead."""
    rng = np.random.default_rng(seed)
    out = np.full((count, 240, 320, 3), 255, np.uint8)
    for image in out:
        image[4:20, 20 : 20 + int(rng.integers(20, 200))] = 0
        heights = rng.integers(90, 100, 30)
        if dead:
            first = int(rng.integers(0, 24))
            heights[first : first + 6] = 0
        for bar, height in enumerate(heights):
            image[220 - height : 220, 10 + 10 * bar : 19 + 10 * bar] = (30, 60, 160)
    return out


def labelled(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images = np.concatenate(
        [plots(count, dead=False, seed=seed), plots(count, dead=True, seed=seed + 1)]
    )
    return images, np.repeat([0, 1], count), np.arange(2 * count) % count


def test_given_ten_labels_a_class_when_fitted_then_unseen_images_are_told_apart():
    images, truth, runs = labelled(10, seed=1)
    head = fit(shipped(), all_views(images), truth, runs, LABELS)
    fresh, wanted, _ = labelled(20, seed=50)
    given = head.judge(shipped(), all_views(fresh)).argmax(axis=1)
    assert (given == wanted).mean() >= 0.95


def test_given_more_good_images_than_are_compared_when_fitted_then_some_are_references(monkeypatch):
    monkeypatch.setattr(fewshot, "MOST_REFERENCES", 6)
    images, truth, runs = labelled(10, seed=1)
    head = fit(shipped(), all_views(images), truth, runs, LABELS)
    assert head.reference.count == 6
    fresh, wanted, _ = labelled(10, seed=50)
    assert (head.judge(shipped(), all_views(fresh)).argmax(axis=1) == wanted).mean() >= 0.95


def test_given_other_titles_when_judged_then_the_labels_stay():
    images, truth, runs = labelled(8, seed=1)
    head = fit(shipped(), all_views(images), truth, runs, LABELS)
    fresh, _, _ = labelled(10, seed=50)
    other = fresh.copy()
    other[:, :TITLE] = np.roll(fresh[:, :TITLE], 1, axis=0)
    before, after = (head.judge(shipped(), all_views(one)).argmax(axis=1) for one in (fresh, other))
    assert (before == after).mean() >= 0.95


def test_given_the_same_images_and_seed_when_fitted_twice_then_the_heads_are_equal():
    images, truth, runs = labelled(5, seed=1)
    views = all_views(images)
    first, second = (fit(shipped(), views, truth, runs, LABELS, seed=4) for _ in range(2))
    assert np.array_equal(first.kernel, second.kernel)
    assert np.array_equal(first.bias, second.bias)


def test_given_images_of_one_run_only_when_fitted_then_it_still_learns():
    images, truth, _ = labelled(5, seed=1)
    head = fit(shipped(), all_views(images), truth, np.ones(10, np.int64), LABELS)
    assert head.share == 0.5
    given = head.judge(shipped(), all_views(images)).argmax(axis=1)
    assert (given == truth).mean() >= 0.9


def test_given_labels_of_two_runs_when_fitted_then_neither_part_is_left_out():
    images, truth, _ = labelled(6, seed=1)
    head = fit(shipped(), all_views(images), truth, np.arange(12) % 2, LABELS)
    assert 0.2 < head.share < 0.8


@pytest.mark.parametrize(("labels", "truth"), [(("Good", "Bad"), [0, 0]), (("Good",), [0, 0])])
def test_given_a_label_without_image_when_fitted_then_it_is_refused(labels, truth):
    views = all_views(plots(2, dead=False, seed=1))
    with pytest.raises(LabelError, match="at least two labels"):
        fit(shipped(), views, np.array(truth), np.arange(2), labels)


def test_given_evidence_when_collected_in_batches_then_each_image_has_its_own():
    views = all_views(plots(19, dead=False, seed=1))
    reference = reference_of(views[:3])
    whole = evidence_of(shipped(), views, reference)
    alone = evidence_of(shipped(), views[17:18], reference)
    assert whole.shape == (19, sizes_of(shipped()).total)
    assert np.abs(whole[17] - alone[0]).max() < 1e-4
