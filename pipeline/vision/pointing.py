"""Where the maps of a model point: its graph is given the comparison with the normal.

Needs the training extra (onnx).
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.vision.card import OUTPUTS
from pipeline.vision.focus import MARK, Focus
from pipeline.vision.recolouring import recolouring_of

PROBABILITIES, MAPS, _ = OUTPUTS
GOOD: Final = "Good"
SURE: Final = 0.95
"""Weight of Good from which an image is Good beyond doubt."""
VIEWS: Final = 5
"""Views of an image that a baseline holds, as in ``pipeline.vision.layers``."""
Bytes = NDArray[np.uint8]


def point(
    graph: Any,
    mean: Bytes,
    allowance: Bytes,
    *,
    colours: str,
    labels: tuple[str, ...],
    cells: tuple[int, int],
) -> None:
    """Let the maps of a graph count where an image departs from the normal.

    Images that are Good beyond doubt keep their class activation maps: nobody is shown
    those, and they are nearly all images there are.

    Args:
        graph: With the outputs ``probabilities`` and ``maps``; changed in place.
        mean: (h, w, 5) mean of the views of Good images.
        allowance: (h, w, 1) how far Good images differ.
        colours: Tensor (N, 3, h, w) of red, green and blue in grey levels.
        labels: Of the outputs, in order.
        cells: Rows and columns of the maps.

    Raises:
        ModelError: The maps do not divide a quarter of the sides of the input.
    """
    quarter = (mean.shape[0] // 2, mean.shape[1] // 2)
    if any(side % count for side, count in zip(quarter, cells, strict=True)):
        raise ModelError(
            f"expected maps that divide {quarter[0]} x {quarter[1]}, a quarter of the input's"
            f" sides, received {cells[0]} x {cells[1]}"
        )
    activation = f"{MARK}activation"
    for node in graph.node:
        for index, name in enumerate(node.output):
            if name == MAPS:
                node.output[index] = activation
    focus = Focus(recolouring_of(mean, allowance), cells)
    doubtful = GOOD in labels
    result = f"{MARK}maps" if doubtful else MAPS
    focus.add(colours, activation, result)
    graph.node.extend(focus.prepared)
    graph.initializer.extend(focus.constants)
    if doubtful:
        _where_in_doubt(graph, focus.nodes, labels, ["N", len(labels), *cells])
    else:
        graph.node.extend(focus.nodes)


def _where_in_doubt(
    graph: Any, nodes: list[Any], labels: tuple[str, ...], shape: list[Any]
) -> None:
    """Run nodes only for a batch in which an image is not Good beyond doubt."""
    node = helper.make_node
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([labels.index(GOOD)], np.int64), f"{MARK}good"),
            numpy_helper.from_array(np.array(SURE, np.float32), f"{MARK}sure"),
        ]
    )
    same = [node("Identity", [f"{MARK}activation"], [f"{MARK}same"])]
    branches = {
        "then_branch": _branch("then", nodes, f"{MARK}maps", shape),
        "else_branch": _branch("else", same, f"{MARK}same", shape),
    }
    graph.node.extend(
        [
            node("Gather", [PROBABILITIES, f"{MARK}good"], [f"{MARK}goodness"], axis=1),
            node("ReduceMin", [f"{MARK}goodness"], [f"{MARK}least_good"], keepdims=0),
            node("Less", [f"{MARK}least_good", f"{MARK}sure"], [f"{MARK}in_doubt"]),
            node("If", [f"{MARK}in_doubt"], [MAPS], **branches),
        ]
    )


def _branch(name: str, nodes: list[Any], result: str, shape: list[Any]) -> Any:
    output = helper.make_tensor_value_info(result, TensorProto.FLOAT, shape)
    return helper.make_graph(nodes, f"{MARK}{name}", [], [output])


def point_file(
    file: Path,
    baseline: tuple[Bytes, Bytes] | None,
    labels: tuple[str, ...],
    cells: tuple[int, int],
) -> bool:
    """Do the same with a file of the architecture ``domain-cbam``.

    Args:
        file: An ONNX file; written anew.
        baseline: Mean (h, w, 5) and allowance (h, w, 1); None where they are to be read
            from the graph.
        labels: Of the outputs, in order.
        cells: Rows and columns of the maps.

    Returns:
        Whether anything was done: False where the maps have this very comparison already;
        one of an earlier release gives way.

    Raises:
        ModelError: The graph holds no baseline.
    """
    proto = onnx.load(file)
    before = _parts(proto.graph)
    _without_focus(proto.graph)
    mean, allowance = baseline or baseline_of(proto.graph)
    pools = [node for node in proto.graph.node if node.op_type == "AveragePool"]
    if len(pools) != 1:
        raise ModelError(
            f"expected one average of 2 x 2 pixels in {file}, as domain-cbam has,"
            f" found {len(pools)}"
        )
    colours = pools[0].output[0]
    point(proto.graph, mean, allowance, colours=colours, labels=labels, cells=cells)
    onnx.checker.check_model(proto)
    if _parts(proto.graph) == before:
        return False
    file.write_bytes(bytes(proto.SerializeToString(deterministic=True)))
    return True


def _parts(graph: Any) -> tuple[list[bytes], set[bytes]]:
    """Give the nodes, in order, and the constants, whose order means nothing."""
    nodes = [bytes(node.SerializeToString(deterministic=True)) for node in graph.node]
    return nodes, {bytes(one.SerializeToString(deterministic=True)) for one in graph.initializer}


def _without_focus(graph: Any) -> None:
    """Take a comparison of an earlier release out, so that the maps are what the net sees."""
    activation = f"{MARK}activation"
    if not any(activation in node.output for node in graph.node):
        return
    kept = []
    for node in graph.node:
        if activation in node.output:
            node.output[list(node.output).index(activation)] = MAPS
        elif MAPS in node.output or any(name.startswith(MARK) for name in node.output):
            continue
        kept.append(node)
    constants = [one for one in graph.initializer if not one.name.startswith(MARK)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(constants)


def baseline_of(graph: Any) -> tuple[Bytes, Bytes]:
    """Find the baseline in an exported graph.

    Args:
        graph: Of a model of the architecture ``domain-cbam``.

    Returns:
        Its mean (h, w, 5) and its allowance (h, w, 1).

    Raises:
        ModelError: There is none.
    """
    kept = {
        tuple(one.dims): numpy_helper.to_array(one)
        for one in graph.initializer
        if one.data_type == TensorProto.UINT8
    }
    means = [shape for shape in kept if len(shape) == 4 and shape[:2] == (1, VIEWS)]
    if len(means) != 1 or (flat := (*means[0][2:], 1)) not in kept:
        raise ModelError(
            f"expected a graph with the baseline of domain-cbam, found {len(means)} of them"
        )
    return np.ascontiguousarray(kept[means[0]][0].transpose(1, 2, 0)), kept[flat]
