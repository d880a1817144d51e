"""From the outputs of a model to a report; nothing doubtful passes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.messages import Order, Report
from pipeline.predict.masking import masks_of
from pipeline.vision.card import ModelCard
from pipeline.vision.serving import TOLERANCE, Outputs

ERROR_LIMIT = 4000
"""Longest text of a report's error, as ``pipeline.messages`` has it."""

Part = bytes | memoryview


def tensor_of(order: Order, frame: Part, card: ModelCard) -> NDArray[np.uint8]:
    """Give the input tensor of an order.

    Args:
        order: An order whose plot has a model.
        frame: Its tensor frame.
        card: The card of that model.

    Returns:
        uint8, (H, W, C), without a copy of the frame.

    Raises:
        ModelError: The order was not made for this model.
    """
    model = order.plot.model
    if model is None:
        raise ModelError(f"plot {order.plot.name} has no model")
    promised = (model.labels, model.input_shape, model.preprocessing)
    if promised != (card.labels, card.input_shape, card.preprocessing):
        raise ModelError(
            f"the catalogue says labels, input shape and preprocessing are {promised},"
            f" the card of model {card.name} says"
            f" {(card.labels, card.input_shape, card.preprocessing)}"
        )
    height, width, channels = card.input_shape
    if len(frame) != height * width * channels:
        raise ModelError(
            f"expected a tensor of {height} x {width} x {channels} bytes, got {len(frame)} bytes"
        )
    return np.frombuffer(frame, np.uint8).reshape(card.input_shape)


def make_report(
    order: Order, worker: str, outputs: Outputs, index: int, infer_s: float
) -> tuple[Report, list[Part]]:
    """Make the report of one image of a batch.

    Args:
        order: The order of that image.
        worker: Who reports.
        outputs: What the model said of the batch.
        index: Place of the image in the batch.
        infer_s: Duration of the pass per image, seconds.

    Returns:
        The report with its map and embedding frames.

    Raises:
        ModelError: A number is not finite, or a probability is not in 0..1.
    """
    if order.plot.model is None:
        raise ModelError(f"plot {order.plot.name} has no model")
    probabilities = outputs.probabilities[index]
    maps, embedding = outputs.maps[index], outputs.embedding[index]
    for name, value in (("probabilities", probabilities), ("maps", maps), ("embedding", embedding)):
        if not np.isfinite(value).all():
            raise ModelError(f"the model gave {name} that are not finite")
    number = order.plot.model.kind == "regression"
    if not number and (probabilities.min() < -TOLERANCE or probabilities.max() > 1 + TOLERANCE):
        raise ModelError(f"the model gave probabilities outside 0..1: {probabilities.tolist()}")
    report = Report(
        order=order,
        worker=worker,
        labels=order.plot.model.labels,
        probabilities=() if number else tuple(np.clip(probabilities, 0.0, 1.0).tolist()),
        value=float(probabilities[0]) if number else None,
        map_shape=(maps.shape[0], maps.shape[1], maps.shape[2]),
        infer_s=infer_s,
        masks=masks_of(order),
    )
    return report, [np.ascontiguousarray(maps).tobytes(), embedding.tobytes()]


def no_result(order: Order, worker: str, error: str = "") -> tuple[Report, list[Part]]:
    """Make a report without a result.

    Args:
        order: The order.
        worker: Who reports.
        error: Why there is none; empty when the plot has no model.
    """
    empty: Sequence[Part] = (b"", b"")
    return Report(order=order, worker=worker, error=error[:ERROR_LIMIT]), list(empty)
