"""Where the panels of a plot lie: found in what its Good images have in common."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MOVING: Final = 9
"""Allowance, in grey levels, above which a pixel holds data: the floor of 6 and some spread."""
LEAST: Final = 12
"""Smallest side of a panel, in pixels; tick labels and titles are lower."""
BAND: Final = 3
"""Smallest height of what moves in a histogram: the tops of its bars."""
FILLED: Final = 0.6
"""Share of its box that moves in a map; less of it moves in a histogram, which its frame bounds."""
DARK: Final = 110
"""Darkest grey of a pixel below which it may belong to a frame."""
SPAN: Final = 0.9
"""Share of a side of the box that must be dark to be a side of its frame."""
OVERLAP: Final = 2
"""Boxes that overlap by more pixels than this in both directions are one panel."""
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are outside."""


def panels_of(mean: NDArray[np.uint8], allowance: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Find the panels: boxes in which Good images differ from each other.

    Args:
        mean: (h, w, 5) mean of the views of Good images, the fourth the darkest grey.
        allowance: (h, w, 1) how far Good images differ, in grey levels.

    Returns:
        (h, w): 0 outside of all panels, and the number of the panel, from 1.
    """
    moving = cv2.morphologyEx(
        (allowance[..., 0] > MOVING).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
    )
    dark = mean[..., 3] < DARK
    _, _, stats, _ = cv2.connectedComponentsWithStats(moving, connectivity=8)
    boxes: list[Box] = []
    for x, y, width, height, _ in stats[1:].tolist():
        if width < LEAST or height < BAND:
            continue
        box = (x, y, x + width, y + height)
        if moving[y : y + height, x : x + width].mean() < FILLED:
            box = _framed(box, dark)
        if box[2] - box[0] >= LEAST and box[3] - box[1] >= LEAST:
            boxes.append(box)
    found = np.zeros(dark.shape, np.int32)
    for number, (left, top, right, bottom) in enumerate(_joined(boxes), start=1):
        found[top:bottom, left:right] = number
    return found


def _framed(box: Box, dark: NDArray[np.bool_]) -> Box:
    """Widen a box to the dark lines around it, where there are any on both sides."""
    left, top, right, bottom = box
    inset = max(1, (right - left) // 8)
    rows = np.flatnonzero(dark[:, left + inset : right - inset].mean(axis=1) > SPAN)
    above, below = rows[rows <= top + 1], rows[rows >= bottom - 2]
    if len(above) and len(below):
        top, bottom = int(above[-1]), int(below[0]) + 1
    inset = max(1, (bottom - top) // 8)
    columns = np.flatnonzero(dark[top + inset : bottom - inset].mean(axis=0) > SPAN)
    before, after = columns[columns <= left + 2], columns[columns >= right - 3]
    left = int(before[-1]) if len(before) else left
    right = int(after[0]) + 1 if len(after) else right
    return left, top, right, bottom


def _joined(boxes: list[Box]) -> list[Box]:
    """Make one box of those that overlap, until none do."""
    rest, done = list(boxes), []
    while rest:
        one = rest.pop()
        touching = next((other for other in rest if _overlap(one, other)), None)
        if touching is None:
            done.append(one)
            continue
        rest.remove(touching)
        lows = (min(one[0], touching[0]), min(one[1], touching[1]))
        rest.append((*lows, max(one[2], touching[2]), max(one[3], touching[3])))
        rest, done = rest + done, []
    return sorted(done)


def _overlap(one: Box, other: Box) -> bool:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide > OVERLAP and high > OVERLAP
