"""How strange the strangest place of an image is: colours that no reference has there.

The mean and spread of the references cannot tell a dead channel from a weak one
where counts vary along a colour scale: white lies no farther from the mean than
red from green. But no reference is white there. Numpy and OpenCV only.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.vision.reference import VIEWS

MOST: Final = 16
"""References that are kept; more make the model larger and hardly less surprised."""
WINDOW: Final = 3
"""View pixels, along each side, that strangeness is averaged over: one cell of a fine plot."""
OFFSET: Final = 2.0
"""Grey levels added before the logarithm."""
BOUND: Final = 3.0
"""Farther than this many spreads of Good images counts as this far: strange is strange."""
FLOOR: Final = 0.07
"""Smallest spread of the logarithm among Good images that is believed."""
FEWEST: Final = 2
"""Good images from which on each can be compared with others."""
Planes = NDArray[np.uint8]
"""(N, 5, h, w): views with their channels first."""


def planes_of(views: NDArray[np.uint8]) -> Planes:
    """Give the planes (N, 5, h, w) of views (N, h, w, 5)."""
    return np.ascontiguousarray(views.transpose(0, 3, 1, 2))


def gallery_of(planes: Planes) -> Planes:
    """Choose what images are compared with: references, at most ``MOST``, and the mean of all.

    The mean is what lies under a mask, which must not be strange.
    """
    mean = np.rint(planes.mean(axis=0)).astype(np.uint8)[None]
    if len(planes) > MOST:
        planes = planes[np.linspace(0, len(planes) - 1, MOST).astype(np.int64)]
    return np.concatenate([planes, mean])


def strangeness_of(planes: Planes, gallery: Planes) -> NDArray[np.float32]:
    """Give the logarithm of how strange the strangest place of each image is.

    Args:
        planes: (N, 5, h, w) of the images.
        gallery: (R, 5, h, w), at least one, from ``gallery_of``.

    Returns:
        (N,): the largest average, over a window, of the grey levels between a
        pixel and the same pixel of the reference that is nearest there.
    """
    return np.array([_strangest(one, gallery) for one in planes], np.float32)


def _strangest(planes: NDArray[np.uint8], gallery: Planes) -> float:
    height, width = planes.shape[1:]
    # One tall picture: OpenCV then takes all channels in one call.
    tall = planes.reshape(VIEWS * height, width)
    nearest = np.full((height, width), 255, np.uint8)
    for one in gallery:
        apart = cv2.absdiff(tall, one.reshape(VIEWS * height, width))
        nearest = np.minimum(nearest, apart.reshape(VIEWS, height, width).max(axis=0))
    # Zeros beyond the rim, as the average pooling of the grafted graph has them.
    smooth = cv2.blur(nearest.astype(np.float32), (WINDOW, WINDOW), borderType=cv2.BORDER_CONSTANT)
    return float(np.log(smooth.max() + OFFSET))


@dataclass(frozen=True, slots=True)
class Strangeness:
    """What strangeness says of each label."""

    gallery: Planes
    """(R, 5, h, w) the references."""
    middle: float
    """Mean at Good images, each next to the others."""
    scale: float
    """One by the spread among them."""
    kernel: NDArray[np.float32]
    """(C,) what one spread adds to each logit."""

    def logits(self, views: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Give what strangeness adds to the logits (N, C) of views (N, h, w, 5)."""
        found = strangeness_of(planes_of(views), self.gallery)
        return np.asarray(self.spreads(found)[:, None] * self.kernel, np.float64)

    def spreads(self, strangeness: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give strangeness (N,) in spreads of Good images, bounded."""
        return np.clip((strangeness - self.middle) * np.float64(self.scale), -BOUND, BOUND)


def measure_of(strangeness: NDArray[np.float32]) -> tuple[float, float]:
    """Give middle and scale of the strangeness (N,) of Good images next to others."""
    return float(strangeness.mean()), 1.0 / max(float(strangeness.std()), FLOOR)
