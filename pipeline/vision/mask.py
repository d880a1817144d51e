"""Covering parts of a model's input, so that they cannot change what it says.

Masks are applied to the input tensor, after the reduction: every pixel of the
tensor that a pixel of the file under a mask may have a share in is replaced as
a whole, so what lies under the mask cannot reach the model at all. What is put
there is what the model finds normal: decision 0115.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.messages import MaskRef

PAPER: Final = 255
"""Grey level under a mask where a model knows no normal picture: white paper."""
SHIFT: Final = 8
"""Binary digits behind the point of polygon corners, as OpenCV takes them."""
ALIGNED: Final = 2
"""Pixels of the tensor around an outline that count as touched.

One for a pixel that the outline cuts; one more for a pixel of the file, or of
one of its exact halvings, that lies across the border of two of the tensor.
"""
HIDDEN: Final = 0.5
"""A cell of a map is hidden when more than this share of it is covered."""
Outline = tuple[tuple[float, float], ...]
Area = NDArray[np.bool_]


def in_force(masks: Sequence[MaskRef], at: float) -> tuple[MaskRef, ...]:
    """Give the masks that have not expired at a time, seconds since the epoch."""
    return tuple(mask for mask in masks if mask.expires_at is None or at < mask.expires_at)


def covered(
    outlines: tuple[Outline, ...], shape: tuple[int, int], size: tuple[int, int] = (0, 0)
) -> Area:
    """Mark the pixels of a tensor that may hold anything from under masks.

    Args:
        outlines: Polygons; corners (x, y) in fractions of the image, 0..1.
        shape: Height and width of the tensor, in pixels.
        size: Height and width of the file's image in pixels; (0, 0) when
            unknown, which stands for one not smaller than the tensor.

    Returns:
        (height, width), not to be written to: it is kept for the next image.
    """
    return _covered(outlines, shape, size)


@lru_cache(maxsize=256)
def _covered(outlines: tuple[Outline, ...], shape: tuple[int, int], size: tuple[int, int]) -> Area:
    height, width = shape
    area = np.zeros(shape, np.uint8)
    for outline in outlines:
        corners = np.array(outline, np.float64) * (width, height) - 0.5
        points = np.rint(corners * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(area, [points[:, None, :]], 1, shift=SHIFT)
    across, down = (_margin(t, f) for t, f in ((width, size[1]), (height, size[0])))
    around = np.ones((2 * down + 1, 2 * across + 1), np.uint8)
    marked: Area = np.asarray(cv2.dilate(area, around), np.bool_)
    marked.setflags(write=False)
    return marked


def _margin(tensor: int, file: int) -> int:
    # Enlarging spreads a pixel of the file over its neighbours.
    return ALIGNED + (math.ceil(tensor / file) if 0 < file < tensor else 0)


def cover(
    tensor: NDArray[np.uint8], area: Area, normal: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """Put what is normal where a mask is.

    Args:
        tensor: (H, W, C), not changed.
        area: (H, W) from ``covered``.
        normal: (H, W, C), what the model finds normal; None for plain paper.

    Returns:
        A copy whose covered pixels do not depend on the tensor.
    """
    result = tensor.copy()
    result[area] = PAPER if normal is None else normal[area]
    return result


def hide(maps: NDArray[np.float32], area: Area) -> NDArray[np.float32]:
    """Take the heat out of the cells of activation maps that are mostly covered.

    Args:
        maps: (..., h, w), not changed.
        area: (H, W) from ``covered``.

    Returns:
        A copy without heat under the masks.
    """
    height, width = maps.shape[-2:]
    if not height or not width:
        return maps
    share = cv2.resize(area.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.where(share > HIDDEN, np.float32(0.0), maps)
