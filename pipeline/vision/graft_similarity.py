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
from pipeline.vision.similarity import LOG_FLOOR, WINDOWS, Similarity, top

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
    height, width = similarity.reference.mean.shape[:2]
    like = SimpleNamespace(card=SimpleNamespace(input_shape=(2 * height, 2 * width, 3)))
    front: Any = _front(backbone or like, similarity.reference)  # type: ignore[arg-type]
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
    height, width = similarity.reference.mean.shape[:2]
    blocks = (height // BLOCK) * (width // BLOCK)
    return (
        (height // CELL, width // CELL),
        backbone.card.embedding_size if backbone is not None else blocks,
    )


def _append(graph: Any, similarity: Similarity, backbone: Backbone | None) -> None:
    rises = np.diff(similarity.chances) / np.diff(similarity.knots)
    step = float(similarity.knots[1] - similarity.knots[0])
    constants: dict[str, NDArray[Any]] = {
        "look_floor": np.array(LOG_FLOOR, np.float32),
        "centre": similarity.centre[None],
        "spread": similarity.spread[None],
        "knots": similarity.knots[None, :-1],
        "slopes": rises[:, None].astype(np.float32),
        "first_chance": similarity.chances[:1],
        "nought": np.array(0.0, np.float32),
        "unit": np.array(1.0, np.float32),
        "step": np.array(step, np.float32),
    }
    nodes = _looks(similarity, backbone, constants)
    node = helper.make_node
    probabilities, maps, embedding = OUTPUTS
    nodes += [
        node("Sub", ["looks", "centre"], ["off_centre"]),
        node("Div", ["off_centre", "spread"], ["in_spreads"]),
        node("ReduceMax", ["in_spreads"], ["striking"], axes=[1], keepdims=1),
        node("Sub", ["striking", "knots"], ["past_knots"]),
        node("Clip", ["past_knots", "nought", "step"], ["within_knots"]),
        node("MatMul", ["within_knots", "slopes"], ["fallen"]),
        node("Add", ["fallen", "first_chance"], ["chance"]),
        node("Clip", ["chance", "nought", "unit"], ["similar"]),
        node("Sub", ["unit", "similar"], ["unlike"]),
        node("Concat", ["similar", "unlike"], [probabilities], axis=1),
        node(
            "MaxPool", ["cells1"], ["unlike_map"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]
        ),
        node("Mul", ["unlike_map", "nought"], ["similar_map"]),
        node("Concat", ["similar_map", "unlike_map"], [maps], axis=1),
    ]
    if backbone is None:
        block = {"kernel_shape": [BLOCK, BLOCK], "strides": [BLOCK, BLOCK]}
        nodes.append(node("AveragePool", ["cells0"], ["blocks"], **block))
        nodes.append(node("Flatten", ["blocks"], [embedding], axis=1))
    else:
        nodes.append(node("Identity", [f"{BODY}embedding"], [embedding]))
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name)
        for name, value in constants.items()
    )
    graph.node.extend(nodes)
    (rows, columns), size = sizes(similarity, backbone)
    shapes = {probabilities: [2], maps: [2, rows, columns], embedding: [size]}
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
        for name, shape in shapes.items()
    )


def _looks(
    similarity: Similarity, backbone: Backbone | None, constants: dict[str, NDArray[Any]]
) -> list[Any]:
    """Make the nodes that look at departures (N, 5, h, w), and at the backbone's families."""
    height, width = similarity.reference.mean.shape[:2]
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
    if backbone is not None:
        count, harmless = len(backbone.card.families), backbone.card.harmless
        for name, first, last in (("fine", 0, harmless), ("bad", harmless, count)):
            constants[f"{name}_first"] = np.array([first], np.int64)
            constants[f"{name}_last"] = np.array([last], np.int64)
            ends = [f"{name}_first", f"{name}_last", "family_axis"]
            nodes += [
                node("Slice", [f"{BODY}families", *ends], [f"{name}_logits"]),
                node("ReduceLogSumExp", [f"{name}_logits"], [f"{name}_sum"], axes=[1], keepdims=1),
            ]
        constants["family_axis"] = np.array([1], np.int64)
        nodes.append(node("Sub", ["bad_sum", "fine_sum"], ["look_family"]))
        names.append("look_family")
    nodes.append(node("Concat", names, ["looks"], axis=1))
    return nodes
