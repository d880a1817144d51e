"""Counts, intervals and thresholds from judged images; no TensorFlow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CONFIDENCE_Z: Final = 1.959963984540054
"""Two-sided 95 %: the 0.975 quantile of the normal distribution."""
LOWEST_THRESHOLD: Final = 0.5
HIGHEST_THRESHOLD: Final = 0.98


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with its 95 % interval."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The fraction, or None of nothing."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson score interval, 95 %.

        Source:
            Wilson 1927, J. Am. Stat. Assoc. 22, 209.
        """
        if not self.total:
            return 0.0, 1.0
        square = CONFIDENCE_Z**2
        fraction = self.hits / self.total
        centre = fraction + square / (2 * self.total)
        width = CONFIDENCE_Z * math.sqrt(
            fraction * (1 - fraction) / self.total + square / (4 * self.total**2)
        )
        scale = 1 + square / self.total
        # At either end the bound is exact; rounding would leave a trace of it.
        low = (centre - width) / scale if self.hits else 0.0
        high = (centre + width) / scale if self.hits < self.total else 1.0
        return low, high

    def as_json(self) -> dict[str, float | int | None]:
        """Give the counts, the fraction and its interval as a JSON object."""
        low, high = self.interval
        return {
            "hits": self.hits,
            "total": self.total,
            "value": self.value,
            "low": low,
            "high": high,
        }

    def __str__(self) -> str:
        """Such as ``98.50 % (197/200, 95 % interval 95.69..99.49)``."""
        if self.value is None:
            return "none"
        low, high = self.interval
        return (
            f"{100 * self.value:.2f} % ({self.hits}/{self.total},"
            f" 95 % interval {100 * low:.2f}..{100 * high:.2f})"
        )


def confusion(truth: NDArray[np.int64], given: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Count images by true label (row) and given label (column).

    Args:
        truth: (N,) label indices.
        given: (N,) label indices.
        labels: How many labels there are.

    Returns:
        (labels, labels) counts.
    """
    table = np.zeros((labels, labels), np.int64)
    np.add.at(table, (truth, given), 1)
    return table


def confusion_of(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Give the confusion matrix of a card as an array."""
    return np.array([list(row) for row in rows], np.int64)


def balanced_accuracy(table: NDArray[np.int64]) -> float:
    """Give the mean recall of the labels that occur in a confusion matrix."""
    totals = table.sum(axis=1)
    occur = totals > 0
    return float((np.diag(table)[occur] / totals[occur]).mean())


def max_f1_thresholds(
    probabilities: NDArray[np.float32], truth: NDArray[np.int64], labels: tuple[str, ...]
) -> dict[str, float]:
    """Choose for each label the threshold with the best F1 on given images.

    Where a whole interval of thresholds is best, its middle is taken; the
    result stays within 0.5 and 0.98, since a label below 0.5 is no majority
    and one that must reach 1 would never be confirmed.

    Args:
        probabilities: (N, C).
        truth: (N,) label indices.
        labels: C names.

    Returns:
        Threshold by label, rounded to two digits.
    """
    return {
        label: _max_f1(probabilities[:, index], truth == index)
        for index, label in enumerate(labels)
    }


def _max_f1(weights: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    edges = np.unique(np.concatenate([[0.0], weights.astype(np.float64), [1.0]]))
    cuts = (edges[:-1] + edges[1:]) / 2
    accepted = weights[None, :] >= cuts[:, None]
    hits = (accepted & positive).sum(axis=1)
    scores = 2 * hits / np.maximum(accepted.sum(axis=1) + positive.sum(), 1)
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    middle = (edges[best[0]] + edges[best[-1] + 1]) / 2
    return round(float(np.clip(middle, LOWEST_THRESHOLD, HIGHEST_THRESHOLD)), 2)
