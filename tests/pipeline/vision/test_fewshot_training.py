"""How few-shot trainings split by run."""

import numpy as np

from pipeline.vision.dataset import Dataset
from pipeline.vision.fewshot_training import folds_of

LABELS = ("Good", "Bad", "NoData")


def labels_of(truth: list[int], runs: list[int]) -> Dataset:
    images = np.zeros((len(truth), 8, 8, 3), np.uint8)
    names = tuple(str(index) for index in range(len(truth)))
    return Dataset(images, np.array(truth), np.array(runs), LABELS, names)


def test_given_a_label_of_two_runs_when_split_then_the_others_are_not_halved():
    truth = [0, 0, 1, 1] * 5 + [2, 2]
    runs = [run for run in range(5) for _ in range(4)] + [1, 3]
    dataset = labels_of(truth, runs)
    folds = folds_of(dataset, seed=1)
    assert len(folds) == 5
    for inside, outside in folds:
        assert set(dataset.truth[inside]) == {0, 1, 2}
        assert not set(dataset.runs[inside]) & set(dataset.runs[outside])
    assert sorted(np.concatenate([outside for _, outside in folds])) == list(range(22))


def test_given_runs_of_which_two_hold_a_label_each_when_split_then_no_fold_lacks_a_label():
    dataset = labels_of([0, 1, 0, 1, 2, 0, 1, 2], [1, 1, 2, 2, 2, 3, 3, 3])
    folds = folds_of(dataset, seed=1)
    assert folds
    assert all(set(dataset.truth[inside]) == {0, 1, 2} for inside, _ in folds)
