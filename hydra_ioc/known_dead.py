"""Where a simulated plot shows channels that have been dead for years."""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hydra_ioc.simulated import region_mask
from simulation.cells import MapPad
from simulation.faults import plot_kind
from simulation.histogram import BarsPad
from simulation.pads import frames
from simulation.rings import RingPad

OUTLINE_AT: Final = 0.3
"""A cell is highlighted from this share of the hottest on, where the outline on
the screens runs.

Source:
    ``displays.heat.OUTLINE_AT``, which only screens import.
"""
Area = NDArray[np.bool_]


@lru_cache(maxsize=64)
def known_dead(plot: str, shape: tuple[int, int]) -> Area:
    """Mark the cells of a map that show known dead channels.

    Args:
        plot: A plot of the simulated experiment.
        shape: Rows and columns of the map, which spans the whole canvas.

    Returns:
        (rows, columns); all False where no channel is dead, or none has a place.

    Raises:
        CommandError: There is no such plot.
    """
    kind = plot_kind(plot)
    dead = kind.detector.efficiency == 0.0
    places = frames(kind.rows, kind.columns, list(kind.pads))
    boxes = []
    for pad, frame in zip(kind.pads, places, strict=True):
        if isinstance(pad, MapPad | RingPad | BarsPad):
            cells = pad.cells
            shown = (cells.channel >= 0) & (cells.expected > 0) & dead[cells.channel]
            if shown.any():
                boxes.extend(pad.boxes(frame, shown))
    return region_mask(tuple(boxes), shape)


def heat_on(activation: NDArray[np.float32], dead: Area, fault: Area) -> tuple[float, bool] | None:
    """Tell how much a map points at what has long been dead.

    Args:
        activation: (h, w), at least 0, of a plot with a fault elsewhere.
        dead: (h, w), from ``known_dead``.
        fault: (h, w), True where the fault is.

    Returns:
        The share of the heat on known dead cells that do not touch the fault, and
        whether any of them is highlighted; None where there is no such cell.
    """
    near = cv2.dilate(fault.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    cells = dead & ~near
    total, hottest = float(activation.sum()), float(activation.max(initial=0.0))
    if not cells.any() or total <= 0.0:
        return None
    found = activation[cells]
    return float(found.sum()) / total, bool(float(found.max()) >= OUTLINE_AT * hottest)
