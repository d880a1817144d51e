"""From a file to an order: read, check, decode, reduce. Runs in the decoders."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config
from pipeline.errors import FileError
from pipeline.feeder.backlog import Candidate
from pipeline.feeder.files import read
from pipeline.messages import Order, PlotEntry, tensor_model
from pipeline.vision.fileformat import read_header
from pipeline.vision.preprocess import Pixels, decode, picture, prepare, tensor_and_picture


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order that is ready to be sent.

    Attributes:
        order: The header.
        frames: Tensor and picture.
        duration_s: How long it took to make, in seconds.
    """

    order: Order
    frames: tuple[bytes | memoryview, bytes | memoryview]
    duration_s: float


def take_in(
    candidate: Candidate,
    entry: PlotEntry,
    config: Config,
    trees: Sequence[Path],
    *,
    show: bool = True,
) -> Prepared | None:
    """Read a file and make its order.

    Args:
        candidate: The file.
        entry: Its plot type in the catalogue.
        config: The deployment.
        trees: Absolute paths of the watched trees.
        show: Whether the screens may come to show this image. One that is older
            than another of its plot needs no picture.

    Returns:
        The order; None when the file is no longer there.

    Raises:
        FileError: The file cannot be used; ``reason`` names the fault.
        ModelError: The catalogue's model wants an unknown preprocessing.
    """
    began = time.perf_counter()
    data = read(candidate.path, trees, config.input.max_bytes)
    if data is None:
        return None
    path = str(candidate.path)
    if not path.isprintable() or not path.isascii():
        _check_text(path)
    sighting = candidate.sighting
    header = read_header(data)
    inside = header.file_type
    if inside != sighting.file_type:
        raise FileError("wrong-type", f"named as {sighting.file_type}, but it is {inside} inside")
    pixels = decode(data, config.input.max_pixels)
    frames = _frames(pixels, entry, config.input.picture_width, show=show)
    digest = hashlib.sha256(data).hexdigest()
    order = Order(
        order_id=order_id(candidate, digest),
        plot=entry,
        run=sighting.run,
        period=sighting.period,
        chunk=sighting.chunk or 0,
        image_time=candidate.image_time,
        closed_time=candidate.found.at,
        sha256=digest,
        path=path,
        image_size=(header.height, header.width),
        offline=config.input.offline,
    )
    return Prepared(order, frames, time.perf_counter() - began)


def _frames(
    pixels: Pixels, entry: PlotEntry, width: int, *, show: bool
) -> tuple[bytes | memoryview, bytes | memoryview]:
    """Make tensor and picture, each empty where nobody wants it."""
    model = tensor_model(entry)
    if model is None:
        return b"", picture(pixels, width) if show else b""
    if not show:
        return prepare(pixels, model.preprocessing, model.input_shape).data.cast("B"), b""
    tensor, jpeg = tensor_and_picture(pixels, model.preprocessing, model.input_shape, width)
    return tensor.data.cast("B"), jpeg


def order_id(candidate: Candidate, digest: str) -> str:
    """Name an order by what it judges, so that it is the same after a restart.

    Args:
        candidate: The file.
        digest: SHA-256 of its bytes, in hexadecimal.

    Returns:
        64 hexadecimal digits; two copies of a file have the same.
    """
    sighting = candidate.sighting
    key = f"{sighting.kind}|{sighting.period}|{sighting.run}|{sighting.chunk}|{digest}"
    return hashlib.sha256(key.encode()).hexdigest()


def _check_text(path: str) -> None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FileError("unknown-name", f"the path {path!r} is not UTF-8") from error
