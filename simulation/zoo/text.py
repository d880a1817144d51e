"""Text in any size, colour and direction, with the glyphs kept."""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from simulation.drawing import Pixels
from simulation.zoo.colours import Colour

HERSHEY: Final = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "complex": cv2.FONT_HERSHEY_COMPLEX,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "triplex": cv2.FONT_HERSHEY_TRIPLEX,
}
"""Fonts that are drawn by strokes; the others are scalable."""
SCALABLE: Final = {"sans": ("sans", 400), "bold": ("sans", 700), "italic": ("italic", 400)}
FONTS: Final = (*HERSHEY, *SCALABLE)
HERSHEY_PX: Final = 30.0
"""Height of OpenCV's stroke fonts at scale 1, with descenders, in pixels."""


@lru_cache(maxsize=20_000)
def glyphs(text: str, font: str, size: int) -> Pixels:
    """Draw a line of text, uint8 (rows, columns): 0 ground, 255 ink; base line at 0.8 rows."""
    rows = max(4, round(size * 1.5))
    if font in HERSHEY:
        scale = size / HERSHEY_PX
        (width, _), _ = cv2.getTextSize(text, HERSHEY[font], scale, 1)
        strip: Pixels = np.zeros((rows, width + 4), np.uint8)
        place = (2, round(rows * 0.75))
        cv2.putText(strip, text, place, HERSHEY[font], scale, 255, 1, cv2.LINE_AA)
        return strip
    name, weight = SCALABLE[font]
    face = _face(name)
    (_, _, width, _) = cv2.getTextSize((0, 0), text, (0, 0), face, size, weight)
    colour = np.zeros((rows, width + 4, 3), np.uint8)
    place = (2, round(rows * 0.75))
    cv2.putText(colour, text, place, (255, 255, 255), face, size, weight)
    return np.ascontiguousarray(colour[:, :, 0])


@lru_cache(maxsize=4)
def _face(name: str) -> cv2.FontFace:
    return cv2.FontFace(name)


def write(
    image: Pixels,
    text: str,
    x: float,
    y: float,
    *,
    font: str,
    size: int,
    colour: Colour,
    align: float = 0.0,
    upwards: bool = False,
) -> None:
    """Write a line of text; what lies outside the image is cut.

    Args:
        image: uint8 (rows, columns, 3), changed in place.
        text: One line of ASCII.
        x: Where the text stands, in pixels.
        y: Its middle, in pixels.
        font: One of FONTS.
        size: Height in pixels.
        colour: Red, green, blue.
        align: 0 begins at the place, 0.5 is centred on it, 1 ends there.
        upwards: Read from below to above; ``x`` is then the middle and ``align`` counts
            along the text.
    """
    ink = glyphs(text, font, size)
    if upwards:
        ink = np.rot90(ink)
        left = round(x - ink.shape[1] / 2)
        top = round(y - (1.0 - align) * ink.shape[0])
    else:
        left = round(x - align * ink.shape[1])
        top = round(y - ink.shape[0] / 2)
    right, bottom = left + ink.shape[1], top + ink.shape[0]
    cut_left, cut_top = max(0, -left), max(0, -top)
    area = image[top + cut_top : max(0, bottom), left + cut_left : max(0, right)]
    if not area.size:
        return
    ink = ink[cut_top : cut_top + area.shape[0], cut_left : cut_left + area.shape[1]]
    share = ink[:, :, None].astype(np.int32)
    area += ((np.array(colour, np.int32) - area) * share // 255).astype(np.uint8)
