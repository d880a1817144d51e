"""What a plot file is, told from its bytes without decoding a pixel."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.errors import FileError

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
PNG_MODES: Final = {2: "rgb", 6: "rgba"}
"""Colour types without palette or grey. Source: PNG specification, table 11.1."""


@dataclass(frozen=True, slots=True)
class Header:
    """Kind and size of an image.

    Attributes:
        file_type: ``png`` or ``jpg``.
        width: In pixels.
        height: In pixels.
        mode: ``rgb`` or ``rgba``, what the usual decoder makes of it; empty for
            a PNG of another form.
    """

    file_type: str
    width: int
    height: int
    mode: str = ""


def read_header(data: bytes) -> Header:
    """Check the structure of a PNG or JPEG file and read its header.

    Args:
        data: The whole file.

    Returns:
        Its kind and size.

    Raises:
        FileError: ``not-an-image``, ``truncated`` or ``corrupt``.
    """
    if data.startswith(PNG_MAGIC):
        return _png_header(data)
    if data.startswith(JPEG_MAGIC):
        return Header("jpg", *_jpeg_size(data), mode="rgb")
    if PNG_MAGIC.startswith(data) or JPEG_MAGIC.startswith(data):
        raise FileError("truncated", f"expected a PNG or JPEG, the file ends at byte {len(data)}")
    raise FileError(
        "not-an-image", f"expected a PNG or JPEG, the file begins with {data[:8].hex(' ')}"
    )


def _png_header(data: bytes) -> Header:
    body = b""
    transparent = False
    for kind, content in _png_chunks(data):
        if not body:
            if kind != b"IHDR" or len(content) != 13:
                raise FileError("corrupt", f"expected the PNG header IHDR, found {kind!r}")
            body = bytes(content)
        transparent = transparent or kind == b"tRNS"
        if kind == b"IEND":
            width, height = int.from_bytes(body[0:4], "big"), int.from_bytes(body[4:8], "big")
            if not width or not height:
                raise FileError("corrupt", f"PNG of {width} x {height} pixels")
            usual = body[8] == 8 and not transparent
            return Header("png", width, height, PNG_MODES.get(body[9], "") if usual else "")
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
    raise FileError("corrupt", f"JPEG without a frame header, {len(data)} bytes")
