"""One drawing of the simulated experiment, good or bad."""

import numpy as np
from numpy.typing import NDArray

from simulation.drawing import Conditions, Fault
from simulation.faults import kinds_for
from simulation.render import draw

RUN = 990_000
"""A run number that no training has seen."""


def draw_pixels(plot: str, *, bad: bool, seed: int) -> NDArray[np.uint8]:
    """Draw a plot.

    Args:
        plot: Name of a simulated plot.
        bad: Whether the first suitable fault of the detector is in it.
        seed: Of the statistics.

    Returns:
        RGB pixels, uint8, (1200, 1600, 3).
    """
    faults = [Fault(kind) for kind in kinds_for(plot)[:1]] if bad else []
    return draw(plot, Conditions(run=RUN + seed % 1000), faults, seed).pixels
