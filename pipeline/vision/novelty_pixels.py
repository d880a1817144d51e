"""How far an image lies from all known ones in coarse pixels, beside how far its embedding does.

An embedding was trained to tell some faults and may not see others; plain
pixels see everything a little. Numpy and OpenCV only.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.similarity import LOGISTIC
from pipeline.vision.span import Span

GRID: Final = (15, 20)
"""Rows and columns of coarse pixels, as references have them."""
VOICES: Final = (1.0, 0.25)
"""Weight of the embedding and of the pixels.

Source:
    Of 0, 0.25, 0.5 and 1, decision 0172: more tells more on real plots and less on simulated.
"""
LEAST: Final = 1e-6
"""Distance added before the logarithm."""
Pairs = NDArray[np.float64]
"""(N, 2): logarithms of the distances of embeddings and pixels."""


def coarse_images(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the coarse pixels (N, P) of images (N, H, W, C), channels first."""
    rows, columns = GRID
    small = [
        cv2.resize(one.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        for one in images
    ]
    planes = np.stack(small).reshape(len(images), rows, columns, -1).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(planes.reshape(len(images), -1))


@dataclass(frozen=True, slots=True)
class Pixels:
    """The ways in which known images vary, and how to weigh them beside an embedding."""

    span: Span
    centre: NDArray[np.float32]
    """(2,) mean of the logarithms of both distances among images that calibrate."""
    spread: NDArray[np.float32]
    """(2,) of the same."""

    def pairs(self, distance: NDArray[Any], coarse: NDArray[np.float32]) -> Pairs:
        """Give the logarithms of both distances.

        Args:
            distance: (N,) of the embeddings.
            coarse: (N, P) coarse pixels.

        Raises:
            InputError: The images have another number of coarse pixels.
        """
        return pairs_of(self.span, distance, coarse)

    def surprise(self, pairs: Pairs) -> NDArray[np.float64]:
        """Give how surprising images are, (N,), at least 0.

        Source:
            Fisher's method, as in ``pipeline.vision.similarity``.
        """
        standard = (pairs - self.centre) / self.spread
        return np.asarray((np.logaddexp(0.0, LOGISTIC * standard) * np.array(VOICES)).sum(axis=1))


def pairs_of(span: Span, distance: NDArray[Any], coarse: NDArray[np.float32]) -> Pairs:
    """Give the logarithms (N, 2) of distances of embeddings (N,) and of coarse pixels (N, P)."""
    if coarse.ndim != 2 or coarse.shape[1] != len(span.middle):
        raise InputError(f"expected {len(span.middle)} coarse pixels, received {coarse.shape}")
    return np.column_stack([np.log(distance + LEAST), span.distance(coarse).astype(np.float64)])
