"""What the reference images of a plot look like: the mean of their views, and how far they spread.

A backbone compares an image with this. Numpy only: serving and the command
line use it without the training libraries.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

VIEWS: Final = 5
"""Red, green, blue, darkest and brightest of 2 x 2 pixels, as in ``pipeline.vision.layers``."""
SPREAD_FLOOR: Final = 6.0
"""Grey levels added to the spread; the noise of the reduction is not worth a reaction."""
CLIP: Final = 6.0
"""Departures beyond this many allowances count as this many."""
FIELDS: Final = VIEWS + 4
"""Channels that a backbone gets: departures, colours, and how many references there are."""
CODE_SCALE: Final = 6.0
"""The number of references is given as its logarithm to base 2, by this."""

Views = NDArray[np.uint8]
"""(H / 2, W / 2, 5), whole grey levels."""


def views_of(image: NDArray[np.uint8]) -> Views:
    """Give the five views of an image.

    Args:
        image: (H, W, 3) uint8, RGB, H and W even.

    Returns:
        Mean red, green and blue, darkest and brightest grey of every 2 x 2 pixels.

    Raises:
        InputError: The image has another form.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.shape[0] % 2 or image.shape[1] % 2:
        raise InputError(f"expected an image (H, W, 3) of even sides, received {image.shape}")
    height, width = image.shape[0] // 2, image.shape[1] // 2
    colour = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    red, green, blue = cv2.split(image.astype(np.uint16))
    grey = red + green + blue
    low, high = np.minimum(grey[::2], grey[1::2]), np.maximum(grey[::2], grey[1::2])
    thirds = [np.minimum(low[:, ::2], low[:, 1::2]), np.maximum(high[:, ::2], high[:, 1::2])]
    rounded = [((level + 1) // 3).astype(np.uint8)[..., None] for level in thirds]
    return np.concatenate([colour, *rounded], axis=-1)


@dataclass(frozen=True, slots=True)
class Reference:
    """Some Good images of one plot type, summed up."""

    mean: NDArray[np.uint8]
    """(h, w, 5): mean of every view."""
    allowance: NDArray[np.uint8]
    """(h, w, 1): how far a Good image may depart, at least 1 grey level."""
    count: int
    """How many images there were."""

    @property
    def code(self) -> float:
        """The number of images as a network is told it, 0 for one image."""
        return float(np.log2(self.count) / CODE_SCALE)


def reference_of(views: NDArray[np.uint8]) -> Reference:
    """Sum up the views of reference images.

    Args:
        views: (N, h, w, 5) uint8, at least one.

    Raises:
        InputError: There is none.
    """
    if not len(views):
        raise InputError("expected at least one reference image, received none")
    return Sums(views).reference()


class Sums:
    """Sums over views, so that a reference without one of them costs little."""

    def __init__(self, views: NDArray[np.uint8]) -> None:
        """Sum up.

        Args:
            views: (N, h, w, 5) uint8.
        """
        self._views = views
        self._total = np.zeros(views.shape[1:], np.float32)
        self._squares = np.zeros_like(self._total)
        for one in views:
            wide = one.astype(np.float32)
            self._total += wide
            self._squares += wide * wide

    def reference(self, without: int | NDArray[np.int64] | None = None) -> Reference:
        """Give the reference of all images, or of all but some.

        Args:
            without: Index or indices of the images to leave out.

        Raises:
            InputError: No image is left.
        """
        left_out = np.atleast_1d(np.array([], np.int64) if without is None else without)
        count = len(self._views) - len(left_out)
        if count < 1:
            raise InputError("expected at least one reference image besides the one left out")
        total, squares = self._total, self._squares
        for index in left_out:
            wide = self._views[index].astype(np.float32)
            total, squares = total - wide, squares - wide * wide
        mean = total / count
        variance = np.maximum(squares / count - mean * mean, 0.0)
        spread = np.sqrt(variance.max(axis=-1, keepdims=True))
        return Reference(
            np.rint(mean).astype(np.uint8),
            np.clip(np.rint(spread + SPREAD_FLOOR), 1, 255).astype(np.uint8),
            count,
        )


def fields_of(views: NDArray[np.uint8], reference: Reference) -> NDArray[np.float32]:
    """Give what a backbone looks at.

    Args:
        views: (N, h, w, 5) uint8.
        reference: Of the same plot type.

    Returns:
        (N, h, w, 9) float32: departures in allowances, colours from -1 to 1,
        and a plane that tells the number of references.

    Raises:
        InputError: The sizes differ.
    """
    if views.shape[1:] != reference.mean.shape:
        raise InputError(
            f"expected views {reference.mean.shape} as the references have,"
            f" received {views.shape[1:]}"
        )
    # Channels side by side in long rows: five at a time would take twice as long.
    count, height, width, _ = views.shape
    wide = views.reshape(count, -1).astype(np.float32)
    fields = np.empty((count, height * width, FIELDS), np.float32)
    colour = wide.reshape(count, -1, VIEWS)[..., :3] * np.float32(1.0 / 127.5)
    fields[..., VIEWS:-1] = colour - np.float32(1.0)
    wide -= reference.mean.astype(np.float32).ravel()
    wide /= np.repeat(reference.allowance.astype(np.float32), VIEWS, axis=-1).ravel()
    fields[..., :VIEWS] = np.clip(wide, -CLIP, CLIP, out=wide).reshape(count, -1, VIEWS)
    fields[..., -1] = reference.code
    return fields.reshape(count, height, width, FIELDS)
