"""From the bytes of a plot file to pixels, tensor and picture.

Training and serving call these same functions, so a model sees in operation
what it saw in training, bit by bit; golden arrays in the tests pin them.

What a file holds is checked before it is decoded: the kind by its first
bytes, the number of pixels by its header (a decompression bomb is refused
unopened), completeness by its structure and, in a PNG, by the checksums.
"""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import kornia_rs
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FileError, ModelError
from pipeline.vision.fileformat import Header, read_header

Pixels = NDArray[np.uint8]

PICTURE_QUALITY: Final = 85
"""JPEG quality: axis labels stay legible, 40 to 80 kB at 800 pixels width."""


def decode(data: bytes, max_pixels: int) -> Pixels:
    """Check a PNG or JPEG file completely and decode it.

    Transparency is dropped; 16-bit samples are reduced to 8 bits; grey and
    palette images become RGB.

    Args:
        data: The whole file.
        max_pixels: Most pixels (width x height) that are accepted.

    Returns:
        Pixels (H, W, 3), uint8, RGB.

    Raises:
        FileError: ``not-an-image``, ``truncated``, ``corrupt`` or
            ``too-many-pixels``.
    """
    header = read_header(data)
    if header.width * header.height > max_pixels:
        raise FileError(
            "too-many-pixels",
            f"{header.width} x {header.height} pixels are over the limit of {max_pixels}",
        )
    pixels = _decode_usual(data, header) if header.mode else _decode_odd_png(data)
    if pixels.shape != (header.height, header.width, 3):
        raise FileError(
            "corrupt",
            f"header says {header.width} x {header.height} pixels, decoded {pixels.shape}",
        )
    return pixels


def _decode_usual(data: bytes, header: Header) -> Pixels:
    io, size = kornia_rs.io, (header.height, header.width)
    try:
        if header.file_type == "jpg":
            pixels = io.decode_image_jpegturbo(data, header.mode)
        else:
            pixels = io.decode_image_png_u8(data, size, header.mode)
    except Exception as error:
        # The library raises nothing more specific.
        raise FileError("corrupt", f"cannot be decoded: {error}") from error
    if header.mode == "rgba":
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
    return np.asarray(pixels, np.uint8)


def _decode_odd_png(data: bytes) -> Pixels:
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise FileError("corrupt", f"cannot be decoded: {error}") from error
    if pixels is None:
        raise FileError("corrupt", "the structure is whole but the pixels cannot be decoded")
    return np.asarray(pixels, np.uint8)


def prepare(pixels: Pixels, name: str, shape: tuple[int, int, int]) -> Pixels:
    """Make the input tensor of a model.

    Args:
        pixels: (H, W, 3), uint8, RGB.
        name: Preprocessing named by the model's card, a key of ``PREPARATIONS``.
        shape: Height, width and channels of the model's input.

    Returns:
        Tensor of that shape, uint8, C-contiguous; scaling is in the model.

    Raises:
        ModelError: No such preprocessing, or it does not make this shape.
    """
    preparation = PREPARATIONS.get(name)
    if preparation is None:
        known = ", ".join(sorted(PREPARATIONS))
        raise ModelError(f"expected a preprocessing of {known}; the model names {name!r}")
    return preparation(pixels, shape)


def picture(pixels: Pixels, width: int) -> bytes:
    """Make the picture that screens show.

    Args:
        pixels: (H, W, 3), uint8, RGB.
        width: Width of the picture in pixels; a narrower image is not enlarged.

    Returns:
        A JPEG with the aspect of the image.
    """
    size = _picture_size(pixels, width)
    reduced = _reduce(pixels, *size)
    options = [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY]
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(reduced, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise FileError("corrupt", f"no picture can be made of pixels {pixels.shape}")
    return bytes(encoded.data)


def tensor_and_picture(
    pixels: Pixels, name: str, shape: tuple[int, int, int], width: int
) -> tuple[Pixels, bytes]:
    """Make both at the cost of little more than one.

    The reductions of both begin with the same exact halvings; these are done
    once. The results are those of ``prepare`` and ``picture``, bit by bit.

    Args:
        pixels: (H, W, 3), uint8, RGB.
        name: As for ``prepare``.
        shape: As for ``prepare``.
        width: As for ``picture``.

    Returns:
        What ``prepare`` and ``picture`` give.

    Raises:
        ModelError: As ``prepare``.
    """
    wanted = [_picture_size(pixels, width), (shape[1], shape[0])]
    while _halves(pixels, wanted):
        pixels = _half(pixels)
    return prepare(pixels, name, shape), picture(pixels, width)


def _picture_size(pixels: Pixels, width: int) -> tuple[int, int]:
    height, actual = pixels.shape[:2]
    if actual <= width:
        return actual, height
    return width, max(1, round(height * width / actual))


def _area_rgb(pixels: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Average over areas; the aspect is not kept, a fitting image is unchanged."""
    height, width, channels = shape
    if channels != 3:
        raise ModelError(f"area-rgb makes 3 channels; the model wants {channels}")
    return np.ascontiguousarray(_reduce(pixels, width, height))


def _reduce(pixels: Pixels, width: int, height: int) -> Pixels:
    # Exact halving averages four bytes in integer SIMD; the general area
    # reduction works in floats and costs several times as much per source pixel.
    while _halves(pixels, [(width, height)]):
        pixels = _half(pixels)
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _halves(pixels: Pixels, wanted: Sequence[tuple[int, int]]) -> bool:
    """Tell whether an image can be halved on the way to all wanted sizes."""
    height, width = pixels.shape[:2]
    even = not (height | width) & 1
    return even and all(width >= 2 * w and height >= 2 * h for w, h in wanted)


def _half(pixels: Pixels) -> Pixels:
    size = (pixels.shape[1] // 2, pixels.shape[0] // 2)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


PREPARATIONS: Final[dict[str, Callable[[Pixels, tuple[int, int, int]], Pixels]]] = {
    "area-rgb": _area_rgb,
}
"""Preprocessing by the name that a model's card carries."""
