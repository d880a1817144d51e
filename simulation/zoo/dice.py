"""Conditions of one image, and random numbers that a fault does not disturb."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEW: Final = 6.0
"""Expected counts below which the exact Poisson distribution is used."""
MOST: Final = 24
"""No more counts than that are drawn where fewer than FEW are expected; P < 1e-7."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the experiment does while one image fills."""

    run: int
    statistics: float
    """Events relative to nominal, such as 0.3 to 3."""
    trend: float
    """Slow drift of everything with the run, -1 to 1, within what is allowed."""
    wobble: float
    """Change from image to image, standard normal."""
    seconds: float
    """When it was drawn, seconds since the Unix epoch."""
    zoom: float = 1.0
    """Range of the value axis relative to the usual one."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault to be applied."""

    fault: str
    strength: float
    """0 (hardly to be seen) to 1 (obvious)."""
    rng: np.random.Generator

    def between(self, weak: float, strong: float) -> float:
        """Give a value between two extremes, by strength, on a logarithmic scale.

        Args:
            weak: Value at strength 0, above 0.
            strong: Value at strength 1, above 0.
        """
        return float(weak * (strong / weak) ** self.strength)

    def sign(self) -> float:
        """Give 1 or -1."""
        return 1.0 if self.rng.random() < 0.5 else -1.0


class Dice:
    """Random numbers of one pad: the same seed gives the same, whatever is wrong."""

    def __init__(self, *seed: int) -> None:
        """Take a seed of non-negative numbers."""
        self._rng = np.random.default_rng(seed)

    def normal(self, count: int) -> Floats:
        """Draw standard normal numbers, (count,)."""
        return self._rng.standard_normal(count)

    def uniform(self, count: int) -> Floats:
        """Draw numbers between 0 and 1, (count,)."""
        return self._rng.random(count)

    def counts(self, expected: Floats) -> Floats:
        """Draw Poisson counts so that a changed expectation changes only its own bins.

        Args:
            expected: Expected counts, any shape, not negative.

        Returns:
            Whole numbers, same shape.

        Source:
            Bartlett 1936, Suppl. J. R. Stat. Soc. 3, 68: the square root of a Poisson
            variable is nearly normal with variance 1/4, which its square adds.
        """
        z = self._rng.standard_normal(expected.shape)
        u = self._rng.random(expected.shape)
        root = np.maximum(np.sqrt(expected) + z / 2.0, 0.0)
        drawn = np.maximum(np.rint(root * root - 0.25), 0.0)
        few = expected < FEW
        if few.any():
            drawn[few] = _quantile(expected[few], u[few])
        return np.asarray(drawn, np.float64)


def _quantile(expected: Floats, u: Floats) -> Floats:
    """Give the Poisson quantiles of small expectations."""
    term = np.exp(-expected)
    below = term.copy()
    count = np.zeros_like(expected)
    for k in range(1, MOST + 1):
        over = u > below
        if not over.any():
            break
        count += over
        term *= expected / k
        below += term
    return count
