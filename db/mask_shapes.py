"""Outlines of masks: polygons within an image, in fractions of its size."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from pipeline.errors import CommandError

MOST_POINTS: Final = 40
LEAST_SHARE: Final = 1e-6
"""Smallest area of an outline, as a share of the image: about one pixel."""
DIGITS: Final = 5
"""A corner is kept to 0.00001 of the image, a fiftieth of a pixel of 2000."""
Points = tuple[tuple[float, float], ...]


def check_points(points: Sequence[Sequence[float]]) -> Points:
    """Give the corners of a polygon back, two as those of a rectangle.

    Raises:
        CommandError: They are no polygon within the image.
    """
    if not 2 <= len(points) <= MOST_POINTS:
        raise CommandError(
            f"expected 2 corners of a rectangle or 3 to {MOST_POINTS} of a polygon,"
            f" received {len(points)}"
        )
    outline = tuple(_point(point) for point in points)
    if len(outline) == 2:
        (left, top), (right, bottom) = outline
        outline = ((left, top), (right, top), (right, bottom), (left, bottom))
    # Crossing first: the areas of a bow tie cancel each other.
    if _crosses_itself(outline):
        raise CommandError("expected a polygon whose sides do not cross each other")
    if len(set(outline)) < 3 or covered_share([outline]) < LEAST_SHARE:
        raise CommandError("expected a polygon with an area, all its corners are on one line")
    return outline


def covered_share(outlines: Sequence[Points]) -> float:
    """Give the sum of the areas of simple polygons, as a share of the image.

    Overlaps count twice, so it is never too small for what they cover together.

    Source:
        Shoelace formula, Meister 1769.
    """
    return sum(abs(_twice_area(outline)) / 2 for outline in outlines)


def _twice_area(outline: Points) -> float:
    behind = (*outline[1:], outline[0])
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(outline, behind, strict=True))


def _point(point: Sequence[float]) -> tuple[float, float]:
    if len(point) != 2 or any(
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not 0.0 <= value <= 1.0
        for value in point
    ):
        raise CommandError(
            f"expected a corner as x, y in fractions 0 to 1 of the image, received {point!r:.80}"
        )
    return round(float(point[0]), DIGITS), round(float(point[1]), DIGITS)


def _crosses_itself(outline: Points) -> bool:
    sides = list(zip(outline, (*outline[1:], outline[0]), strict=True))
    last = len(sides) - 1
    for (i, (a, b)), (j, (c, d)) in combinations(enumerate(sides), 2):
        if j - i in (1, last):
            continue
        if _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0:
            return True
    return False


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Tell on which side of the line from a to b a point lies: sign of the area."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
