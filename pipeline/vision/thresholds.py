"""Confirmation thresholds from judged images: by F1, or by false discoveries."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.evaluation import Rate

STEPS: Final = np.round(np.arange(0, 101) / 100, 2)
"""Thresholds that are tried, from 0 to 1."""
NEVER: Final = 1.0
"""A threshold that no weight reaches; the highest that is used is below it."""
HIGHEST: Final = 0.99


@dataclass(frozen=True, slots=True)
class Curves:
    """What a label's threshold does, step by step from 0 to 1."""

    precision: NDArray[np.float64]
    """Share of the confirmed that have the label; 1 where none is confirmed."""
    recall: NDArray[np.float64]
    """Share of those with the label that are confirmed."""
    accuracy: NDArray[np.float64]
    """Share of all images on the right side."""
    confirmed: NDArray[np.int64]
    """Images at or above the threshold."""
    false: NDArray[np.int64]
    """Those of them with another label."""

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall; 0 where both are 0."""
        total = self.precision + self.recall
        product = 2 * self.precision * self.recall
        return np.divide(product, total, out=np.zeros_like(total), where=total > 0)


def curves(weights: NDArray[np.floating], has_label: NDArray[np.bool_]) -> Curves:
    """Count what every threshold of a label would do.

    Args:
        weights: (N,) output weight of the label.
        has_label: (N,) whether the image has it.
    """
    above = weights[None, :] >= STEPS[:, None]
    confirmed = above.sum(axis=1)
    right = (above & has_label).sum(axis=1)
    missed = int(has_label.sum()) - right
    false = confirmed - right
    total = max(len(has_label), 1)
    return Curves(
        precision=np.divide(right, confirmed, out=np.ones(len(STEPS)), where=confirmed > 0),
        recall=right / max(int(has_label.sum()), 1),
        accuracy=(total - missed - false) / total,
        confirmed=confirmed,
        false=false,
    )


def by_f1(weights: NDArray[np.floating], has_label: NDArray[np.bool_]) -> float:
    """Give the highest threshold with the best F1, at most 0.99.

    Args:
        weights: (N,) output weight of the label.
        has_label: (N,) whether the image has it.

    Source:
        Scan of the original Hydra: 0 to 1 by 0.01, the highest of equals, 1 becomes 0.99.
    """
    scores = curves(weights, has_label).f1
    best = STEPS[np.flatnonzero(scores >= scores.max() - 1e-12)[-1]]
    return HIGHEST if best >= NEVER else float(best)


def by_false_discovery(
    weights: NDArray[np.floating], has_label: NDArray[np.bool_], rate: float
) -> tuple[float, Rate]:
    """Give the lowest threshold above which few enough confirmations are false.

    Args:
        weights: (N,) output weight of the label.
        has_label: (N,) whether the image has it.
        rate: Largest share of false confirmations, above 0 and below 1.

    Returns:
        The threshold, and the false among the confirmed there.

    Raises:
        InputError: No threshold does, or too few images have the label to tell.
    """
    if not 0.0 < rate < 1.0:
        raise InputError(f"expected a false-discovery rate between 0 and 1, received {rate:g}")
    found = curves(weights, has_label)
    needed = int(np.ceil(1.0 / rate))
    share = np.divide(
        found.false, found.confirmed, out=np.ones(len(STEPS)), where=found.confirmed > 0
    )
    good = np.flatnonzero((share <= rate) & (found.confirmed >= needed) & (STEPS < NEVER))
    if not len(good):
        most = int(found.confirmed[1:-1].max(initial=0))
        raise InputError(
            f"expected a threshold with at most {100 * rate:g} % false among {needed} or more"
            f" confirmed images, found none (at most {most} are confirmed): label more images,"
            " or ask for a higher rate"
        )
    index = int(good[0])
    return float(STEPS[index]), Rate(int(found.false[index]), int(found.confirmed[index]))


def all_by_f1(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], labels: tuple[str, ...]
) -> dict[str, float]:
    """Give ``by_f1`` for every label.

    Args:
        probabilities: (N, C).
        truth: (N,) label indices.
        labels: C names.
    """
    return {
        label: by_f1(probabilities[:, index], truth == index) for index, label in enumerate(labels)
    }
