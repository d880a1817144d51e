"""What a model said of the images that it was made with, kept in its folder.

Training images that no judgement without them exists for are marked as such:
what a model says of what it learnt is no test.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.messages import Fraction, Name
from pipeline.vision.card import ModelCard
from pipeline.vision.dataset import Dataset

JUDGED_FILE: Final = "judged.json"
LARGEST: Final = 50_000_000
"""Largest file read, in bytes; an image takes about 200."""
Purpose = Literal["train", "validate", "cross"]
"""Learnt from; held out; or judged by a model that was fitted without its run."""


class JudgedImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One image."""

    name: Name
    """SHA-256 of a kept image, or the name of the file."""
    run: int
    label: Name
    """What it was labelled."""
    weights: tuple[Fraction, ...]
    """In the order of the card's labels."""
    purpose: Purpose


class Judged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All images of a training, and how it went."""

    images: tuple[JudgedImage, ...]
    curves: dict[str, tuple[float, ...]] = {}
    """Loss and accuracy by epoch; empty where there are no epochs."""
    v: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


def write_judged(folder: Path, judged: Judged) -> None:
    """Write the file into a model folder, before its card is written."""
    (folder / JUDGED_FILE).write_bytes(msgspec.json.encode(judged))


def read_judged(folder: Path, card: ModelCard) -> Judged | None:
    """Read the file of a model folder that was verified.

    Returns:
        None where the model brings none.

    Raises:
        ModelError: It does not fit the card.
    """
    if JUDGED_FILE not in card.files:
        return None
    path = folder / JUDGED_FILE
    if path.stat().st_size > LARGEST:
        raise ModelError(f"{path} is over the limit of {LARGEST} bytes")
    try:
        judged = msgspec.json.decode(path.read_bytes(), type=Judged)
    except msgspec.DecodeError as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    size = len(card.labels)
    odd = [one.name for one in judged.images if len(one.weights) != size]
    if odd or {one.label for one in judged.images} - set(card.labels):
        raise ModelError(f"{path} does not fit the labels {list(card.labels)} of its card")
    return judged


def images_of(
    images: Dataset, weights: NDArray[np.floating], purpose: Purpose
) -> tuple[JudgedImage, ...]:
    """Lay out judged images.

    Args:
        images: N images with their names, runs and labels.
        weights: (N, C) fractions.
        purpose: What the images were for.
    """
    bounded = np.clip(np.round(weights.astype(np.float64), 6), 0.0, 1.0)
    rows = zip(images.names, images.runs, images.truth, bounded, strict=True)
    return tuple(
        JudgedImage(name, int(run), images.labels[index], tuple(row.tolist()), purpose)
        for name, run, index, row in rows
    )
