"""One image of a species, and what is wrong with it."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.drawing import Pixels

WIDTH: Final = 320
HEIGHT: Final = 240
"""Size of an image in pixels, as a network sees it."""
GRID: Final = (30, 40)
"""Rows and columns of the map that tells where a fault is: 8 x 8 pixels each."""

HARMLESS: Final = ("none", "low-statistics", "axis-range")
"""What is no fault: nothing at all, few events, another range of the axes."""

FAULTS: Final = (
    *HARMLESS,
    "dead-cells",
    "dead-block",
    "weak-block",
    "hot-cell",
    "hot-spot",
    "shift",
    "double-peak",
    "width",
    "lost-signal",
    "empty",
    "noise",
    "outliers",
    "step",
    "gain-drift",
    "wrong-scale",
    "missing-pad",
)
"""Families of faults over all species; the harmless ones come first."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image and its truth."""

    image: Pixels = field(repr=False)
    """uint8, (240, 320, 3), RGB."""
    fault: str
    """One of FAULTS: what the image really shows. ``none`` when a fault was asked for
    that nobody could have seen."""
    region: Mask = field(repr=False)
    """bool, (30, 40): where the fault shows; nowhere for what is harmless."""
    run: int
    """Run number, as in the title if the title has one."""
    contrast: float = 0.0
    """How much the fault changes the pixels of its region, in pixels turned from black to
    white; 0 for what is harmless."""

    @property
    def bad(self) -> bool:
        """Whether an operator should be told."""
        return self.fault not in HARMLESS
