"""What a pad holds at one moment, and the pad itself."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from simulation.drawing import Pixels
from simulation.zoo.axes import Box
from simulation.zoo.dice import Dice, Floats, Moment, Trouble
from simulation.zoo.drawn import Mask
from simulation.zoo.look import Look

CHANGE: Final = 0.12
"""Bins that move by less than this share of the greatest move are not where a fault is."""
LEAST: Final = 0.015
"""Bins that move by less than this share of the axis are not where a fault is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of a pad."""

    expected: Floats
    """What was to be expected; for graphs, the values without chance."""
    values: Floats
    """What came, same shape; NaN where there is no point."""


class Pad(Protocol):
    """One frame of a canvas and what is drawn in it."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        ...

    @property
    def coloured(self) -> bool:
        """Whether it has a colour bar."""
        ...

    def renamed(self, suffix: str) -> "Pad":
        """Give the same pad with something added to its title."""
        ...

    def untitled(self) -> "Pad":
        """Give the same pad without its title."""
        ...

    def read(self, moment: Moment, dice: Dice, trouble: Trouble | None) -> Reading:
        """Draw values; a fault changes only what it reaches."""
        ...

    def prepare(self, image: Pixels, box: Box, look: Look) -> None:
        """Paint what never changes."""
        ...

    def paint(self, image: Pixels, box: Box, look: Look, reading: Reading, zoom: float) -> None:
        """Paint the values and the axes that follow them."""
        ...

    def place(self, box: Box, look: Look, good: Reading, bad: Reading) -> Mask:
        """Tell where two readings differ, bool (box.height, box.width)."""
        ...

    def significance(self, good: Reading, bad: Reading) -> float:
        """Tell by how many standard deviations two readings' expectations differ."""
        ...


def significance(good: Reading, bad: Reading, tolerance: float) -> float:
    """Tell how many standard deviations lie between the shapes of two expectations of counts.

    Axes follow the data, so that nobody sees when everything counts less: only what
    differs after scaling to each other is counted.

    Args:
        good: Without the fault.
        bad: With it.
        tolerance: Relative change of a bin from image to image that is natural.
    """
    solid = (good.expected > 0.05 * good.expected.max(initial=0.0)) & (bad.expected > 0)
    scale = float(np.median(bad.expected[solid] / good.expected[solid])) if solid.any() else 1.0
    usual = good.expected * scale
    change = bad.expected - usual
    floor = np.minimum(usual, bad.expected)
    sigma2 = floor + 1.0 + (tolerance * floor) ** 2
    return float(np.sqrt(np.sum(change * change / sigma2)))


def moved(good: Floats, bad: Floats) -> Mask:
    """Tell which bins a fault moves on their axis.

    Args:
        good: Shares of the axis without the fault.
        bad: Shares with it, on the same axis.
    """
    gap = np.abs(np.clip(bad, 0.0, 1.0) - np.clip(good, 0.0, 1.0))
    return np.asarray(gap > max(LEAST, CHANGE * float(gap.max(initial=0.0))))
