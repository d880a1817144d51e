"""Tiny ONNX models in model folders, for every room that needs one; no TensorFlow.

The model looks at the mean of each colour channel: an image in the colour of
channel i gets label i. From ``trigger`` on (brightest byte of the image) the
misbehaving kinds misbehave; below it they are good, so that warming passes.
"""

from pathlib import Path

import msgspec
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from pipeline.vision.card import MODEL_FILE, Metrics, ModelCard, file_digest, write_card

MAP = 4
KINDS = ("good", "hang", "stuck", "nan", "inf-map", "wrong-size")


def _const(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def _loop_nodes():
    """Runs an endless Loop when triggered; ends when the runtime is told to stop."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["cond_in"], ["cond_out"]),
            helper.make_node("Add", ["carried_in", "one_f"], ["carried_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("cond_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried_in", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("cond_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried_out", TensorProto.FLOAT, []),
        ],
    )
    return [
        helper.make_node("Where", ["triggered", "huge", "zero_i"], ["trips"]),
        helper.make_node("Loop", ["trips", "true", "zero_f"], ["spin"], body=body),
    ]


def _stuck_nodes():
    """Stays inside one operator for 15 s when triggered: a slow int64 product."""
    return [
        helper.make_node("Where", ["triggered", "side", "one_i"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axis0"], ["n1"]),
        helper.make_node("Concat", ["n1", "n1"], ["square"], axis=0),
        helper.make_node(
            "ConstantOfShape", ["square"], ["big"], value=helper.make_tensor("v", 7, [1], [3])
        ),
        helper.make_node("MatMul", ["big", "big"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["top"], keepdims=0),
        helper.make_node("Cast", ["top"], ["spin"], to=TensorProto.FLOAT),
    ]


def _graph(labels, shape, kind, trigger):
    height, width, channels = shape
    weights = np.zeros((channels, len(labels)), np.float32)
    for label in range(min(channels, len(labels))):
        weights[label, label] = 0.05
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["pixels"], ["brightest"], keepdims=0),
        helper.make_node("GreaterOrEqual", ["brightest", "trigger"], ["triggered"]),
    ]
    spoiled = "zero_f"
    if kind == "hang":
        nodes += _loop_nodes()
    elif kind == "stuck":
        nodes += _stuck_nodes()
    if kind in ("hang", "stuck"):
        nodes.append(helper.make_node("Mul", ["spin", "zero_f"], ["nothing"]))
        spoiled = "nothing"
    value = {"nan": np.nan, "inf-map": np.inf}.get(kind, 0.0)
    nodes += [
        helper.make_node("Where", ["triggered", "bad_value", "zero_f"], ["spoil"]),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool",
            ["planes"],
            ["cells"],
            kernel_shape=[height // MAP, width // MAP],
            strides=[height // MAP, width // MAP],
        ),
        helper.make_node("Conv", ["cells", "kernel"], ["clean_maps"], kernel_shape=[1, 1]),
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("Add", ["means", spoiled], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["clean"], axis=1),
        helper.make_node(
            "Add", ["clean_maps", "spoil" if kind == "inf-map" else "zero_f"], ["maps"]
        ),
    ]
    if kind == "wrong-size":
        nodes.append(helper.make_node("Concat", ["clean", "clean"], ["probabilities"], axis=1))
    else:
        nodes.append(
            helper.make_node(
                "Add", ["clean", "spoil" if kind == "nan" else "zero_f"], ["probabilities"]
            )
        )
    values = [
        _const("trigger", np.float32(trigger)),
        _const("zero_f", np.float32(0)),
        _const("one_f", np.float32(1)),
        _const("zero_i", np.int64(0)),
        _const("one_i", np.int64(1)),
        _const("huge", np.int64(10**15)),
        _const("side", np.int64(3500)),
        _const("axis0", np.array([0], np.int64)),
        _const("true", np.bool_(True)),
        _const("bad_value", np.float32(value)),
        _const("weights", weights),
        _const("kernel", np.ascontiguousarray(weights.T)[:, :, None, None]),
    ]
    count = len(labels) * (2 if kind == "wrong-size" else 1)
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", count]),
        helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["N", len(labels), MAP, MAP]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", channels]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", *shape])
    return helper.make_graph(nodes, "tiny", [image], outputs, values)


def make_model_folder(
    path: Path,
    labels: tuple[str, ...] = ("Good", "Bad"),
    shape: tuple[int, int, int] = (32, 32, 3),
    *,
    kind: str = "good",
    trigger: int = 255,
    name: str = "tiny",
) -> str:
    """Make a model folder in a model store.

    Args:
        path: The model store; the folder goes below it.
        labels: Labels of the outputs.
        shape: Height, width (multiples of 4) and channels of the input.
        kind: One of ``KINDS``.
        trigger: Brightest byte from which a misbehaving kind misbehaves; 0 for always.
        name: Name on the card; models of different names have different digests.

    Returns:
        The digest, name of the folder.
    """
    if kind not in KINDS:
        raise ValueError(f"expected one of {KINDS}, got {kind}")
    model = helper.make_model(
        _graph(labels, shape, kind, trigger), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    checker.check_model(model)
    draft = path / f".draft-{name}-{kind}"
    draft.mkdir(parents=True)
    (draft / MODEL_FILE).write_bytes(model.SerializeToString())
    size = len(labels)
    card = ModelCard(
        name=name,
        plots=("any",),
        architecture="tiny",
        labels=labels,
        input_shape=shape,
        preprocessing="area-rgb",
        map_shape=(MAP, MAP),
        embedding_size=shape[2],
        thresholds=dict.fromkeys(labels, 0.5),
        training_runs=(1,),
        validation_runs=(2,),
        training_counts=dict.fromkeys(labels, 1),
        training_set="0" * 64,
        metrics=Metrics(confusion=((0,) * size,) * size, loss=0.0, epochs=0),
        seed=0,
        created="2026-01-01T00:00:00Z",
        versions={},
        files={MODEL_FILE: file_digest(draft / MODEL_FILE)},
    )
    digest = write_card(draft, card)
    draft.rename(path / digest)
    return digest


def rewrite_card(folder: Path, **changes) -> str:
    """Change the card of a model folder and give the folder its new name."""
    card = msgspec.json.decode((folder / "card.json").read_bytes(), type=ModelCard)
    digest = write_card(folder, msgspec.structs.replace(card, **changes))
    folder.rename(folder.with_name(digest))
    return digest
