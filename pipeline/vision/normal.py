"""What a model finds normal: the mean of the Good images it was trained with.

The picture lies in the model folder and is put under masks. It is made so that
the views of a baseline (``pipeline.vision.layers``) find their own means in it.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.vision.card import ModelCard

NORMAL_FILE: Final = "normal.png"
LARGEST: Final = 8_000_000
"""Largest file read, in bytes."""


def read_normal(folder: Path, card: ModelCard) -> NDArray[np.uint8] | None:
    """Read the normal picture of a model folder that was verified.

    Args:
        folder: The model folder.
        card: Its card.

    Returns:
        (H, W, 3) uint8, RGB, of the model's input shape, not to be written to;
        None where the model brings none.

    Raises:
        ModelError: The file is no such picture.
    """
    if NORMAL_FILE not in card.files:
        return None
    path = folder / NORMAL_FILE
    if path.stat().st_size > LARGEST:
        raise ModelError(f"{path} is over the limit of {LARGEST} bytes")
    flags = cv2.IMREAD_COLOR_RGB
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if pixels is None or pixels.shape != tuple(card.input_shape):
        found = None if pixels is None else pixels.shape
        raise ModelError(f"expected a picture {tuple(card.input_shape)} in {path}, found {found}")
    normal = np.asarray(pixels, np.uint8)
    normal.setflags(write=False)
    return normal


def write_normal(folder: Path, normal: NDArray[np.uint8]) -> None:
    """Write a normal picture into a model folder, before its card is written.

    Args:
        folder: The model folder.
        normal: (H, W, 3) uint8, RGB.

    Raises:
        ModelError: It cannot be encoded.
    """
    done, data = cv2.imencode(
        ".png", cv2.cvtColor(normal, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9]
    )
    if not done:
        raise ModelError(f"no picture can be made of pixels {normal.shape}")
    (folder / NORMAL_FILE).write_bytes(bytes(data.data))


def from_views(mean: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Make a picture in which the views of a baseline are their means.

    Every 2 x 2 pixels get the mean colour, and greys of which the darkest and
    the brightest are the means of the darkest and the brightest.

    Args:
        mean: (h, w, 5): red, green, blue, darkest and brightest grey of every
            2 x 2 pixels, as ``Baseline.mean``.

    Returns:
        (2 h, 2 w, 3) uint8, RGB.
    """
    colour, dark, bright = mean[..., :3], mean[..., 3], mean[..., 4]
    grey = colour.mean(axis=-1)
    between = np.clip((4.0 * grey - dark - bright) / 2.0, dark, np.maximum(dark, bright))
    height, width = grey.shape
    picture = np.empty((2 * height, 2 * width, 3), np.float64)
    corners = ((0, 0, dark), (0, 1, between), (1, 0, between), (1, 1, bright))
    for row, column, level in corners:
        picture[row::2, column::2] = colour + (level - grey)[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def mean_of(
    images: NDArray[np.uint8], chosen: NDArray[np.int64] | None = None
) -> NDArray[np.uint8]:
    """Give the mean of images (N, H, W, 3), or of the chosen ones, one after the other."""
    places = np.arange(len(images)) if chosen is None else chosen
    total = np.zeros(images.shape[1:], np.float64)
    for index in places:
        total += images[index]
    return np.clip(np.rint(total / max(1, len(places))), 0, 255).astype(np.uint8)
