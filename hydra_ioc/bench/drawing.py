"""One drawing of the simulated experiment, good or bad."""

import numpy as np
from numpy.typing import NDArray

from simulation.drawing import Conditions, Fault
from simulation.plots import PLOTS
from simulation.render import draw

RUN = 990_000
"""A run number that no training has seen."""
PLAIN = ("dead-crate", "hv-off", "noise")
"""Faults that cover much of a plot; every plot can have one of them."""


def draw_pixels(plot: str, *, bad: bool, seed: int) -> NDArray[np.uint8]:
    """Draw a plot.

    Args:
        plot: Name of a simulated plot.
        bad: Whether the first suitable of ``PLAIN`` is in it.
        seed: Of the statistics.

    Returns:
        RGB pixels, uint8, (1200, 1600, 3).
    """
    faults = [Fault(next(kind for kind in PLAIN if kind in PLOTS[plot].faults))] if bad else []
    return draw(plot, Conditions(run=RUN + seed % 1000), faults, seed).pixels
