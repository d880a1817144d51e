"""What companions say of an image, beside the model that judges it."""

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.messages import Companion, CompanionResult
from pipeline.predict.reports import ERROR_LIMIT, Part
from pipeline.vision.card import ModelCard
from pipeline.vision.serving import TOLERANCE, Outputs


def companion_tensor(companion: Companion, frame: Part, card: ModelCard) -> NDArray[np.uint8]:
    """Give the input tensor of an image for a companion.

    Args:
        companion: A companion of its plot.
        frame: The order's tensor frame.
        card: The card of the companion's model.

    Returns:
        uint8, (H, W, C), without a copy of the frame.

    Raises:
        ModelError: The catalogue, the card and the frame do not fit each other.
    """
    model = companion.model
    promised = (model.labels, model.input_shape, model.preprocessing)
    found = (card.labels, card.input_shape, card.preprocessing)
    if promised != found:
        raise ModelError(
            f"the catalogue says labels, input shape and preprocessing of the {companion.role}"
            f" are {promised}, the card of {card.name} says {found}"
        )
    height, width, channels = card.input_shape
    if len(frame) != height * width * channels:
        raise ModelError(
            f"expected a tensor of {height} x {width} x {channels} bytes, got {len(frame)} bytes:"
            f" the {companion.role} must have the input of the model that judges"
        )
    return np.frombuffer(frame, np.uint8).reshape(card.input_shape)


def companion_result(companion: Companion, outputs: Outputs) -> CompanionResult:
    """Give what a companion said of the first image of a batch.

    Raises:
        ModelError: A number is not finite, or a probability is not in 0..1.
    """
    values = outputs.probabilities[0]
    if not np.isfinite(values).all():
        raise ModelError(f"the {companion.role} gave probabilities that are not finite")
    if values.min() < -TOLERANCE or values.max() > 1 + TOLERANCE:
        raise ModelError(f"the {companion.role} gave probabilities outside 0..1: {values.tolist()}")
    return CompanionResult(
        role=companion.role,
        digest=companion.model.digest,
        model_id=companion.model.model_id,
        labels=companion.model.labels,
        probabilities=tuple(np.clip(values, 0.0, 1.0).tolist()),
    )


def companion_failed(companion: Companion, error: str) -> CompanionResult:
    """Say why there is no result of a companion."""
    return CompanionResult(
        role=companion.role,
        digest=companion.model.digest,
        model_id=companion.model.model_id,
        error=error[:ERROR_LIMIT],
    )
