"""A model of the store from the backbone, a reference and a small head.

The reference goes before the backbone and the head behind it, in one graph
with the usual input and outputs, so serving cannot tell it from any other
model. Needs the training extra (onnx).
"""

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from pipeline.errors import ModelError
from pipeline.vision.backbone import Backbone
from pipeline.vision.card import INPUT, OUTPUTS
from pipeline.vision.evidence import BOUND, DEPARTURES, PIXELS, Head, sizes_of
from pipeline.vision.graft_strangeness import LOGITS, append_strangeness
from pipeline.vision.pointing import point
from pipeline.vision.reference import CLIP, Reference

BODY: Final = "body_"
"""Prefix of the backbone's names in the whole graph."""
PROBABILITIES, MAPS, EMBEDDING = OUTPUTS


def graft(backbone: Backbone, head: Head) -> bytes:
    """Make the graph of a model.

    Args:
        backbone: The backbone.
        head: With the reference of the plot type.

    Returns:
        An ONNX file: ``image`` uint8 (N, H, W, 3) to the three outputs. The
        embedding is that of the backbone; maps show which departures speak for a label.

    Raises:
        ModelError: The head does not fit the backbone.
    """
    size, labels = sizes_of(backbone).total, len(head.labels)
    if head.kernel.shape != (size, labels) or head.bias.shape != (labels,):
        raise ModelError(
            f"expected a head ({size}, {labels}) and ({labels},),"
            f" received {head.kernel.shape} and {head.bias.shape}"
        )
    body = compose.add_prefix(onnx.load(backbone.graph), BODY)
    opset = next(one.version for one in body.opset_import if one.domain in ("", "ai.onnx"))
    front = _model(_front(backbone, head.reference), opset, body.ir_version)
    whole = compose.merge_models(front, body, io_map=[("fields", f"{BODY}fields")])
    _append_head(whole.graph, backbone, head)
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


def _append_head(graph: Any, backbone: Backbone, head: Head) -> None:
    """Weigh the evidence, as ``Head.logits`` does."""
    sizes, (rows, columns) = sizes_of(backbone), backbone.card.map_shape
    means = slice(0, sizes.means)
    peaks = slice(sizes.means, sizes.means + sizes.peaks)
    effective = head.kernel * head.scale[:, None]
    constants = {
        "middle": head.middle,
        "scale": head.scale,
        "kernel": head.kernel,
        "bias": head.bias,
        "kernel_of_means": effective[means] / (rows * columns),
        "kernel_of_peaks": effective[peaks],
        "bound_low": np.array(-BOUND),
        "bound_high": np.array(BOUND),
        "of_byte": np.array(1.0 / 255.0),
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in constants.items()
    )
    graph.node.extend([*_evidence_nodes(), *_heat_nodes(), *_output_nodes()])
    if head.strange is not None:
        append_strangeness(graph, head.strange)
    graph.node.extend(_logits_nodes(strange=head.strange is not None))
    reference = head.reference
    point(
        graph,
        reference.mean,
        reference.allowance,
        colours="colour",
        labels=head.labels,
        cells=(rows, columns),
    )
    labels, size = len(head.labels), backbone.card.embedding_size
    shapes = {PROBABILITIES: [labels], MAPS: [labels, rows, columns], EMBEDDING: [size]}
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
        for name, shape in shapes.items()
    )


def _evidence_nodes() -> list[Any]:
    node = helper.make_node
    squares = {"departure": DEPARTURES, "views": PIXELS}
    nodes = []
    for name, side in squares.items():
        pool = {"kernel_shape": [side, side], "strides": [side, side]}
        nodes.append(node("AveragePool", [name], [f"{name}_coarse"], **pool))
        nodes.append(node("Flatten", [f"{name}_coarse"], [f"{name}_flat"], axis=1))
    given = [f"{BODY}embedding", "peaks", "departure_flat", "pixels_flat"]
    return [
        *nodes,
        node("Mul", ["views_flat", "of_byte"], ["pixels_flat"]),
        node("ReduceMax", [f"{BODY}features"], ["peaks_wide"], axes=[1, 2], keepdims=1),
        node("Flatten", ["peaks_wide"], ["peaks"], axis=1),
        node("Concat", given, ["evidence"], axis=1),
        node("Sub", ["evidence", "middle"], ["evidence_moved"]),
        node("Mul", ["evidence_moved", "scale"], ["evidence_scaled"]),
        node("Clip", ["evidence_scaled", "bound_low", "bound_high"], ["evidence_bounded"]),
    ]


def _heat_nodes() -> list[Any]:
    """What each place adds to a logit through the means, and through peaks where it is one.

    Source:
        Selvaraju et al. 2017, arXiv:1610.02391: the gradient of a mean is even, that of
        a peak is at its place.
    """
    node, features = helper.make_node, f"{BODY}features"
    return [
        node("MatMul", [features, "kernel_of_means"], ["heat_of_means"]),
        node("Equal", [features, "peaks_wide"], ["is_peak"]),
        node("Cast", ["is_peak"], ["at_peak"], to=TensorProto.FLOAT),
        node("Mul", [features, "at_peak"], ["features_at_peaks"]),
        node("MatMul", ["features_at_peaks", "kernel_of_peaks"], ["heat_of_peaks"]),
        node("Add", ["heat_of_means", "heat_of_peaks"], ["heat_signed"]),
        node("Relu", ["heat_signed"], ["heat_wide"]),
        node("Transpose", ["heat_wide"], ["heat_planes"], perm=[0, 3, 1, 2]),
    ]


def _logits_nodes(*, strange: bool) -> list[Any]:
    """Add up the logits; ``append_strangeness`` makes its share of them."""
    node, added = helper.make_node, ["logits_of_evidence", LOGITS]
    weighed = node("Gemm", ["evidence_bounded", "kernel", "bias"], added[:1])
    total = node("Add", added, ["logits"]) if strange else node("Identity", added[:1], ["logits"])
    return [weighed, total, node("Softmax", ["logits"], [PROBABILITIES], axis=1)]


def _output_nodes() -> list[Any]:
    node = helper.make_node
    return [
        node("Identity", ["heat_planes"], [MAPS]),
        node("Identity", [f"{BODY}embedding"], [EMBEDDING]),
    ]
