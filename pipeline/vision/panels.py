"""Where the panels of a plot lie: found in what its Good images have in common."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

PRINTED: Final = 24
"""Grey levels from the colour of the paper from which a pixel is not paper."""
TEXT: Final = 7
"""Lines of text are lower than this, in pixels."""
LEAST: Final = 12
"""Smallest side of a panel, in pixels."""


def panels_of(mean: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Find the panels: what paper cannot reach from the rim of the canvas, without text.

    Args:
        mean: (h, w, 5) mean of the views of Good images, the fourth the darkest grey.

    Returns:
        (h, w): 0 outside of all panels, and the number of the panel, from 1.
    """
    paper = paper_of(mean)
    apart = np.abs(mean[..., :3] - paper).max(axis=-1)
    apart = np.maximum(apart, np.abs(mean[..., 3] - paper.mean()))
    free = np.pad((apart <= PRINTED).astype(np.uint8), 1, constant_values=1)
    cv2.floodFill(free, np.zeros((free.shape[0] + 2, free.shape[1] + 2), np.uint8), (0, 0), (2,))
    within = (free[1:-1, 1:-1] != 2).astype(np.uint8)
    within = cv2.morphologyEx(within, cv2.MORPH_OPEN, np.ones((TEXT, TEXT), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(within, connectivity=8)
    found = np.zeros(apart.shape, np.int32)
    number = 0
    for x, y, width, height, _ in stats[1:].tolist():
        if min(width, height) >= LEAST:
            number += 1
            found[y : y + height, x : x + width] = number
    return found


def paper_of(mean: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the colour of the empty canvas.

    Args:
        mean: (h, w, 3 or more): red, green and blue first.

    Returns:
        (3,) the median of the rim.
    """
    colours = mean[..., :3]
    rim = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    return np.asarray(np.median(rim, axis=0), np.float32)
