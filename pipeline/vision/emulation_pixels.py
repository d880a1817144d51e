"""What pads of maps and of histograms have in common: colours and boxes of pixels."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.vision.channel_map import Box, Pad

Pixels = NDArray[np.uint8]
Region = tuple[float, float, float, float]
NEAR: Final = 30
"""Two colours are the same when red, green and blue differ by no more, together."""
MOST_RESCALED: Final = 0.25
WIDTHS: Final = (0.02, 0.08)
"""Of emulated fluctuations of a bin, as a share of the fullest: those of 2500
and of 150 counts."""
SEAM: Final = 5
"""Width in pixels of the seams between polygons that are closed."""
DARK: Final = 60
"""Axes, grid and text are darker than this in all of red, green and blue."""


def bounds(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Give rows and columns of a box of an image (H, W, ...)."""
    height, width = shape[:2]
    left, top, right, bottom = box
    return (
        slice(round(top * height), max(round(top * height) + 1, round(bottom * height))),
        slice(round(left * width), max(round(left * width) + 1, round(right * width))),
    )


def packed(pixels: Pixels) -> NDArray[np.int32]:
    """Give one number a pixel (..., 3): red, green and blue side by side."""
    wide = pixels.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def commonest(pixels: Pixels) -> NDArray[np.uint8]:
    """Give the commonest colour (3,) of pixels (..., 3): the paper of a plot."""
    values, counts = np.unique(packed(pixels), return_counts=True)
    found = int(values[counts.argmax()])
    return np.array([found >> 16, found >> 8 & 255, found & 255], np.uint8)


def is_like(pixels: Pixels, colour: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which pixels (..., 3) have a colour."""
    apart = np.abs(pixels.astype(np.int16) - colour.astype(np.int16)).sum(axis=-1)
    return np.asarray(apart <= NEAR)


def is_dark(pixels: Pixels) -> NDArray[np.bool_]:
    """Tell which pixels (..., 3) are as dark as axes and text."""
    return np.asarray((pixels < DARK).all(axis=-1))


def owners(pad: Pad, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Give the number of the cell under each pixel of a pad's box, -1 where none is.

    Args:
        pad: The pad.
        shape: Height and width of the image.
    """
    height, width = shape[:2]
    rows, columns = bounds(pad.box, shape)
    result = np.full((rows.stop - rows.start, columns.stop - columns.start), -1, np.int32)
    for number, cell in enumerate(pad.cells):
        if len(cell.outline) == 4 and _is_box(cell.outline):
            down, across = bounds(cell.box, shape)
            result[
                max(0, down.start - rows.start) : max(0, down.stop - rows.start),
                max(0, across.start - columns.start) : max(0, across.stop - columns.start),
            ] = number
            continue
        corners = np.array(cell.outline) * (width, height) - (columns.start, rows.start)
        cv2.fillPoly(result, [np.rint(corners).astype(np.int32)[:, None]], number)
    # Outlines of polygons are rough: a seam between two cells belongs to one of them.
    grown = cv2.dilate(result.astype(np.float32), np.ones((SEAM, SEAM), np.uint8))
    return np.where(result < 0, grown.astype(np.int32), result)


def boxes(area: NDArray[np.bool_], pad: Pad, shape: tuple[int, ...]) -> list[Region]:
    """Enclose each connected part of an area of a pad, in fractions of the image."""
    height, width = shape[:2]
    rows, columns = bounds(pad.box, shape)
    _, _, stats, _ = cv2.connectedComponentsWithStats(area.astype(np.uint8), connectivity=8)
    return [
        (
            round((columns.start + x) / width, 5),
            round((rows.start + y) / height, 5),
            round((columns.start + x + w) / width, 5),
            round((rows.start + y + h) / height, 5),
        )
        for x, y, w, h, _ in stats[1:].tolist()
    ]


def _is_box(outline: tuple[tuple[float, float], ...]) -> bool:
    return len({x for x, _ in outline}) == 2 and len({y for _, y in outline}) == 2


def rescaling(strength: float) -> float:
    """Give by how much another fullest bin lowers all others: 1 to 1.25."""
    return 1.0 + MOST_RESCALED * strength


def fluctuations(count: int, strength: float, position: float) -> NDArray[np.float64]:
    """Draw relative fluctuations of bins, in units of the root of the fullest.

    Args:
        count: How many.
        strength: 0 to 1: width of the fluctuations.
        position: 0 to 1: stands for the seed.
    """
    rng = np.random.default_rng(int(position * 1e9))
    width = WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * strength
    return rng.normal(0.0, width, count).clip(-2.5 * width, 2.5 * width)
