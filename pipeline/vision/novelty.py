"""How novel an image is to a model: its distance from what the model was trained with.

The distance is that of Mahalanobis in the model's embedding, beside that in
coarse pixels; what it means is learnt from images that the description does
not know. Numpy and OpenCV only.

Source:
    Mahalanobis 1936, Proc. Natl. Inst. Sci. India 2, 49; as a sign of what a
    network has not seen: Lee et al. 2018, arXiv:1807.03888.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError, ModelError
from pipeline.messages import Digest
from pipeline.vision.novelty_pixels import Pixels
from pipeline.vision.span import AXES, Span
from pipeline.vision.tail import Tail

VERSION: Final = 2
VERSIONS: Final = (1, 2)
"""Those that are read; the first knew no pixels."""
FILE_LIMIT: Final = 8_000_000
"""Largest file read, in bytes; 4096 numbers along 64 axes take 1.1 MB."""
LARGEST: Final = 4096
"""Numbers of the longest embedding."""
Number = Annotated[float, msgspec.Meta(gt=0.0)]


class WrittenPixels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of pixels, as the file has it."""

    size: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    """Coarse pixels, P."""
    axes: Annotated[int, msgspec.Meta(ge=1, le=AXES)]
    """Ways in which they vary, K."""
    middle: bytes
    """(P,)."""
    directions: bytes
    """(P, K)."""
    centre: bytes
    """(2,)."""
    spread: bytes
    """(2,)."""


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A description as its file has it; arrays are float32, little-endian."""

    v: int = VERSION
    model: Digest
    """Whose embeddings it describes."""
    size: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    """Numbers of an embedding, D."""
    axes: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    """Axes with a spread of their own, R."""
    centre: bytes
    """(D,)."""
    scale: bytes
    """(D,): the embedding is divided by this."""
    directions: bytes
    """(D, R), orthonormal."""
    spreads: bytes
    """(R,) along the directions."""
    rest: Number
    """Spread along every other direction."""
    start: Number
    share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    tail_scale: Number
    tail_shape: Number
    pixels: WrittenPixels | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What a model was trained with, in a few numbers."""

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    directions: NDArray[np.float32]
    spreads: NDArray[np.float32]
    rest: float
    tail: Tail
    pixels: Pixels | None = None
    """None in descriptions of earlier releases."""

    def distance(self, embeddings: NDArray[Any]) -> NDArray[np.float64]:
        """Give how far embeddings (N, D) lie out, (N,), in spreads."""
        apart = (np.asarray(embeddings, np.float64) - self.centre) / self.scale
        along = apart @ self.directions
        beyond = np.maximum((apart**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        inside = ((along / self.spreads) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(inside + beyond / self.rest**2))

    def chance(
        self, embeddings: NDArray[Any], coarse: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Give the share of known images that lie farther out than each, 0..1.

        Args:
            embeddings: (N, D).
            coarse: (N, P) coarse pixels of the same images, where the description knows any.

        Raises:
            InputError: Coarse pixels are missing, or there are more or fewer of them.
        """
        distance = self.distance(embeddings)
        if self.pixels is None:
            return self.tail.chance(distance)
        if coarse is None:
            raise InputError("expected coarse pixels beside the embeddings, received none")
        return self.tail.chance(self.pixels.surprise(self.pixels.pairs(distance, coarse)))


def file_name(sha256: str) -> str:
    """Name the file of a description."""
    return f"novelty-{sha256[:16]}.bin"


def to_bytes(description: Description, model: str) -> bytes:
    """Give a description as its file has it.

    Args:
        description: To be written.
        model: Digest of the model.
    """
    return msgspec.msgpack.encode(
        Written(
            model=model,
            size=len(description.centre),
            axes=len(description.spreads),
            centre=_raw(description.centre),
            scale=_raw(description.scale),
            directions=_raw(description.directions),
            spreads=_raw(description.spreads),
            rest=description.rest,
            start=description.tail.start,
            share=description.tail.share,
            tail_scale=description.tail.scale,
            tail_shape=description.tail.shape,
            pixels=_written(description.pixels) if description.pixels is not None else None,
        )
    )


def _written(pixels: Pixels) -> WrittenPixels:
    size, axes = pixels.span.directions.shape
    return WrittenPixels(
        size=size,
        axes=axes,
        middle=_raw(pixels.span.middle),
        directions=_raw(pixels.span.directions),
        centre=_raw(pixels.centre),
        spread=_raw(pixels.spread),
    )


def read_description(folder: Path, sha256: str) -> Description:
    """Read a description beside the card of its model.

    Args:
        folder: The model folder.
        sha256: Of the file, from the record.

    Raises:
        ModelError: There is none, or it is not what the record says.
    """
    path = folder / file_name(sha256)
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise ModelError(
            f"expected {path}, cannot read it: {error.strerror}; fit it again with"
            " 'hydra-ioc novelty fit'"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(
            f"{path} was changed: expected SHA-256 {sha256}, found {found}; fit it again with"
            " 'hydra-ioc novelty fit'"
        )
    return _parse(data, path, folder.name)


def _parse(data: bytes, path: Path, model: str) -> Description:
    try:
        told = msgspec.msgpack.decode(data, type=Written)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path} tells no novelty: {error}") from error
    if told.v not in VERSIONS or told.model != model:
        raise ModelError(
            f"expected version {VERSION} or before for model {model[:12]}, {path} has {told.v} for"
            f" {told.model[:12]}"
        )
    size, axes = told.size, told.axes
    shapes = {"centre": size, "scale": size, "directions": size * axes, "spreads": axes}
    values = _numbers(told, shapes, path)
    _need_above_0(path, values["scale"], values["spreads"])
    return Description(
        values["centre"],
        values["scale"],
        values["directions"].reshape(size, axes),
        values["spreads"],
        told.rest,
        Tail(told.start, told.share, told.tail_scale, told.tail_shape),
        _pixels(told.pixels, path) if told.pixels is not None else None,
    )


def _pixels(told: WrittenPixels, path: Path) -> Pixels:
    shapes = {"middle": told.size, "directions": told.size * told.axes, "centre": 2, "spread": 2}
    values = _numbers(told, shapes, path)
    _need_above_0(path, values["spread"])
    span = Span(values["middle"], values["directions"].reshape(told.size, told.axes))
    return Pixels(span, values["centre"], values["spread"])


def _numbers(
    told: msgspec.Struct, shapes: dict[str, int], path: Path
) -> dict[str, NDArray[np.float32]]:
    values = {}
    for name, count in shapes.items():
        raw = getattr(told, name)
        if len(raw) != 4 * count:
            raise ModelError(f"expected {4 * count} bytes of {name} in {path}, found {len(raw)}")
        values[name] = np.frombuffer(raw, "<f4")
        if not np.isfinite(values[name]).all():
            raise ModelError(f"{path} has numbers of {name} that are not finite")
    return values


def _need_above_0(path: Path, *spreads: NDArray[np.float32]) -> None:
    if min(float(some.min()) for some in spreads) <= 0.0:
        raise ModelError(f"{path} has spreads that are not above 0")


def _raw(values: NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(values, "<f4").tobytes()
