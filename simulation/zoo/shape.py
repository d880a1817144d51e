"""What a species expects to count, and the common ways to spoil it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulation.zoo.dice import Floats, Moment, Trouble

Whole = NDArray[np.int64]


class Shape(Protocol):
    """Expected counts of the bins or cells of a pad."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        ...

    @property
    def tolerance(self) -> float:
        """Relative change of a bin from image to image that is natural."""
        ...

    def expected(self, moment: Moment, trouble: Trouble | None) -> Floats:
        """Give expected counts at nominal statistics, not negative."""
        ...


def falling(rng: np.random.Generator, x: Floats) -> Floats:
    """Draw a smooth positive curve at random.

    Args:
        rng: Source of chance.
        x: Places, 0 to 1, any shape.

    Returns:
        Values from about 0.05 to 1, same shape.
    """
    choice = int(rng.integers(7))
    if choice == 0:
        curve = np.ones_like(x)
    elif choice == 1:
        curve = np.exp(-x * rng.uniform(0.5, 3.0))
    elif choice == 2:
        curve = np.exp(-0.5 * ((x - rng.uniform(0.3, 0.7)) / rng.uniform(0.15, 0.5)) ** 2) + 0.1
    elif choice == 3:
        curve = 1.0 + rng.uniform(0.1, 0.6) * np.cos(2 * np.pi * (x * rng.integers(1, 4)))
    elif choice == 4:
        curve = 1.0 / (0.15 + np.abs(x - rng.uniform(0.0, 1.0))) ** rng.uniform(0.3, 1.2)
    elif choice == 5:
        curve = 1.0 + rng.uniform(-0.8, 2.0) * x
    else:
        curve = 1.0 / (1.0 + np.exp((x - rng.uniform(0.3, 0.8)) * rng.uniform(4, 15))) + 0.1
    if rng.random() < 0.25:
        curve = curve[::-1] if curve.ndim == 1 else curve.max() + curve.min() - curve
    return np.asarray(curve / curve.max())


def efficiencies(rng: np.random.Generator, count: int) -> Floats:
    """Draw what each channel counts relative to its neighbours, constant for years."""
    spread = rng.choice([0.0, 0.03, 0.08, 0.2])
    return np.asarray(np.exp(spread * rng.standard_normal(count)))


def pick(rng: np.random.Generator, values: Floats, count: int) -> Whole:
    """Choose channels that count enough for their loss to be seen.

    Args:
        rng: Source of chance.
        values: What each channel counts.
        count: How many are wanted.

    Returns:
        Indices, at least one.
    """
    filled = values[values > 0]
    if not filled.size:
        return np.zeros(1, np.int64)
    alive = np.flatnonzero(values >= 0.25 * np.median(filled))
    return np.asarray(rng.choice(alive, min(count, alive.size), replace=False), np.int64)


def scatter(trouble: Trouble, values: Floats) -> Floats:
    """Let counts scatter, each by itself or every second one."""
    if trouble.rng.random() < 0.25:
        comb = 1.0 - trouble.between(0.25, 0.9) * (np.arange(values.size) % 2)
        return values * comb.reshape(values.shape)
    spread = trouble.between(0.2, 1.0)
    return np.asarray(values * np.exp(spread * trouble.rng.standard_normal(values.shape)))
