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
from pipeline.vision.card import INPUT, MODEL_FILE, OUTPUTS, read_card
from pipeline.vision.normal import read_normal

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
    """Median of the ratios of neighbouring passes, minus 1, of an image that is normal."""
    ratio_in_doubt: float
    """The same of an image that is not, and whose map is refined."""


def map_overhead(folder: Path, rounds: int = ROUNDS, threads: int = 1) -> MapOverhead:
    """Measure what the map output adds to inference.

    The two graphs run in turn, so that whatever else the machine does falls
    on both; once on what the model finds normal, once on noise. Needs the
    training extra (``onnx``) to cut the graph.

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
    noise = np.random.default_rng(1).integers(0, 255, card.input_shape, np.uint8)
    usual = read_normal(folder, card)
    full = _session(proto.SerializeToString(), threads)
    part = _session(cut.SerializeToString(), threads)
    found = [
        _pairs(_pass(full, list(OUTPUTS), image), _pass(part, without, image), rounds)
        for image in (noise if usual is None else usual, noise)
    ]
    ratios = [statistics.median(full / part for full, part in pairs) - 1.0 for pairs in found]
    return MapOverhead(
        statistics.median(full for full, _ in found[0]) * 1e3,
        statistics.median(part for _, part in found[0]) * 1e3,
        *ratios,
    )


def _pairs(
    full_pass: Callable[[], float], cut_pass: Callable[[], float], rounds: int
) -> list[tuple[float, float]]:
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
    return pairs


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


def _session(graph: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _pass(session: Any, outputs: list[str], image: NDArray[np.uint8]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        session.run(outputs, {INPUT: image[None]})
        return time.perf_counter() - start

    return run
