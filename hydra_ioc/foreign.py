"""A model of somebody else's: checked, fitted with a front of ours, put into the store.

Needs the training extra (onnx; TensorFlow for Keras files).
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from hydra_ioc.foreign_card import ForeignCard
from pipeline.errors import ModelError
from pipeline.vision.card import (
    INPUT,
    MODEL_FILE,
    OUTPUTS,
    REGRESSION,
    Metrics,
    ModelCard,
)
from pipeline.vision.packing import pack
from pipeline.vision.serving import TOLERANCE, load

SIZE_LIMIT: Final = 500_000_000
"""Largest file taken, in bytes; VGG16 has 60 MB without its top, 550 MB with it."""
DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml")
"""Operators of the standard; others need code that is not ours."""
OPSETS: Final = range(11, 22)
BODY: Final = "theirs_"
PACKAGE: Final = "foreign"


def import_model(file: Path, card: ForeignCard, store: Path) -> str:
    """Check a model of somebody else's and put it into the model store.

    Args:
        file: ``.onnx``, or ``.keras`` without code of its own.
        card: Its card.
        store: The model store.

    Returns:
        The digest: name of the folder in the store.

    Raises:
        ModelError: Says what is wrong with it; nothing is left in the store.
    """
    data = _bytes_of(file)
    model = _from_keras(file) if file.suffix == ".keras" else _parsed(file, data)
    graph = _fronted(file, model, card)
    size, shape = _sizes(file, graph, card)

    def write(folder: Path) -> None:
        (folder / MODEL_FILE).write_bytes(graph.SerializeToString())

    def tell(files: dict[str, str]) -> ModelCard:
        return _card(card, file, files, shape, size)

    digest = pack(store, write, tell)
    try:
        _try(store / digest, file)
    except ModelError:
        for part in (store / digest).iterdir():
            part.unlink()
        (store / digest).rmdir()
        raise
    return digest


def _bytes_of(file: Path) -> bytes:
    if file.suffix not in (".onnx", ".keras"):
        raise ModelError(
            f"expected a file .onnx or .keras, received {file.name}: pickles, SavedModels and"
            " .h5 files can hold code; save it as .keras or export it as ONNX"
        )
    try:
        with file.open("rb") as content:
            data = content.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ModelError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise ModelError(f"{file} is over the limit of {SIZE_LIMIT} bytes for a model")
    return data


def _parsed(file: Path, data: bytes) -> Any:
    """Parse ONNX from bytes only, so that no other file is ever opened for it."""
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        raise ModelError(f"{file} is not an ONNX model: {error}") from error
    faults = []
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        tensors = [*graph.initializer]
        for node in graph.node:
            if node.domain not in DOMAINS:
                faults.append(f"operator {node.op_type} of {node.domain} is not of the standard")
            for attribute in node.attribute:
                graphs += [attribute.g] if attribute.HasField("g") else []
                graphs += list(attribute.graphs)
                tensors += [attribute.t] if attribute.HasField("t") else []
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors):
            faults.append("its weights lie in other files; save it as one file")
    if model.functions:
        faults.append("it defines functions of its own")
    versions = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")]
    if not versions or versions[0] not in OPSETS:
        faults.append(f"expected opset {OPSETS.start} to {OPSETS.stop - 1}, found {versions}")
    if faults:
        raise ModelError(f"{file} cannot be taken: {'; '.join(sorted(set(faults))[:10])}")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ModelError(f"{file} is not a valid ONNX model: {error}") from error
    return model


def _from_keras(file: Path) -> Any:
    import keras
    import tensorflow as tf

    from pipeline.vision.conversion import convert

    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
        (given,) = model.inputs
        signature = [tf.TensorSpec((None, *given.shape[1:]), tf.float32, name="theirs")]

        # The converter's own way for Keras cannot take a Sequential of Keras 3.
        @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
        def forward(theirs: Any) -> dict[str, Any]:
            found = model(theirs, training=False)
            if not isinstance(found, dict):
                outputs = found if isinstance(found, list | tuple) else [found]
                # A Sequential has one output and no name for it.
                names = getattr(model, "output_names", [model.layers[-1].name])
                found = dict(zip(names, outputs, strict=True))
            return {name: tf.identity(value, name=name) for name, value in found.items()}

        proto = convert(forward, signature, lenient=True)
    except Exception as error:
        raise ModelError(
            f"{file} cannot be taken: {error}; a Keras file must hold no Lambda layer and no"
            " layers of your own"
        ) from error
    return _parsed(file, proto.SerializeToString())


def _fronted(file: Path, model: Any, card: ForeignCard) -> Any:
    """Put the preprocessing of the card before a graph, and its activation behind it."""
    known = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in known]
    outputs = {one.name: one for one in model.graph.output}
    faults = []
    if len(inputs) != 1:
        faults.append(f"expected one input, found {[one.name for one in inputs]}")
    elif inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        faults.append(f"expected input {inputs[0].name} to be of float32")
    else:
        faults += _misshapen(inputs[0], card)
    main = card.output or (next(iter(outputs)) if len(outputs) == 1 else "")
    if not main:
        faults.append(f"the card must name the output with the probabilities of {list(outputs)}")
    wanted = [name for name in (main, card.maps, card.embedding) if name]
    faults += [f"there is no output {name!r}" for name in wanted if name not in outputs]
    if faults:
        raise ModelError(f"{file} does not fit its card: {'; '.join(faults)}")
    opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    body = compose.add_prefix(model, BODY)
    front = helper.make_model(
        _front(card), opset_imports=[helper.make_opsetid("", opset)], ir_version=body.ir_version
    )
    del front.opset_import[1:]
    try:
        whole = compose.merge_models(front, body, io_map=[("theirs", f"{BODY}{inputs[0].name}")])
        _finish(whole.graph, card, {name: f"{BODY}{name}" for name in wanted}, main)
        onnx.checker.check_model(whole)
    except (ValueError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{file} does not fit its card: {error}") from error
    return whole


def _misshapen(theirs: Any, card: ForeignCard) -> list[str]:
    """Compare the sizes that a graph states with those of the card."""
    height, width, channels = card.input_shape
    wanted = [height, width, channels] if card.layout == "NHWC" else [channels, height, width]
    stated = [one.dim_value or None for one in theirs.type.tensor_type.shape.dim]
    if len(stated) == 4 and all(
        one in (None, size) for one, size in zip(stated[1:], wanted, strict=True)
    ):
        if stated[0] is None:
            return []
        return [f"expected a batch of any size, the graph takes {stated[0]}: export it so"]
    return [f"expected input {theirs.name} of (N, {wanted}), the graph takes {stated}"]


def _front(card: ForeignCard) -> Any:
    node, f32 = helper.make_node, np.float32
    constants = {
        "scale": np.array(card.scale, f32),
        "mean": np.array(card.mean, f32),
        "std": np.array(card.std, f32),
        "order": np.array([2, 1, 0] if card.order == "BGR" else [0, 1, 2], np.int64),
    }
    perm = [0, 1, 2, 3] if card.layout == "NHWC" else [0, 3, 1, 2]
    nodes = [
        node("Gather", [INPUT, "order"], ["ordered"], axis=3),
        node("Cast", ["ordered"], ["grey"], to=TensorProto.FLOAT),
        node("Mul", ["grey", "scale"], ["scaled"]),
        node("Sub", ["scaled", "mean"], ["centred"]),
        node("Div", ["centred", "std"], ["standard"]),
        node("Transpose", ["standard"], ["theirs"], perm=perm),
    ]
    height, width, _ = card.input_shape
    shape: list[Any] = [height, width, 3] if card.layout == "NHWC" else [3, height, width]
    return helper.make_graph(
        nodes,
        PACKAGE,
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", *card.input_shape])],
        [helper.make_tensor_value_info("theirs", TensorProto.FLOAT, ["N", *shape])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _finish(graph: Any, card: ForeignCard, names: dict[str, str], main: str) -> None:
    """Name the outputs as serving knows them."""
    node, given = helper.make_node, names[main]
    if card.activation == "softmax":
        graph.node.append(node("Softmax", [given], [OUTPUTS[0]], axis=1))
    elif card.activation == "sigmoid":
        graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), "whole"))
        graph.node.extend(
            [
                node("Sigmoid", [given], ["second"]),
                node("Sub", ["whole", "second"], ["first"]),
                node("Concat", ["first", "second"], [OUTPUTS[0]], axis=1),
            ]
        )
    else:
        graph.node.append(node("Identity", [given], [OUTPUTS[0]]))
    shapes = {OUTPUTS[0]: ["N", len(card.labels)]}
    for name, theirs in ((OUTPUTS[1], card.maps), (OUTPUTS[2], card.embedding)):
        if theirs:
            graph.node.append(node("Identity", [names[theirs]], [name]))
            shapes[name] = ["N", *([None] * (3 if name == OUTPUTS[1] else 1))]
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )


def _sizes(file: Path, graph: Any, card: ForeignCard) -> tuple[int, tuple[int, int]]:
    """Run the graph once to see what comes out."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        names = [one.name for one in session.get_outputs()]
        found = dict(zip(names, session.run(names, {INPUT: _pictures(card)}), strict=True))
    except Exception as error:
        raise ModelError(f"{file} does not run as its card says: {error}") from error
    first = found[OUTPUTS[0]]
    if first.shape != (3, len(card.labels)) or first.dtype != np.float32:
        raise ModelError(
            f"{file} does not fit its card: expected outputs ({len(card.labels)},) for the labels"
            f" {list(card.labels)}, found {first.dtype} {first.shape[1:]}"
        )
    maps, embedding = found.get(OUTPUTS[1]), found.get(OUTPUTS[2])
    if maps is not None and (maps.ndim != 4 or maps.shape[1] != len(card.labels)):
        raise ModelError(f"{file}: expected maps (N, {len(card.labels)}, h, w), found {maps.shape}")
    if embedding is not None and embedding.ndim != 2:
        raise ModelError(f"{file}: expected an embedding (N, D), found {embedding.shape}")
    return (
        0 if embedding is None else int(embedding.shape[1]),
        (0, 0) if maps is None else (int(maps.shape[2]), int(maps.shape[3])),
    )


def _pictures(card: ForeignCard) -> NDArray[np.uint8]:
    """Give a black, a white and a noisy image."""
    images = np.zeros((3, *card.input_shape), np.uint8)
    images[1] = 255
    images[2] = np.random.default_rng(1).integers(0, 256, card.input_shape, np.uint8)
    return images


def _try(folder: Path, file: Path) -> None:
    """Judge a few images as serving will."""
    model = load(folder)
    alone = model.card
    height, width, _ = alone.input_shape
    images = np.zeros((3, *alone.input_shape), np.uint8)
    images[1] = 255
    images[2] = np.random.default_rng(2).integers(0, 256, (height, width, 3), np.uint8)
    outputs = model.run(images)
    for name in OUTPUTS:
        if not np.isfinite(getattr(outputs, name)).all():
            raise ModelError(f"{file} gives {name} that are not finite")
    if alone.kind == REGRESSION:
        return
    sums = outputs.probabilities.sum(axis=1)
    low, high = outputs.probabilities.min(), outputs.probabilities.max()
    if low < -TOLERANCE or high > 1 + TOLERANCE or np.abs(sums - 1).max() > 1e-3:
        raise ModelError(
            f"{file} does not give probabilities: expected 0..1 that add up to 1, found"
            f" {low:.3g}..{high:.3g} adding up to {sums[0]:.3g}; perhaps the card lacks"
            " activation = 'softmax'"
        )


def _card(
    card: ForeignCard, file: Path, files: dict[str, str], maps: tuple[int, int], size: int
) -> ModelCard:
    count = len(card.labels)
    return ModelCard(
        name=card.name,
        plots=card.plots,
        kind=card.kind,
        quantity=card.quantity,
        architecture=PACKAGE,
        labels=card.labels,
        input_shape=card.input_shape,
        preprocessing="area-rgb",
        map_shape=maps,
        embedding_size=size,
        thresholds={label: card.thresholds.get(label, 0.5) for label in card.labels},
        threshold_method="INIT",
        training_runs=(),
        validation_runs=(),
        training_counts=dict.fromkeys(card.labels, 0),
        training_set="0" * 64,
        metrics=Metrics(confusion=((0,) * count,) * count, loss=0.0, epochs=0),
        seed=0,
        versions={"onnx": onnx.__version__},
        weights=f"imported from {file.name}"[:4000],
        note=card.note,
        files=files,
    )
