"""Nodes that look for colours which no reference has, as ``pipeline.vision.strangeness`` does.

Needs the training extra (onnx).
"""

from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from pipeline.vision.reference import VIEWS
from pipeline.vision.strangeness import BOUND, OFFSET, WINDOW, Planes, Strangeness

LOGITS: Final = "logits_of_strangeness"


def append_strangeness(graph: Any, strange: Strangeness) -> None:
    """Append the share of strangeness in the logits.

    Args:
        graph: Has the planes of an image as ``views`` (N, 5, h, w).
        strange: What it says of each label.
    """
    append_strangest(graph, strange.gallery)
    numbers = {
        "strange_middle": strange.middle,
        "strange_scale": strange.scale,
        "strange_low": -BOUND,
        "strange_high": BOUND,
        "strange_kernel": strange.kernel[None],
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in numbers.items()
    )
    graph.node.extend(_logits_nodes())


def append_strangest(graph: Any, gallery: Planes) -> None:
    """Append ``strangeness`` (N, 1), the logarithm of how strange the strangest place is.

    Args:
        graph: Has the planes of an image as ``views`` (N, 5, h, w).
        gallery: (R, 5, h, w) of what it is compared with.
    """
    graph.initializer.append(
        numpy_helper.from_array(np.asarray(OFFSET, np.float32), "strange_offset")
    )
    graph.initializer.extend(
        numpy_helper.from_array(planes[None], f"gallery{number}_bytes")
        for number, planes in enumerate(gallery)
    )
    graph.node.extend([*_nearest_nodes(len(gallery)), *_strangest_nodes()])


def _nearest_nodes(count: int) -> list[Any]:
    """Take the distance of every pixel to the nearest reference, one after the other."""
    node, nodes = helper.make_node, []
    for number in range(count):
        one = f"gallery{number}"
        # ONNX Runtime takes the largest of five planes four times as fast as that along an axis.
        views = [f"{one}_view{view}" for view in range(VIEWS)]
        nodes += [
            node("Cast", [f"{one}_bytes"], [one], to=TensorProto.FLOAT),
            node("Sub", ["views", one], [f"{one}_apart"]),
            node("Abs", [f"{one}_apart"], [f"{one}_far"]),
            node("Split", [f"{one}_far"], views, axis=1),
            node("Max", views, [f"{one}_farthest"]),
        ]
    farthest = [f"gallery{number}_farthest" for number in range(count)]
    return [*nodes, node("Min", farthest, ["strange"])]


def _strangest_nodes() -> list[Any]:
    node, rim = helper.make_node, [WINDOW // 2] * 4
    pool = {"kernel_shape": [WINDOW] * 2, "strides": [1, 1], "pads": rim, "count_include_pad": 1}
    return [
        node("AveragePool", ["strange"], ["strange_smooth"], **pool),
        node("ReduceMax", ["strange_smooth"], ["strangest_wide"], axes=[2, 3], keepdims=1),
        node("Flatten", ["strangest_wide"], ["strangest"], axis=1),
        node("Add", ["strangest", "strange_offset"], ["strangest_moved"]),
        node("Log", ["strangest_moved"], ["strangeness"]),
    ]


def _logits_nodes() -> list[Any]:
    node = helper.make_node
    return [
        node("Sub", ["strangeness", "strange_middle"], ["strangeness_apart"]),
        node("Mul", ["strangeness_apart", "strange_scale"], ["strangeness_spreads"]),
        node("Clip", ["strangeness_spreads", "strange_low", "strange_high"], ["strangeness_bound"]),
        node("MatMul", ["strangeness_bound", "strange_kernel"], [LOGITS]),
    ]
