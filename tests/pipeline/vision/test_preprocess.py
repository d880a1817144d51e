"""Preprocessing: the same pixels in training and serving, hostile files refused."""

import hashlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import FileError, ModelError
from pipeline.vision.preprocess import decode, picture, prepare, tensor_and_picture

MAX_PIXELS = 1_000_000


def ramp(height=120, width=160):
    """An image made by integer arithmetic alone, the same everywhere."""
    y, x, c = np.ogrid[:height, :width, :3]
    return ((x * 7 + y * 13 + c * 29 + (x * y) % 31) % 256).astype(np.uint8)


def file(pixels, kind="png", mode=None, **options):
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in chunks)


def header(width, height, depth=8, colour=2):
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


GOLDEN = {
    (120, 160): "ae57b4c686a7f692",
    (60, 80): "f5d49ccac5748357",
    (30, 40): "fd7d9eefb911a5cd",
    (24, 32): "688f00614ff8ac91",
    (37, 53): "9a7c5f0fc12e97c4",
    (112, 112): "c0654bfa664d79aa",
    (200, 300): "d51715c898f85499",
}
"""First 16 digits of the SHA-256 of ``ramp()`` reduced to height and width."""


@pytest.mark.parametrize("size", GOLDEN)
def test_given_the_ramp_when_prepared_then_every_bit_is_as_ever(size):
    assert digest(prepare(ramp(), "area-rgb", (*size, 3))) == GOLDEN[size]


def test_given_a_small_image_when_halved_then_each_pixel_is_the_rounded_mean_of_four():
    pixels = ramp(6, 8)
    sums = pixels.astype(np.int32).reshape(3, 2, 4, 2, 3).sum(axis=(1, 3))
    np.testing.assert_array_equal(prepare(pixels, "area-rgb", (3, 4, 3)), (sums + 2) // 4)


def test_given_an_image_of_the_right_size_when_prepared_then_it_is_unchanged():
    pixels = ramp()
    np.testing.assert_array_equal(prepare(pixels, "area-rgb", (120, 160, 3)), pixels)


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.integers(1, 80),
)
def test_given_any_sizes_when_made_together_then_tensor_and_picture_are_the_same_bits(
    size, target, width
):
    pixels = ramp(*size)
    tensor, jpeg = tensor_and_picture(pixels, "area-rgb", (*target, 3), width)
    assert tensor.shape == (*target, 3)
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(tensor, prepare(pixels, "area-rgb", (*target, 3)))
    assert jpeg == picture(pixels, width)


@pytest.mark.parametrize(
    ("name", "shape", "text"),
    [
        ("area-rgb", (10, 10, 1), "makes 3 channels"),
        ("bilinear", (10, 10, 3), "expected a preprocessing of area-rgb"),
    ],
)
def test_given_an_unknown_preparation_when_asked_for_then_the_model_is_refused(name, shape, text):
    with pytest.raises(ModelError, match=text):
        prepare(ramp(), name, shape)


@pytest.mark.parametrize(("width", "expected"), [(80, (60, 80)), (50, (38, 50)), (999, (120, 160))])
def test_given_a_width_when_pictured_then_the_aspect_is_kept_and_nothing_is_enlarged(
    width, expected
):
    jpeg = np.frombuffer(picture(ramp(), width), np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape[:2] == expected


def test_given_red_pixels_when_pictured_then_the_picture_is_red():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 250
    jpeg = np.frombuffer(picture(red, 32), np.uint8)
    blue, _, seen = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[16, 16]
    assert seen > 240
    assert blue < 10


@pytest.mark.parametrize("mode", [None, "RGBA", "L", "P", "LA", "1"])
@pytest.mark.parametrize("options", [{}, {"compress_level": 0}, {"optimize": True}])
def test_given_a_png_of_any_form_when_decoded_then_it_is_what_pillow_sees(mode, options):
    data = file(ramp(), "png", mode, **options)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decode(data, MAX_PIXELS), expected)


def test_given_transparent_pixels_when_decoded_then_their_colour_is_kept():
    pixels = np.dstack([ramp(), np.zeros((120, 160), np.uint8)])
    np.testing.assert_array_equal(decode(file(pixels), MAX_PIXELS), ramp())


def test_given_a_colour_key_when_decoded_then_it_is_ignored():
    data = file(ramp(), transparency=(1, 2, 3))
    np.testing.assert_array_equal(decode(data, MAX_PIXELS), ramp())


def test_given_sixteen_bits_when_decoded_then_the_upper_eight_are_kept():
    pixels = ramp().astype(np.uint16) * 257
    data = bytes(cv2.imencode(".png", pixels[..., ::-1])[1].data)
    np.testing.assert_array_equal(decode(data, MAX_PIXELS), ramp())


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", [None, "L"])
def test_given_a_jpeg_when_decoded_then_it_is_what_opencv_sees(mode, options):
    data = file(ramp(), "jpeg", mode, **options)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decode(data, MAX_PIXELS), expected)


def swap(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


PNG = file(ramp())
JPEG = file(ramp(), "jpeg")
IDAT = b"IDAT", zlib.compress(bytes(13 * 4))
HOSTILE = {
    "empty": (b"", "truncated"),
    "text": (b"not an image at all", "not-an-image"),
    "gif": (file(ramp(), "gif"), "not-an-image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-an-image"),
    "png magic only": (PNG[:8], "truncated"),
    "png half": (PNG[: len(PNG) // 2], "truncated"),
    "png without its last byte": (PNG[:-1], "truncated"),
    "png without IEND": (PNG[:-12], "truncated"),
    "png with a flipped byte": (swap(PNG, len(PNG) // 2), "corrupt"),
    "png with a huge chunk": (PNG[:8] + b"\xff\xff\xff\xffIHDR", "truncated"),
    "png without IHDR": (png(IDAT, (b"IEND", b"")), "corrupt"),
    "png with a short IHDR": (png((b"IHDR", b"abc"), (b"IEND", b"")), "corrupt"),
    "png of no size": (png(header(0, 4), IDAT, (b"IEND", b"")), "corrupt"),
    "png without pixels": (png(header(4, 4), (b"IEND", b"")), "corrupt"),
    "png with too few pixels": (png(header(400, 400), IDAT, (b"IEND", b"")), "corrupt"),
    "png with rubbish as pixels": (
        png(header(4, 4), (b"IDAT", b"rubbish"), (b"IEND", b"")),
        "corrupt",
    ),
    "palette png with rubbish": (
        png(header(4, 4, 8, 3), (b"PLTE", bytes(3)), (b"IDAT", b"rubbish"), (b"IEND", b"")),
        "corrupt",
    ),
    "png of a million chunks": (
        PNG[:33] + chunk(b"tEXt", b"") * 70_000 + PNG[33:],
        "corrupt",
    ),
    "png bomb": (png(header(100_000, 100_000), IDAT, (b"IEND", b"")), "too-many-pixels"),
    "jpeg magic only": (b"\xff\xd8\xff", "truncated"),
    "jpeg half": (JPEG[: len(JPEG) // 2], "truncated"),
    "jpeg cut and closed": (JPEG[: len(JPEG) // 2] + b"\xff\xd9", "corrupt"),
    "jpeg without frame": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9) + b"\xff\xd9", "corrupt"),
    "jpeg bomb": (
        b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + bytes(9) + b"\xff\xd9",
        "too-many-pixels",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_given_a_hostile_file_when_decoded_then_it_is_refused_with_its_reason(name):
    data, reason = HOSTILE[name]
    with pytest.raises(FileError) as caught:
        decode(data, MAX_PIXELS)
    assert caught.value.reason == reason


@given(st.sampled_from([PNG, JPEG]), st.data())
def test_given_a_file_damaged_anywhere_when_decoded_then_it_is_refused_or_decoded(data, choose):
    damaged = bytearray(data)
    for _ in range(choose.draw(st.integers(1, 4))):
        at = choose.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = choose.draw(st.integers(0, 255))
    damaged = damaged[: choose.draw(st.integers(0, len(damaged)))]
    try:
        pixels = decode(bytes(damaged), MAX_PIXELS)
    except FileError as error:
        assert error.reason in {"truncated", "corrupt", "not-an-image", "too-many-pixels"}
    else:
        assert pixels.ndim == 3


@given(st.lists(st.sampled_from(["IHDR", "IDAT", "IEND", "PLTE", "tRNS", "iCCP"]), max_size=6))
def test_given_chunks_in_any_order_when_decoded_then_nothing_but_a_refusal_comes(order):
    bodies = {"IHDR": header(4, 4)[1], "IDAT": IDAT[1], "PLTE": bytes(6), "tRNS": bytes(6)}
    data = png(*((kind.encode(), bodies.get(kind, b"")) for kind in order))
    try:
        assert decode(data, MAX_PIXELS).shape == (4, 4, 3)
    except FileError as error:
        assert error.reason in {"truncated", "corrupt"}
