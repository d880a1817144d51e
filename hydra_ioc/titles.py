"""Taking the title away from images: a model that judges otherwise then reads it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TITLE_ROWS: Final = 16
"""Rows of 240 that hold the title of a simulated plot, and nothing of the data.

Source:
    Measured on 21 simulated plot types: titles end in row 9, the first panel begins in row 18.
"""
OF_ROWS: Final = 240
KEPT: Final = "kept"
BLANKED: Final = "blanked"
EXCHANGED: Final = "exchanged"
WAYS: Final = (KEPT, BLANKED, EXCHANGED)


def blank(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a copy of an image (H, W, 3) with white in the place of the title."""
    return _with(image, np.full_like(image, 255))


def exchange(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a copy of an image (H, W, 3) with the title of another one of the same shape."""
    return _with(image, other)


def _with(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows = image.shape[0] * TITLE_ROWS // OF_ROWS
    return np.concatenate([other[:rows], image[rows:]])
