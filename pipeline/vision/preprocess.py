"""From the bytes of a plot file to pixels, tensor and picture.

Training and serving call these same functions, so a model sees in operation
what it saw in training, bit by bit; golden arrays in the tests pin them.

What a file holds is checked before it is decoded: the kind by its first
bytes, the number of pixels by its header (a decompression bomb is refused
unopened), completeness by its structure and, in a PNG, by the checksums.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FileError, ModelError

Pixels = NDArray[np.uint8]

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
"""Source: PNG specification (W3C, third edition), section 5.2."""
JPEG_MAGIC: Final = b"\xff\xd8\xff"
"""SOI and the first byte of the next marker. Source: ITU-T T.81, annex B."""
JPEG_END: Final = b"\xff\xd9"
"""EOI. Source: ITU-T T.81, table B.1."""
JPEG_TRAILER: Final = 64
"""Bytes of padding allowed behind EOI; some writers pad to a block."""
PNG_CHUNKS: Final = 65_536
"""Most chunks a PNG may have: 8 kB each fill 500 MB, far over any size limit."""
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
    if data.startswith(PNG_MAGIC):
        width, height = _png_size(data)
    elif data.startswith(JPEG_MAGIC):
        width, height = _jpeg_size(data)
    elif _begins(data):
        raise FileError("truncated", f"expected a PNG or JPEG, the file ends at byte {len(data)}")
    else:
        raise FileError(
            "not-an-image", f"expected a PNG or JPEG, the file begins with {data[:8].hex(' ')}"
        )
    if width * height > max_pixels:
        raise FileError(
            "too-many-pixels", f"{width} x {height} pixels are over the limit of {max_pixels}"
        )
    try:
        pixels = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error as error:
        raise FileError("corrupt", f"cannot be decoded: {error}") from error
    if pixels is None:
        raise FileError("corrupt", "the structure is whole but the pixels cannot be decoded")
    if pixels.shape != (height, width, 3):
        raise FileError("corrupt", f"header says {width} x {height} pixels, decoded {pixels.shape}")
    return np.asarray(pixels, np.uint8)


def file_type(data: bytes) -> str:
    """Tell the type of a file by its first bytes: ``png``, ``jpg`` or ``""``."""
    if data.startswith(PNG_MAGIC):
        return "png"
    return "jpg" if data.startswith(JPEG_MAGIC) else ""


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
    height, actual = pixels.shape[:2]
    if actual > width:
        pixels = _reduce(pixels, width, max(1, round(height * width / actual)))
    options = [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY]
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise FileError("corrupt", f"no picture can be made of pixels {pixels.shape}")
    return bytes(encoded.data)


def _area_rgb(pixels: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Average over areas; the aspect is not kept, a fitting image is unchanged."""
    height, width, channels = shape
    if channels != 3:
        raise ModelError(f"area-rgb makes 3 channels; the model wants {channels}")
    return np.ascontiguousarray(_reduce(pixels, width, height))


def _reduce(pixels: Pixels, width: int, height: int) -> Pixels:
    # Exact halving averages four bytes in integer SIMD; the general area
    # reduction works in floats and costs several times as much per source pixel.
    while (
        pixels.shape[0] >= 2 * height
        and pixels.shape[1] >= 2 * width
        and not (pixels.shape[0] | pixels.shape[1]) & 1
    ):
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        pixels = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), np.uint8)
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


PREPARATIONS: Final[dict[str, Callable[[Pixels, tuple[int, int, int]], Pixels]]] = {
    "area-rgb": _area_rgb,
}
"""Preprocessing by the name that a model's card carries."""


def _begins(data: bytes) -> bool:
    return PNG_MAGIC.startswith(data) or JPEG_MAGIC.startswith(data)


def _png_size(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    for kind, body in _png_chunks(data):
        if size is None:
            if kind != b"IHDR" or len(body) != 13:
                raise FileError("corrupt", f"expected the PNG header IHDR, found {kind!r}")
            size = int.from_bytes(body[0:4], "big"), int.from_bytes(body[4:8], "big")
        if kind == b"IEND":
            if 0 in size:
                raise FileError("corrupt", f"PNG of {size[0]} x {size[1]} pixels")
            return size
    raise FileError("truncated", f"PNG ends without IEND at byte {len(data)}")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Walk the chunks of a PNG and check each one's CRC."""
    view = memoryview(data)
    at = len(PNG_MAGIC)
    for _ in range(PNG_CHUNKS):
        if at == len(data):
            return
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(data):
            raise FileError("truncated", f"PNG ends at byte {len(data)} inside a chunk")
        expected = int.from_bytes(view[end : end + 4], "big")
        if zlib.crc32(view[at + 4 : end]) != expected:
            raise FileError("corrupt", f"checksum of the PNG chunk at byte {at} does not fit")
        yield bytes(view[at + 4 : at + 8]), view[at + 8 : end]
        at = end + 4
    raise FileError("corrupt", f"PNG has more than {PNG_CHUNKS} chunks")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    if JPEG_END not in data[-JPEG_TRAILER:]:
        raise FileError("truncated", f"JPEG ends without EOI at byte {len(data)}")
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            raise FileError("corrupt", f"expected a JPEG marker at byte {at}")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        # SOF0 to SOF15 hold the size; DHT, JPG and DAC lie among them. Source: T.81 table B.1.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            width = int.from_bytes(data[at + 7 : at + 9], "big")
            if 0 in (width, height):
                raise FileError("corrupt", f"JPEG of {width} x {height} pixels")
            return width, height
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    raise FileError("truncated", f"JPEG without a frame header, {len(data)} bytes")
