"""How far an image lies from everything that the references span, in coarse pixels.

References vary in few ways: bars that grow together, a level that drifts. An
image that varies in the same ways, though not as any one of them, is near; one
that departs in another way is far. Numpy only.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 8
"""View pixels, along each side, that are one coarse pixel: 20 x 15 of an image.

Source:
    Of 2, 4 and 8 the one that told most on both real sets and on simulated plots.
"""
RIDGE: Final = 0.1
"""Variance, in means of all directions, at which a direction counts half.

Source:
    Of 0 to 3; 0.03 to 0.3 are alike on both real sets, above, csc_timing is told worse.
"""
AXES: Final = 64
"""Directions kept, the widest."""
LEAST: Final = 1e-3
"""Spreads below this share of the widest are noise of the arithmetic."""
FLOOR: Final = 0.5
"""Grey levels added before the logarithm."""


@dataclass(frozen=True, slots=True)
class Span:
    """The ways in which references vary."""

    middle: NDArray[np.float32]
    """(P,) their mean, grey levels."""
    directions: NDArray[np.float32]
    """(P, K): what they explain of the mean square of P grey levels is the sum of the
    squares along these."""

    def distance(self, coarse: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the logarithm of how far coarse pixels (N, P) lie from the references, (N,)."""
        apart = coarse - self.middle
        explained = ((apart @ self.directions) ** 2).sum(axis=1)
        squares = np.maximum((apart**2).mean(axis=1) - explained, 0.0)
        return np.asarray(np.log(np.sqrt(squares) + FLOOR), np.float32)


def coarse_of(views: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.float32]:
    """Give the coarse colours (N, P) of views (N, h, w, 5), channels first.

    Args:
        views: Of images.
        side: View pixels that become one, along each side.
    """
    count, height, width, _ = views.shape
    rows, columns = height // side, width // side
    squares = views[:, : rows * side, : columns * side, :3].astype(np.float32)
    squares = squares.reshape(count, rows, side, columns, side, 3)
    coarse = squares.mean(axis=(2, 4)).transpose(0, 3, 1, 2).reshape(count, -1)
    return np.asarray(coarse, np.float32)


def span_of(coarse: NDArray[np.float32]) -> Span:
    """Find the ways in which references vary.

    A direction in which they vary much is free, one in which they hardly vary
    costs as if they did not; in between it shrinks as in ridge regression.

    Args:
        coarse: (R, P) of the references, at least one.

    Source:
        Hoerl and Kennard 1970, Technometrics 12, 55; distance from a subspace as a sign
        of novelty: Hoffmann 2007, Pattern Recogn. 40, 863.
    """
    count, pixels = coarse.shape
    middle = coarse.mean(axis=0)
    _, spreads, along = np.linalg.svd((coarse - middle).astype(np.float64), full_matrices=False)
    known = spreads > max(LEAST * spreads[0], LEAST)
    if not known.any():
        return Span(middle, np.zeros((pixels, 1), np.float32))
    variance = spreads[known] ** 2 / count / pixels
    kept = variance / (variance + RIDGE * variance.mean())
    directions = along[known].T * np.sqrt(kept / pixels)
    return Span(middle, directions[:, :AXES].astype(np.float32))
