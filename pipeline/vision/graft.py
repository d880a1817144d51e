"""A model of the store from the backbone, a reference and a small head.

The reference goes before the backbone and the head behind it, in one graph
with the usual input and outputs, so serving cannot tell it from any other
model. Needs the training extra (onnx).
"""

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.vision.backbone import Backbone
from pipeline.vision.card import INPUT, OUTPUTS
from pipeline.vision.reference import CLIP, Reference

BODY: Final = "body_"
"""Prefix of the backbone's names in the whole graph."""


def graft(
    backbone: Backbone,
    reference: Reference,
    kernel: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> bytes:
    """Make the graph of a model.

    Args:
        backbone: The backbone.
        reference: Of the plot type.
        kernel: (K, C), from the embedding to the logits of the labels.
        bias: (C,).

    Returns:
        An ONNX file: ``image`` uint8 (N, H, W, 3) to the three outputs.

    Raises:
        ModelError: The head does not fit the backbone.
    """
    size = backbone.card.embedding_size
    if kernel.ndim != 2 or kernel.shape[0] != size or bias.shape != kernel.shape[1:]:
        raise ModelError(
            f"expected a head ({size}, C) and (C,), received {kernel.shape} and {bias.shape}"
        )
    body = compose.add_prefix(onnx.load(backbone.graph), BODY)
    opset = next(one.version for one in body.opset_import if one.domain in ("", "ai.onnx"))
    front = _model(_front(backbone, reference), opset, body.ir_version)
    whole = compose.merge_models(front, body, io_map=[("fields", f"{BODY}fields")])
    _append_head(whole.graph, backbone, kernel, bias)
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


def _model(graph: Any, opset: int, ir_version: int) -> Any:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir_version
    return model


def _front(backbone: Backbone, reference: Reference) -> Any:
    """Compare the image with the reference, as ``fields_of`` does."""
    height, width, channels = backbone.card.input_shape
    flat = {
        "mean": np.ascontiguousarray(reference.mean.transpose(2, 0, 1)[None]),
        "allowance": np.ascontiguousarray(reference.allowance.transpose(2, 0, 1)[None]),
    }
    numbers = {
        "third": 1.0 / 3.0,
        "colour_scale": 1.0 / 127.5,
        "one": 1.0,
        "half": 0.5,
        "none": 0.0,
        "code": reference.code,
        "low": -CLIP,
        "high": CLIP,
    }
    initializers = [numpy_helper.from_array(value, f"{name}_bytes") for name, value in flat.items()]
    initializers += [
        numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in numbers.items()
    ]
    initializers.append(numpy_helper.from_array(np.array([1], np.int64), "channel_axis"))
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    node = helper.make_node
    nodes = [
        *(node("Cast", [f"{name}_bytes"], [name], to=TensorProto.FLOAT) for name in flat),
        node("Cast", [INPUT], ["wide"], to=TensorProto.FLOAT),
        node("Transpose", ["wide"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["colour_raw"], **pool),
        node("Add", ["colour_raw", "half"], ["colour_up"]),
        node("Floor", ["colour_up"], ["colour"]),
        node("ReduceSum", ["planes", "channel_axis"], ["grey_sum"], keepdims=1),
        node("Mul", ["grey_sum", "third"], ["grey_raw"]),
        node("Round", ["grey_raw"], ["grey"]),
        node("MaxPool", ["grey"], ["brightest"], **pool),
        node("Neg", ["grey"], ["grey_negative"]),
        node("MaxPool", ["grey_negative"], ["darkest_negative"], **pool),
        node("Neg", ["darkest_negative"], ["darkest"]),
        node("Concat", ["colour", "darkest", "brightest"], ["views"], axis=1),
        node("Sub", ["views", "mean"], ["apart"]),
        node("Div", ["apart", "allowance"], ["allowances"]),
        node("Clip", ["allowances", "low", "high"], ["departure"]),
        node("Mul", ["colour", "colour_scale"], ["colour_scaled"]),
        node("Sub", ["colour_scaled", "one"], ["colour_field"]),
        node("Mul", ["darkest", "none"], ["nothing"]),
        node("Add", ["nothing", "code"], ["plane"]),
        node("Concat", ["departure", "colour_field", "plane"], ["fields_planes"], axis=1),
        node("Transpose", ["fields_planes"], ["fields"], perm=[0, 2, 3, 1]),
    ]
    image = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", height, width, channels])
    fields = helper.make_tensor_value_info(
        "fields", TensorProto.FLOAT, ["N", height // 2, width // 2, 9]
    )
    return helper.make_graph(nodes, "grafted", [image], [fields], initializers)


def _append_head(
    graph: Any, backbone: Backbone, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> None:
    rows, columns = backbone.card.map_shape
    features, embedding = f"{BODY}features", f"{BODY}embedding"
    constants = {
        "kernel": kernel.astype(np.float32),
        "kernel_of_maps": (kernel / (rows * columns)).astype(np.float32),
        "bias": bias.astype(np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in constants.items())
    node = helper.make_node
    probabilities, maps, given = OUTPUTS
    graph.node.extend(
        [
            node("Gemm", [embedding, "kernel", "bias"], ["logits"]),
            node("Softmax", ["logits"], [probabilities], axis=1),
            node("MatMul", [features, "kernel_of_maps"], ["heat_signed"]),
            node("Relu", ["heat_signed"], ["heat"]),
            node("Transpose", ["heat"], [maps], perm=[0, 3, 1, 2]),
            node("Identity", [embedding], [given]),
        ]
    )
    labels, size = kernel.shape[1], backbone.card.embedding_size
    shapes = {probabilities: [labels], maps: [labels, rows, columns], given: [size]}
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
        for name, shape in shapes.items()
    )
