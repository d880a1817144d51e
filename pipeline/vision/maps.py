"""Activation maps: proof against Grad-CAM, what they cost, where their heat lies."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.messages import Shape
from pipeline.vision.card import INPUT, MODEL_FILE, OUTPUTS, read_card

ROUNDS: Final = 60
WARM_UP: Final = 5


@dataclass(frozen=True, slots=True)
class MapOverhead:
    """What the map output costs in one forward pass of batch 1."""

    with_map_ms: float
    """Median of a pass through the shipped graph, all outputs."""
    without_map_ms: float
    """Median of a pass through the same graph with the map branch cut off."""
    ratio: float
    """Median of the ratios of neighbouring passes, minus 1."""


def map_overhead(folder: Path, rounds: int = ROUNDS, threads: int = 1) -> MapOverhead:
    """Measure what the map output adds to inference.

    The two graphs run in turn, so that whatever else the machine does falls
    on both. Needs the training extra (``onnx``) to cut the graph.

    Args:
        folder: A model folder.
        rounds: Pairs of passes.
        threads: Inference threads.

    Returns:
        Medians and the median ratio.

    Raises:
        ModelError: The folder holds no model.
    """
    import onnx
    import onnx.utils

    card = read_card(folder)
    without = [name for name in OUTPUTS if name != "maps"]
    try:
        proto = onnx.load(folder / MODEL_FILE)
    except OSError as error:
        raise ModelError(f"cannot read {folder / MODEL_FILE}: {error.strerror}") from error
    cut = onnx.utils.Extractor(proto).extract_model([INPUT], without)
    full_pass = _pass(proto.SerializeToString(), list(OUTPUTS), card.input_shape, threads)
    cut_pass = _pass(cut.SerializeToString(), without, card.input_shape, threads)
    for _ in range(WARM_UP):
        full_pass()
        cut_pass()
    pairs = []
    for index in range(rounds):
        # The second of two passes finds warmer caches: take turns.
        if index % 2:
            full, part = full_pass(), cut_pass()
        else:
            part, full = cut_pass(), full_pass()
        pairs.append((full, part))
    return MapOverhead(
        statistics.median(full for full, _ in pairs) * 1e3,
        statistics.median(part for _, part in pairs) * 1e3,
        statistics.median(full / part for full, part in pairs) - 1.0,
    )


def grad_cam(body: Any, fields: NDArray[np.float32], label: int) -> NDArray[np.float32]:
    """Compute Grad-CAM by gradients, the long way, to prove the map output.

    Needs the training extra (TensorFlow).

    Args:
        body: Body of a network of ``pipeline.vision.architectures``.
        fields: (N, ...) input of the body.
        label: Index of the label.

    Returns:
        (N, h, w), at least 0.

    Source:
        Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2.
    """
    import keras
    import tensorflow as tf

    pooling = body.get_layer("embedding")
    trunk = keras.Model(body.input, pooling.input)
    features = tf.convert_to_tensor(trunk(fields, training=False))
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = body.get_layer("logits")(pooling(features))[:, label]
    weights = tf.reduce_mean(tape.gradient(logits, features), axis=(1, 2), keepdims=True)
    return np.asarray(tf.nn.relu(tf.reduce_sum(weights * features, axis=-1)).numpy(), np.float32)


def heat_inside(heat: NDArray[np.float32], region: NDArray[np.bool_]) -> float:
    """Give the share of a map's heat that lies inside a region.

    Args:
        heat: (h, w), at least 0.
        region: (h, w), True where the fault is.

    Returns:
        0..1; 0 for a map without heat.
    """
    total = float(heat.sum())
    return float(heat[region].sum()) / total if total > 0 else 0.0


def _pass(graph: bytes, outputs: list[str], shape: Shape, threads: int) -> Callable[[], float]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).integers(0, 255, (1, *shape), np.uint8)

    def run() -> float:
        start = time.perf_counter()
        session.run(outputs, {INPUT: image})
        return time.perf_counter() - start

    return run
