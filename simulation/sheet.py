"""Contact sheets: many drawings at the size that a model sees."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from simulation import canvas
from simulation.dataset import FIRST_TIME
from simulation.drawing import Conditions, Fault, Pixels
from simulation.faults import plot_kind
from simulation.plots import PLOTS
from simulation.render import draw

TILE: Final = (320, 240)
"""Width and height of one drawing on the sheet, in pixels."""
COLUMNS: Final = 4
NOMINAL: Final = Conditions(131_458, 3, 1.0, True, FIRST_TIME)
NO_BEAM: Final = Conditions(131_458, 3, 1.0, False, FIRST_TIME)
RED: Final = (200, 0, 0)


def tile(plot: str, conditions: Conditions, faults: Sequence[Fault], name: str) -> Pixels:
    """Draw a plot, reduce it and write a name on it."""
    pixels = draw(plot, conditions, faults, 1).pixels
    small: Pixels = np.asarray(cv2.resize(pixels, TILE, interpolation=cv2.INTER_AREA), np.uint8)
    canvas.write(small, name, 2, 11, 11, colour=RED)
    return small


def arrange(tiles: Sequence[Pixels]) -> Pixels:
    """Put tiles side by side, ``COLUMNS`` to a row."""
    blank = np.full_like(tiles[0], 255)
    full = [*tiles, *[blank] * (-len(tiles) % COLUMNS)]
    rows = [np.hstack(full[i : i + COLUMNS]) for i in range(0, len(full), COLUMNS)]
    return np.vstack(rows)


def all_plots() -> Pixels:
    """Draw every plot once, in good order."""
    return arrange([tile(plot, NOMINAL, [], "") for plot in PLOTS])


def all_faults(plot: str) -> Pixels:
    """Draw one plot good, without beam, and with each of its faults.

    Raises:
        CommandError: There is no such plot.
    """
    kinds = plot_kind(plot).faults
    tiles = [tile(plot, NOMINAL, [], "good"), tile(plot, NO_BEAM, [], "no beam")]
    tiles.extend(tile(plot, NOMINAL, [Fault(kind, plot)], kind) for kind in kinds)
    return arrange(tiles)
