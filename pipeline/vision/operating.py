"""What a model reaches at an operating point that was chosen on other runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.vision.evaluation import Rate


@dataclass(frozen=True, slots=True)
class Operating:
    """Recall at a rate of false alarms, each half judged by the threshold of the other."""

    recall: Rate
    """Faulty images at or above the threshold."""
    false: Rate
    """Good images at or above it."""
    thresholds: tuple[float, float]
    """Chosen on the first half of the runs, and on the second."""
    allowed: tuple[int, int]
    """Good images that were allowed above the threshold where it was chosen; 0: the half
    has fewer than one in the rate asked for."""


def lowest_threshold(good: NDArray[np.floating], rate: float) -> tuple[float, int]:
    """Give the lowest threshold that lets at most a share of the good images through.

    Args:
        good: (N,) weights of the fault on good images.
        rate: Largest share at or above the threshold.

    Returns:
        The threshold, just above the first weight that is not allowed, and how many good
        images are allowed above it.
    """
    allowed = int(np.floor(rate * len(good) + 1e-9))
    if len(good) <= allowed:
        return 0.0, allowed
    first = float(np.sort(good)[::-1][allowed])
    return float(np.nextafter(first, np.inf)), allowed


def at_rate(
    weights: NDArray[np.floating],
    faulty: NDArray[np.bool_],
    good: NDArray[np.bool_],
    runs: NDArray[np.int64],
    *,
    rate: float,
    seed: int = 1,
) -> Operating:
    """Measure the recall at a rate of false alarms, on runs the threshold was not chosen on.

    Args:
        weights: (N,) weight of the fault.
        faulty: (N,) images that have it.
        good: (N,) images that are good.
        runs: (N,) run of each image; a run lies in one half only.
        rate: Share of good images allowed above the threshold.
        seed: Of the halves.

    Source:
        Two-fold cross-fitting: every image is counted once, with the threshold of the
        half that it is not in.
    """
    wide = weights.astype(np.float64)
    names = np.random.default_rng(seed).permutation(np.unique(runs))
    first = np.isin(runs, names[: len(names) // 2])
    caught = false = 0
    thresholds, allowances = [], []
    for inside in (first, ~first):
        threshold, allowed = lowest_threshold(wide[inside & good], rate)
        above = ~inside & (wide >= threshold)
        caught += int((above & faulty).sum())
        false += int((above & good).sum())
        thresholds.append(threshold)
        allowances.append(allowed)
    return Operating(
        recall=Rate(caught, int(faulty.sum())),
        false=Rate(false, int(good.sum())),
        thresholds=(thresholds[0], thresholds[1]),
        allowed=(allowances[0], allowances[1]),
    )
