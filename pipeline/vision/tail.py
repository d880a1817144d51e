"""How rare a score is, when only a few scores of its kind have been seen.

Counting n scores can promise no rate below 1 / n. What lies beyond their
median is taken to fall off exponentially, at a rate that the n scores leave
uncertain: averaged over that uncertainty the tail is a power law, the wider
the fewer scores there are.

Source:
    Peaks over threshold: Pickands 1975, Ann. Statist. 3, 119. Exponential
    excesses with a gamma prior on their rate predict a Lomax (Pareto II)
    distribution: Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PRIOR_COUNT: Final = 3.0
"""Excesses that the prior counts for.

Source:
    Of 2, 3 and 4 the largest that keeps the promise on the simulated plots with 3 to
    50 references.
"""
SHARE: Final = 0.5
"""Share of the scores that are the tail: beyond the median."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Chance of a further score of the same kind to be at least so large."""

    start: float
    """Score from which the tail is fitted; below, the chance is a straight line from 1."""
    share: float
    """Chance of the tail."""
    scale: float
    shape: float

    def chance(self, scores: NDArray[Any]) -> NDArray[np.float32]:
        """Give the chance, 0..1, of scores, at least 0."""
        below = 1.0 - (1.0 - self.share) * np.minimum(scores, self.start) / self.start
        beyond = np.maximum(scores - self.start, 0.0) / self.scale
        return np.asarray(below * (1.0 + beyond) ** -self.shape, np.float32)


def fit_tail(scores: NDArray[Any], expected: float, median: float, groups: int) -> Tail:
    """Fit a tail.

    Args:
        scores: (N,), above 0; may be empty.
        expected: Mean excess over the median where no score tells.
        median: Start of the tail where no score tells.
        groups: How many of the scores are independent, such as the number of runs.
    """
    if not len(scores):
        return Tail(median, SHARE, PRIOR_COUNT * expected, PRIOR_COUNT)
    ordered = np.sort(np.asarray(scores, np.float64))
    above = max(1, round(SHARE * len(ordered)))
    start = float(ordered[-above - 1] if above < len(ordered) else ordered[0])
    counted = above * groups / len(ordered)
    excess = float((ordered[-above:] - start).mean())
    return Tail(
        start=start,
        share=float(min((counted + 0.5) / (groups + 1), 1.0)),
        scale=PRIOR_COUNT * expected + counted * excess,
        shape=PRIOR_COUNT + counted,
    )
