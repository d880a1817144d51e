"""Rows that a model does not see: its graph puts what is normal in their place.

Needs the training extra (onnx); serving never imports this module.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.vision.card import INPUT

MARK: Final = "hidden_"
"""Names of all that is put in begin so."""


def hide_top_rows(file: Path, normal: NDArray[np.uint8], rows: int) -> bool:
    """Let a graph take the first rows of every image from what is normal.

    Nothing in them can change what the model says then.

    Args:
        file: The ONNX file, rewritten in place.
        normal: (H, W, 3) uint8, RGB, of the size of the model's input.
        rows: How many, 1 to H - 1.

    Returns:
        Whether the file has changed; rows that are hidden already stay so.

    Raises:
        ModelError: The normal image or the number of rows does not fit the graph.
    """
    proto = onnx.load(file)
    graph = proto.graph
    shape = tuple(one.dim_value for one in graph.input[0].type.tensor_type.shape.dim[1:])
    if normal.shape != shape or not 0 < rows < shape[0]:
        raise ModelError(
            f"expected a normal image {shape} and less rows than it has, received"
            f" {normal.shape} and {rows}"
        )
    if any(name.startswith(MARK) for node in graph.node for name in node.output):
        return False
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == INPUT:
                node.input[place] = f"{MARK}image"
    constants = {
        "start": np.array([0], np.int64),
        "edge": np.array([rows], np.int64),
        "end": np.array([shape[0]], np.int64),
        "axis": np.array([1], np.int64),
        "always": np.ones((1, 1, 1, 1), np.bool_),
        "normal": normal[None, :rows],
    }
    added = [
        _node("Slice", (INPUT, "start", "edge", "axis"), "given"),
        _node("Slice", (INPUT, "edge", "end", "axis"), "rest"),
        # A choice that always falls on the normal gives it the number of images.
        _node("Where", ("always", "normal", "given"), "top"),
        _node("Concat", ("top", "rest"), "image", axis=1),
    ]
    for node in reversed(added):
        graph.node.insert(0, node)
    graph.initializer.extend(
        numpy_helper.from_array(value, f"{MARK}{name}") for name, value in constants.items()
    )
    onnx.checker.check_model(proto)
    file.write_bytes(proto.SerializeToString(deterministic=True))
    return True


def _node(kind: str, given: tuple[str, ...], made: str, **attributes: int) -> Any:
    names = [name if name == INPUT else f"{MARK}{name}" for name in given]
    return helper.make_node(kind, names, [f"{MARK}{made}"], **attributes)
