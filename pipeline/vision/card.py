"""The card of a model: what a model folder holds and how its model is to be fed.

A model is a folder ``<digest>/`` with ``card.json`` and the files that the
card names (``model.onnx``, and ``model.keras`` where it was trained here).
The digest is the SHA-256 of the bytes of ``card.json``; the card holds the
SHA-256 of every other file, so the folder's name vouches for all of it.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Final

import msgspec

from pipeline.errors import ModelError
from pipeline.messages import Count, Digest, Fraction, Name, Shape, Text

CARD_VERSION: Final = 1
CARD_FILE: Final = "card.json"
MODEL_FILE: Final = "model.onnx"
KERAS_FILE: Final = "model.keras"
"""What a later training continues; not in a release."""
CARD_LIMIT: Final = 4_000_000
"""Largest card read, in bytes; a card of 10,000 runs has 200 kB."""
INPUT: Final = "image"
"""Name of the graph's input: uint8, (N, H, W, C)."""
OUTPUTS: Final = ("probabilities", "maps", "embedding")
"""Names of the graph's outputs: (N, C), (N, C, h, w) and (N, D), all float32."""

FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}$")]
Labels = Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=14)]
CLASSIFICATION: Final = "classification"
REGRESSION: Final = "regression"


class Metrics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model did on the validation runs, in counts."""

    confusion: tuple[tuple[Count, ...], ...]
    """Images by true label (row) and given label (column), in card order."""
    loss: float
    """Mean cross entropy on the validation images."""
    epochs: Count


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alarm limits of a number, as EPICS has them; None where there is none."""

    hihi: float | None = None
    """At or above: MAJOR."""
    high: float | None = None
    """At or above: MINOR."""
    low: float | None = None
    """At or below: MINOR."""
    lolo: float | None = None
    """At or below: MAJOR."""


class Quantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a regression model says of an image."""

    name: Name
    unit: Annotated[str, msgspec.Meta(max_length=15)] = ""
    """Shown as EGU."""
    limits: Limits = Limits()
    spread: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    """Root mean square error on images it was not fitted to, in its unit."""


class ModelCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that serving and the registry must know of a model."""

    v: int = CARD_VERSION
    name: Name
    """For people, such as ``domain-cbam CDC_occupancy``."""
    kind: Annotated[str, msgspec.Meta(pattern="^(classification|regression)$")] = CLASSIFICATION
    """A regression model has one output, a number in the unit of ``quantity``; it comes
    out of the graph under the name ``probabilities``."""
    quantity: Quantity | None = None
    """Of a regression model."""
    plots: tuple[Name, ...]
    """Plot types the model was trained for."""
    architecture: Name
    """Name in ``pipeline.vision.architectures``."""
    labels: Labels
    """Labels of the outputs, in their order."""
    input_shape: Shape
    """Height, width and channels of the input, in pixels."""
    preprocessing: Name
    """Name in ``pipeline.vision.preprocess``."""
    map_shape: tuple[Count, Count]
    """Height and width of an activation map, in cells; 0, 0: the graph gives none."""
    embedding_size: Count
    """0: the graph gives none."""
    thresholds: dict[str, Fraction]
    """Confirmation threshold by label."""
    threshold_method: Name = "max_f1"
    training_runs: tuple[int, ...]
    validation_runs: tuple[int, ...]
    training_counts: dict[str, Count]
    """Training images by label."""
    training_set: Digest
    """SHA-256 over the sorted names, runs and labels of all images used."""
    metrics: Metrics
    seed: int
    created: str = ""
    """ISO 8601, UTC; empty when the registry tells: the same training gives the same card."""
    versions: dict[str, str]
    """Version by name: python, keras, tensorflow, onnx and so on."""
    parent: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """Digest of the model this one continues; empty if none."""
    note: Text = ""
    temperature: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    """By what the logits were divided to calibrate them; the graph does it already."""
    calibration_error: Fraction | None = None
    """Expected calibration error on images it was not fitted to; None when unknown."""
    calibration_images: Count | None = None
    """How many images it was measured on, with their own shares of the labels."""
    backbone: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the backbone it stands on; empty if none."""
    weights: Text = ""
    """What its weights were before the training: a file with its SHA-256; empty for chance."""
    settings: dict[str, str | int | float | bool] = {}
    """How it was trained: sampling, learning rate, early stop and so on."""
    curves: dict[str, tuple[float, ...]] = {}
    """Loss and accuracy of training and validation, epoch by epoch."""
    files: dict[FileName, Digest]
    """SHA-256 by file name, all files of the folder but the card."""


_decoder = msgspec.json.Decoder(ModelCard)


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error


def read_card(folder: Path) -> ModelCard:
    """Read and check the card of a model folder, not its files.

    Args:
        folder: The model folder.

    Returns:
        The card.

    Raises:
        ModelError: There is no card, or it is not a card of this version.
    """
    return _parse(_read_bytes(folder), folder)


def write_card(folder: Path, card: ModelCard) -> str:
    """Write the card into a model folder and give the folder's digest.

    Args:
        folder: The model folder, with all files the card names.
        card: The card.

    Returns:
        SHA-256 of the card's bytes, the name the folder must have.

    Raises:
        ModelError: The card contradicts itself or the files.
    """
    _check(card, folder)
    _check_files(card, folder)
    data = msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=2) + b"\n"
    (folder / CARD_FILE).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def card_digest(folder: Path) -> str:
    """Give the digest of a model folder: the SHA-256 of its card's bytes.

    Raises:
        ModelError: There is no card.
    """
    return hashlib.sha256(_read_bytes(folder)).hexdigest()


def verify(folder: Path) -> ModelCard:
    """Prove that a model folder is what its name says.

    Args:
        folder: A folder of the model store; its name is the digest.

    Returns:
        The card.

    Raises:
        ModelError: Says which of name, card and files does not match.
    """
    data = _read_bytes(folder)
    digest = hashlib.sha256(data).hexdigest()
    if digest != folder.name:
        raise ModelError(
            f"the card in {folder} was changed: expected SHA-256 {folder.name},"
            f" found {digest}; install the model again"
        )
    card = _parse(data, folder)
    _check_files(card, folder)
    return card


def _read_bytes(folder: Path) -> bytes:
    path = folder / CARD_FILE
    try:
        with path.open("rb") as file:
            data = file.read(CARD_LIMIT + 1)
    except OSError as error:
        raise ModelError(
            f"expected a model card at {path}, cannot read it: {error.strerror};"
            " install the model again"
        ) from error
    if len(data) > CARD_LIMIT:
        raise ModelError(f"{path} is over the limit of {CARD_LIMIT} bytes for a model card")
    return data


def _parse(data: bytes, folder: Path) -> ModelCard:
    try:
        card = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{folder / CARD_FILE} is not a model card: {error}") from error
    _check(card, folder)
    return card


def _check(card: ModelCard, folder: Path) -> None:
    faults = []
    if card.v != CARD_VERSION:
        faults.append(f"expected card version {CARD_VERSION}, found {card.v}")
    if len(set(card.labels)) != len(card.labels):
        faults.append(f"labels {list(card.labels)} repeat")
    if (card.kind == REGRESSION) != (card.quantity is not None):
        faults.append("a regression model, and no other, must tell its quantity")
    if card.kind == REGRESSION and len(card.labels) != 1:
        faults.append(f"expected one output of a regression model, found {list(card.labels)}")
    if set(card.thresholds) != set(card.labels):
        faults.append(f"thresholds for {sorted(card.thresholds)}, labels {sorted(card.labels)}")
    if common := set(card.training_runs) & set(card.validation_runs):
        faults.append(f"runs {sorted(common)} are both training and validation")
    size = len(card.labels)
    if [len(row) for row in card.metrics.confusion] != [size] * size:
        faults.append(f"expected a confusion matrix of {size} x {size}")
    if MODEL_FILE not in card.files:
        faults.append(f"no {MODEL_FILE} among the files")
    if faults:
        raise ModelError(f"the card of {folder} contradicts itself: {'; '.join(faults)}")


def _check_files(card: ModelCard, folder: Path) -> None:
    for name, expected in card.files.items():
        found = file_digest(folder / name)
        if found != expected:
            raise ModelError(
                f"{folder / name} does not match its card: expected SHA-256 {expected},"
                f" found {found}; install the model again"
            )
