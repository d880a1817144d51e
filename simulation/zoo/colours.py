"""Colour maps: those that everybody uses, and invented ones."""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from simulation.drawing import Pixels
from simulation.palette import BIRD, RAINBOW

Colour = tuple[int, int, int]

OPENCV: Final = (
    cv2.COLORMAP_JET,
    cv2.COLORMAP_JET,
    cv2.COLORMAP_VIRIDIS,
    cv2.COLORMAP_VIRIDIS,
    cv2.COLORMAP_PLASMA,
    cv2.COLORMAP_INFERNO,
    cv2.COLORMAP_MAGMA,
    cv2.COLORMAP_CIVIDIS,
    cv2.COLORMAP_TURBO,
    cv2.COLORMAP_PARULA,
    cv2.COLORMAP_HOT,
    cv2.COLORMAP_BONE,
    cv2.COLORMAP_OCEAN,
    cv2.COLORMAP_COOL,
    cv2.COLORMAP_PINK,
    cv2.COLORMAP_DEEPGREEN,
    cv2.COLORMAP_RAINBOW,
    cv2.COLORMAP_SUMMER,
    cv2.COLORMAP_WINTER,
    cv2.COLORMAP_AUTUMN,
)
"""Colour maps that come with OpenCV; the commoner ones twice."""


@lru_cache(maxsize=64)
def opencv(number: int) -> Pixels:
    """Give an OpenCV colour map, uint8 (256, 3), RGB."""
    ramp = np.arange(256, dtype=np.uint8).reshape(256, 1)
    return np.ascontiguousarray(cv2.applyColorMap(ramp, number)[:, 0, ::-1])


def blend(stops: np.ndarray) -> Pixels:
    """Interpolate a colour map between equidistant stops.

    Args:
        stops: float (n, 3), 0 to 1.

    Returns:
        uint8, (256, 3), RGB.
    """
    knots = np.linspace(0.0, 1.0, len(stops))
    places = np.linspace(0.0, 1.0, 256)
    parts = [np.interp(places, knots, stops[:, channel]) for channel in range(3)]
    return np.asarray(np.rint(np.clip(np.stack(parts, axis=1), 0, 1) * 255), np.uint8)


def invented(rng: np.random.Generator) -> Pixels:
    """Invent a colour map whose brightness rises or falls steadily, uint8 (256, 3)."""
    count = int(rng.integers(2, 6))
    stops = rng.random((count, 3))
    light = np.linspace(rng.uniform(0.0, 0.25), rng.uniform(0.75, 1.0), count)
    stops *= (light / np.maximum(stops @ (0.3, 0.6, 0.1), 0.05))[:, None]
    return blend(stops if rng.random() < 0.6 else stops[::-1])


def colour_map(rng: np.random.Generator) -> Pixels:
    """Draw a colour map at random, uint8 (256, 3), RGB."""
    choice = rng.random()
    if choice < 0.25:
        return blend(np.array(BIRD).T)
    if choice < 0.35:
        return blend(np.array(RAINBOW).T)
    if choice < 0.8:
        table = opencv(int(rng.choice(OPENCV)))
        return table[::-1].copy() if rng.random() < 0.12 else table
    return invented(rng)


def steps(table: Pixels, count: int) -> Pixels:
    """Reduce a colour map to so many steps, as ROOT's contours do; uint8 (256, 3)."""
    index = (np.arange(256) * count // 256) * 255 // max(count - 1, 1)
    return table[index]
