"""Colour scales as ROOT has them."""

from typing import Final

import numpy as np

from simulation.drawing import Pixels

CONTOURS: Final = 20
"""Steps of a colour scale; ROOT's default number of contours."""

BIRD: Final = (
    (0.2082, 0.0592, 0.0780, 0.0232, 0.1802, 0.5301, 0.8186, 0.9956, 0.9764),
    (0.1664, 0.3599, 0.5041, 0.6419, 0.7178, 0.7492, 0.7328, 0.7862, 0.9832),
    (0.5293, 0.8684, 0.8385, 0.7914, 0.6425, 0.4662, 0.3499, 0.1968, 0.0539),
)
"""Red, green and blue at nine stops. Source: ROOT ``TColor::SetPalette``, kBird."""

RAINBOW: Final = (
    (0.0, 0.020, 0.059, 0.137, 0.400, 0.769, 0.816, 0.780, 0.431),
    (0.0, 0.188, 0.486, 0.753, 0.808, 0.886, 0.380, 0.063, 0.0),
    (0.388, 0.557, 0.776, 0.788, 0.353, 0.086, 0.051, 0.031, 0.008),
)
"""The same for kRainBow."""


def scale(stops: tuple[tuple[float, ...], ...]) -> Pixels:
    """Interpolate a colour scale.

    Args:
        stops: Red, green and blue, 0 to 1, at equidistant stops.

    Returns:
        uint8, (CONTOURS + 1, 3); entry 0 is white, the colour of an empty bin.
    """
    places = np.linspace(0.0, 1.0, CONTOURS)
    knots = np.linspace(0.0, 1.0, len(stops[0]))
    colours = np.stack([np.interp(places, knots, part) for part in stops], axis=1)
    table = np.empty((CONTOURS + 1, 3), np.uint8)
    table[0] = 255
    table[1:] = np.round(colours * 255)
    return table


PALETTES: Final = {"bird": scale(BIRD), "rainbow": scale(RAINBOW)}
