"""What the owner of a model says of it, in a file of his own."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np

from pipeline.errors import ModelError
from pipeline.messages import Fraction, Name, Shape, Text
from pipeline.vision.card import CLASSIFICATION, REGRESSION, Quantity

CARD_LIMIT: Final = 100_000
"""Largest card read, in bytes."""
PIXEL_LIMIT: Final = 2048 * 2048


class ForeignCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner of a model says of it."""

    name: Name
    plots: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    labels: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=14)]
    """In the order of the outputs; of a regression model the name of its number."""
    input_shape: Shape
    """Height, width and channels in pixels; channels 3."""
    layout: Annotated[str, msgspec.Meta(pattern="^(NHWC|NCHW)$")] = "NHWC"
    order: Annotated[str, msgspec.Meta(pattern="^(RGB|BGR)$")] = "RGB"
    scale: float = 1.0
    """Grey levels 0..255 are multiplied by it first, such as 1/255."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Then this is subtracted, channel by channel in the order of the model."""
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Then it is divided by this."""
    activation: Annotated[str, msgspec.Meta(pattern="^(none|softmax|sigmoid)$")] = "none"
    """What is applied to the output; ``none`` where it gives probabilities already.
    ``sigmoid`` is of a single output, the probability of the second of two labels."""
    output: str = ""
    """Name of the output with the probabilities; may be empty where there is one only."""
    maps: str = ""
    """Name of an output (N, C, h, w) with activation maps; empty: no map is shown."""
    embedding: str = ""
    """Name of an output (N, D); empty: no similarity and novelty by this model."""
    thresholds: dict[str, Fraction] = {}
    kind: Annotated[str, msgspec.Meta(pattern="^(classification|regression)$")] = CLASSIFICATION
    quantity: Quantity | None = None
    note: Text = ""


def read_foreign_card(file: Path) -> ForeignCard:
    """Read the card that comes with a model: TOML or JSON.

    Raises:
        ModelError: It cannot be read, or says something that cannot be.
    """
    try:
        with file.open("rb") as text:
            data = text.read(CARD_LIMIT + 1)
        if len(data) > CARD_LIMIT:
            raise ModelError(f"{file} is over the limit of {CARD_LIMIT} bytes for a card")
        given = data.decode("utf-8")
        told = json.loads(given) if file.suffix == ".json" else tomllib.loads(given)
        card = msgspec.convert(told, ForeignCard)
    except OSError as error:
        raise ModelError(f"cannot read the card {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file} is not a card: {error}") from error
    if faults := _faults(card):
        raise ModelError(f"{file} contradicts itself: {'; '.join(faults)}")
    return card


def _faults(card: ForeignCard) -> list[str]:
    faults = []
    height, width, channels = card.input_shape
    if channels != 3 or min(height, width) < 8 or height * width > PIXEL_LIMIT:
        faults.append(
            f"expected an input shape (H, W, 3) of at least 8 x 8 and at most {PIXEL_LIMIT}"
            f" pixels, received {tuple(card.input_shape)}"
        )
    numbers = np.array([card.scale, *card.mean, *card.std])
    if not np.isfinite(numbers).all() or 0.0 in (card.scale, *card.std):
        faults.append("scale, mean and std must be finite, scale and std not 0")
    if len(set(card.labels)) != len(card.labels):
        faults.append(f"labels {list(card.labels)} repeat")
    if card.kind == CLASSIFICATION and len(card.labels) < 2:
        faults.append("expected at least two labels")
    if card.kind == REGRESSION and (len(card.labels) != 1 or card.quantity is None):
        faults.append("a regression model needs one label and a quantity")
    if card.activation == "sigmoid" and len(card.labels) != 2:
        faults.append(f"sigmoid gives two labels, the card has {len(card.labels)}")
    if unknown := set(card.thresholds) - set(card.labels):
        faults.append(f"thresholds for {sorted(unknown)}, which are no labels")
    return faults
