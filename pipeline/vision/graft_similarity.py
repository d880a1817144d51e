"""A model of the store from references: what an image is next to them, in one graph.

Serving cannot tell it from any other model. Needs the training extra (onnx).
"""

from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from pipeline.vision.backbone import Backbone
from pipeline.vision.card import OUTPUTS
from pipeline.vision.graft import BODY, _front, _model
from pipeline.vision.graft_strangeness import append_strangest
from pipeline.vision.looks import LOG_FLOOR, PEAK_FLOOR, PEAK_LIMIT, WINDOWS, Peaks, top
from pipeline.vision.similarity import LOGISTIC, SPAN, STRANGE, VOICES, Similarity
from pipeline.vision.span import FLOOR, SIDE, Span

OPSET: Final = 17
IR_VERSION: Final = 8
LABELS: Final = ("similar", "unlike")
CELL: Final = 4
"""View pixels a cell of the map is wide."""
BLOCK: Final = 10
"""View pixels that a number of the embedding stands for, where there is no backbone."""


def graft_similarity(similarity: Similarity, backbone: Backbone | None) -> bytes:
    """Make the graph of a set of references.

    Args:
        similarity: The references made ready.
        backbone: The one they were made ready with; None without.

    Returns:
        An ONNX file: ``image`` uint8 (N, H, W, 3) to ``probabilities`` of
        ``LABELS``, ``maps`` and ``embedding``.
    """
    height, width = similarity.gallery.reference.mean.shape[:2]
    like = SimpleNamespace(card=SimpleNamespace(input_shape=(2 * height, 2 * width, 3)))
    front: Any = _front(backbone or like, similarity.gallery.reference)  # type: ignore[arg-type]
    if backbone is None:
        whole = _model(front, OPSET, IR_VERSION)
    else:
        body = compose.add_prefix(onnx.load(backbone.graph), BODY)
        opset = next(one.version for one in body.opset_import if one.domain in ("", "ai.onnx"))
        whole = compose.merge_models(
            _model(front, opset, body.ir_version),
            body,
            io_map=[("fields", f"{BODY}fields")],
            outputs=[f"{BODY}{name}" for name in ("features", "embedding", "families")],
        )
    _append(whole.graph, similarity, backbone)
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


def sizes(similarity: Similarity, backbone: Backbone | None) -> tuple[tuple[int, int], int]:
    """Give height and width of the graph's maps, and the size of its embedding."""
    height, width = similarity.gallery.reference.mean.shape[:2]
    blocks = (height // BLOCK) * (width // BLOCK)
    return (
        (height // CELL, width // CELL),
        backbone.card.embedding_size if backbone is not None else blocks,
    )


def _append(graph: Any, similarity: Similarity, backbone: Backbone | None) -> None:
    tail = similarity.tail
    constants: dict[str, NDArray[Any]] = {
        "centre": similarity.centre[None],
        "spread": similarity.spread[None],
        "voices": np.array(VOICES[: len(similarity.centre)])[None],
        "logistic": np.array(LOGISTIC),
        "start": np.array(tail.start),
        "slope": np.array((1.0 - tail.share) / tail.start),
        "scale": np.array(tail.scale),
        "shape": np.array(-tail.shape),
        "nought": np.array(0.0),
        "unit": np.array(1.0),
        "is_strange": (np.arange(len(similarity.centre)) == STRANGE)[None],
        "of_span": np.array([SPAN], np.int64),
    }
    nodes, names = _departures(similarity, constants)
    nodes += _span(similarity.gallery.span, constants)
    append_strangest(graph, similarity.gallery.planes)
    names += ["look_span", "strangeness"]
    if backbone is not None:
        nodes += _family(backbone, constants)
        names.append("look_family")
    if similarity.gallery.peaks is not None:
        nodes += _peaks(similarity.gallery.peaks, constants)
        names.append("look_peaks")
    constants["axis"] = np.array([1], np.int64)
    nodes += [helper.make_node("Concat", names, ["looks"], axis=1), *_judging()]
    nodes += _outputs(backbone)
    graph.initializer.extend(
        numpy_helper.from_array(
            np.ascontiguousarray(
                value if value.dtype in (np.int64, np.bool_) else value.astype(np.float32)
            ),
            name,
        )
        for name, value in constants.items()
    )
    graph.node.extend(nodes)
    probabilities, maps, embedding = OUTPUTS
    (rows, columns), size = sizes(similarity, backbone)
    shapes = {probabilities: [2], maps: [2, rows, columns], embedding: [size]}
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
        for name, shape in shapes.items()
    )


def _judging() -> list[Any]:
    """Make the nodes from looks to the chance of a Good image."""
    node = helper.make_node
    return [
        node("Sub", ["looks", "centre"], ["off_centre"]),
        node("Div", ["off_centre", "spread"], ["in_spreads"]),
        node("Gather", ["in_spreads", "of_span"], ["span_in_spreads"], axis=1),
        node("Neg", ["in_spreads"], ["too_little"]),
        node("Min", ["too_little", "span_in_spreads"], ["too_little_and_far"]),
        node("Max", ["in_spreads", "too_little_and_far"], ["either_way"]),
        node("Where", ["is_strange", "either_way", "in_spreads"], ["oddities"]),
        node("Mul", ["oddities", "logistic"], ["odds"]),
        node("Softplus", ["odds"], ["surprises"]),
        node("Mul", ["surprises", "voices"], ["voiced"]),
        node("ReduceSum", ["voiced", "axis"], ["surprise"], keepdims=1),
        node("Min", ["surprise", "start"], ["near_part"]),
        node("Mul", ["near_part", "slope"], ["fallen"]),
        node("Sub", ["unit", "fallen"], ["below"]),
        node("Sub", ["surprise", "start"], ["past_start"]),
        node("Max", ["past_start", "nought"], ["excess"]),
        node("Div", ["excess", "scale"], ["in_scales"]),
        node("Add", ["in_scales", "unit"], ["risen"]),
        node("Pow", ["risen", "shape"], ["beyond"]),
        node("Mul", ["below", "beyond"], ["chance"]),
        node("Clip", ["chance", "nought", "unit"], ["similar"]),
        node("Sub", ["unit", "similar"], ["unlike"]),
    ]


def _outputs(backbone: Backbone | None) -> list[Any]:
    node = helper.make_node
    probabilities, maps, embedding = OUTPUTS
    pool = {"kernel_shape": [CELL, CELL], "strides": [CELL, CELL]}
    nodes = [
        node("Concat", ["similar", "unlike"], [probabilities], axis=1),
        node("MaxPool", ["cells1"], ["unlike_map"], **pool),
        node("Mul", ["unlike_map", "nought"], ["similar_map"]),
        node("Concat", ["similar_map", "unlike_map"], [maps], axis=1),
    ]
    if backbone is not None:
        return [*nodes, node("Identity", [f"{BODY}embedding"], [embedding])]
    block = {"kernel_shape": [BLOCK, BLOCK], "strides": [BLOCK, BLOCK]}
    nodes.append(node("AveragePool", ["cells0"], ["blocks"], **block))
    return [*nodes, node("Flatten", ["blocks"], [embedding], axis=1)]


def _departures(
    similarity: Similarity, constants: dict[str, NDArray[Any]]
) -> tuple[list[Any], list[str]]:
    """Make the nodes that look at departures (N, 5, h, w)."""
    height, width = similarity.gallery.reference.mean.shape[:2]
    constants["look_floor"] = np.array(LOG_FLOOR)
    node, nodes, names = helper.make_node, [], []
    for index, (window, share) in enumerate(WINDOWS):
        pad = [window // 2] * 4
        constants[f"most{index}"] = np.array([top(height * width, share)], np.int64)
        pooled = {"kernel_shape": [window, window], "pads": pad, "count_include_pad": 1}
        nodes += [
            node("AveragePool", ["departure"], [f"smooth{index}"], **pooled),
            node("Abs", [f"smooth{index}"], [f"height{index}"]),
            node("ReduceMax", [f"height{index}"], [f"cells{index}"], axes=[1], keepdims=1),
            node("Flatten", [f"cells{index}"], [f"flat{index}"], axis=1),
            node("TopK", [f"flat{index}", f"most{index}"], [f"top{index}", f"where{index}"]),
            node("ReduceMean", [f"top{index}"], [f"mean{index}"], axes=[1], keepdims=1),
            node("Add", [f"mean{index}", "look_floor"], [f"above{index}"]),
            node("Log", [f"above{index}"], [f"look{index}"]),
        ]
        names.append(f"look{index}")
    return nodes, names


def _span(span: Span, constants: dict[str, NDArray[Any]]) -> list[Any]:
    """Make the nodes that measure the distance from what the references span."""
    constants |= {
        "middle": span.middle[None],
        "directions": span.directions,
        "span_floor": np.array(FLOOR),
    }
    node = helper.make_node
    return [
        node(
            "AveragePool",
            ["colour"],
            ["coarse_planes"],
            kernel_shape=[SIDE] * 2,
            strides=[SIDE] * 2,
        ),
        node("Flatten", ["coarse_planes"], ["coarse_flat"], axis=1),
        node("Sub", ["coarse_flat", "middle"], ["coarse"]),
        node("Mul", ["coarse", "coarse"], ["coarse_squares"]),
        node("ReduceMean", ["coarse_squares"], ["coarse_length"], axes=[1], keepdims=1),
        node("MatMul", ["coarse", "directions"], ["along"]),
        node("Mul", ["along", "along"], ["along_squares"]),
        node("ReduceSum", ["along_squares", "axis"], ["explained"], keepdims=1),
        node("Sub", ["coarse_length", "explained"], ["beyond_span_raw"]),
        node("Max", ["beyond_span_raw", "nought"], ["beyond_span"]),
        node("Sqrt", ["beyond_span"], ["beyond_root"]),
        node("Add", ["beyond_root", "span_floor"], ["beyond_up"]),
        node("Log", ["beyond_up"], ["look_span"]),
    ]


def _family(backbone: Backbone, constants: dict[str, NDArray[Any]]) -> list[Any]:
    """Make the nodes that give the logit of some fault."""
    node, nodes = helper.make_node, []
    count, harmless = len(backbone.card.families), backbone.card.harmless
    for name, first, last in (("fine", 0, harmless), ("bad", harmless, count)):
        constants[f"{name}_first"] = np.array([first], np.int64)
        constants[f"{name}_last"] = np.array([last], np.int64)
        ends = [f"{name}_first", f"{name}_last", "axis"]
        nodes += [
            node("Slice", [f"{BODY}families", *ends], [f"{name}_logits"]),
            node("ReduceLogSumExp", [f"{name}_logits"], [f"{name}_sum"], axes=[1], keepdims=1),
        ]
    return [*nodes, node("Sub", ["bad_sum", "fine_sum"], ["look_family"])]


def _peaks(peaks: Peaks, constants: dict[str, NDArray[Any]]) -> list[Any]:
    """Make the nodes that measure how far the peaks of the features are off."""
    constants |= {
        "peak_centre": peaks.centre[None],
        "peak_spread": peaks.spread[None],
        "peak_low": np.array(-PEAK_LIMIT),
        "peak_high": np.array(PEAK_LIMIT),
        "peak_floor": np.array(PEAK_FLOOR),
    }
    node = helper.make_node
    return [
        node("ReduceMax", [f"{BODY}features"], ["peaks"], axes=[1, 2], keepdims=0),
        node("Sub", ["peaks", "peak_centre"], ["peaks_off"]),
        node("Div", ["peaks_off", "peak_spread"], ["peaks_in_spreads"]),
        node("Clip", ["peaks_in_spreads", "peak_low", "peak_high"], ["peaks_bounded"]),
        node("Mul", ["peaks_bounded", "peaks_bounded"], ["peak_squares"]),
        node("ReduceMean", ["peak_squares"], ["peak_mean"], axes=[1], keepdims=1),
        node("Sqrt", ["peak_mean"], ["peak_root"]),
        node("Add", ["peak_root", "peak_floor"], ["peak_up"]),
        node("Log", ["peak_up"], ["look_peaks"]),
    ]
