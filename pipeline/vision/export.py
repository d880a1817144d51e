"""From a trained network to a folder of the model store.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import json
import platform
import re
import shutil
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnxruntime
import tensorflow as tf
from msgspec.structs import replace
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.vision.canonical import canonical
from pipeline.vision.card import (
    INPUT,
    KERAS_FILE,
    MODEL_FILE,
    OUTPUTS,
    Metrics,
    ModelCard,
)
from pipeline.vision.conversion import convert
from pipeline.vision.judged import Judged, write_judged
from pipeline.vision.normal import write_normal
from pipeline.vision.packing import pack
from pipeline.vision.pointing import point_file
from pipeline.vision.training import Trained

TOLERANCE: Final = 1e-4
"""Largest difference between Keras and ONNX Runtime that passes, in each
output relative to its largest value; measured differences are about 1e-6."""
COMPACT_FROM: Final = 4096
"""Constants of at least this many whole grey levels are kept as bytes."""
PACKAGES: Final = ("keras", "tensorflow-cpu", "tf2onnx", "onnx", "onnxruntime", "numpy")


def save(
    trained: Trained,
    store: Path,
    plots: tuple[str, ...],
    *,
    parent: str = "",
    keep_keras: bool = True,
    note: str = "",
    weights: str = "",
    told: dict[str, str | int | float | bool] | None = None,
    kept: Path | None = None,
) -> str:
    """Export a trained network into the model store.

    The folder gets its name only when the export agrees with Keras and every
    file with the card; an interrupted export leaves no model behind.

    Args:
        trained: From ``pipeline.vision.training``.
        store: The model store.
        plots: Plot types the model was trained for.
        parent: Digest of the model it started from.
        keep_keras: Whether to keep the Keras file for a later continuation, and what
            the training judged for a report; a release has no room for either.
        note: For people.
        weights: What its weights were before the training.
        told: What the training was asked for.
        kept: The Keras file that the network was read from, if it was: Keras would not
            write it the same again.

    Returns:
        The digest: name of the folder in the store.

    Raises:
        ModelError: ONNX Runtime and Keras disagree.
    """

    def write(folder: Path) -> None:
        to_onnx(trained.network.model, folder / MODEL_FILE)
        check_against_keras(folder / MODEL_FILE, trained.network.model, trained.sample)
        _point(folder / MODEL_FILE, trained)
        if trained.normal is not None:
            write_normal(folder, trained.normal)
        if trained.judged and keep_keras:
            write_judged(folder, Judged(trained.judged, trained.curves))
        if keep_keras:
            if kept is None:
                trained.network.model.save(folder / KERAS_FILE)
            else:
                shutil.copy(kept, folder / KERAS_FILE)
            _without_dates(folder / KERAS_FILE)

    return pack(
        store,
        write,
        lambda files: replace(
            _card(trained, files, plots, parent, note), weights=weights, settings=told or {}
        ),
    )


def _point(file: Path, trained: Trained) -> None:
    """Let the maps count where an image departs, after the graph has been compared with Keras."""
    baseline = trained.network.baseline
    cells = tuple(trained.network.model.output["maps"].shape[2:])
    height, width, _ = trained.settings.input_shape
    if baseline is None or height // 4 % cells[0] or width // 4 % cells[1]:
        return
    point_file(
        file,
        (
            np.asarray(baseline.mean).astype(np.uint8),
            np.asarray(baseline.allowance).astype(np.uint8),
        ),
        trained.labels,
        cells,
    )


def _without_dates(file: Path) -> None:
    """Take the dates out of a Keras file, so that the same training gives the same bytes."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in sorted(archive.namelist())}
    told = json.loads(parts["metadata.json"])
    parts["metadata.json"] = json.dumps({**told, "date_saved": ""}, sort_keys=True).encode()
    numbers: dict[str, int] = {}

    def renumber(match: re.Match[str]) -> str:
        # Keras writes addresses of objects; only which are the same matters.
        return f'"shared_object_id": {numbers.setdefault(match[1], len(numbers))}'

    config = re.sub(r'"shared_object_id": (\d+)', renumber, parts["config.json"].decode())
    parts["config.json"] = config.encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def to_onnx(model: keras.Model, file: Path) -> None:
    """Write a model as ONNX with the names of the card.

    Args:
        model: ``image`` uint8 (N, H, W, C) -> the three outputs by name.
        file: Where to write.
    """
    shape = (None, *model.input.shape[1:])
    signature = [tf.TensorSpec(shape, tf.uint8, name=INPUT)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def forward(image: Any) -> dict[str, Any]:
        outputs = model(image, training=False)
        return {name: tf.identity(outputs[name], name=name) for name in OUTPUTS}

    proto = convert(forward, signature)
    _compact(proto.graph)
    _state_shapes(proto.graph, model)
    canonical(proto.graph)
    onnx.checker.check_model(proto)
    file.write_bytes(proto.SerializeToString(deterministic=True))


def check_against_keras(file: Path, model: keras.Model, images: NDArray[np.uint8]) -> None:
    """Prove on real images that the export computes what Keras computes.

    Args:
        file: The ONNX file.
        model: The Keras model it came from.
        images: (N, H, W, C) uint8.

    Raises:
        ModelError: An output differs.
    """
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    found = session.run(list(OUTPUTS), {INPUT: images})
    expected = model(images, training=False)
    for name, values in zip(OUTPUTS, found, strict=True):
        reference = expected[name].numpy()
        scale = max(float(np.abs(reference).max()), 1e-6)
        difference = float(np.abs(values - reference).max()) / scale
        if values.shape != reference.shape or not difference <= TOLERANCE:
            raise ModelError(
                f"the export of {model.name} disagrees with Keras in {name}: expected a relative"
                f" difference of at most {TOLERANCE}, found {difference:.2g}"
            )


def _card(
    trained: Trained, files: dict[str, str], plots: tuple[str, ...], parent: str, note: str
) -> ModelCard:
    outputs = trained.network.model.output
    return ModelCard(
        name=f"{trained.settings.architecture} {', '.join(plots)}"[:200],
        plots=plots,
        architecture=trained.settings.architecture,
        labels=trained.labels,
        input_shape=trained.settings.input_shape,
        preprocessing=trained.settings.preprocessing,
        map_shape=tuple(outputs["maps"].shape[2:]),
        embedding_size=outputs["embedding"].shape[1],
        thresholds=trained.thresholds,
        training_runs=trained.training_runs,
        validation_runs=trained.validation_runs,
        training_counts=trained.training_counts,
        training_set=trained.training_set,
        metrics=Metrics(
            confusion=tuple(tuple(int(n) for n in row) for row in trained.confusion),
            loss=trained.loss,
            epochs=len(trained.curves.get("loss", ())) or trained.settings.epochs,
        ),
        seed=trained.settings.seed,
        temperature=trained.calibration.temperature,
        calibration_error=trained.calibration.after,
        calibration_images=trained.calibration.images,
        curves=trained.curves,
        versions={"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        parent=parent,
        note=note,
        files=files,
    )


def _compact(graph: Any) -> None:
    """Keep pictures of whole grey levels as bytes; the runtime widens them on load.

    The converter turns a division by a constant into a product with its
    inverse, so the inverse of whole grey levels is kept as bytes too.
    """
    for constant in list(graph.initializer):
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < COMPACT_FROM:
            continue
        with np.errstate(divide="ignore"):
            forms = {"": values, "Reciprocal": np.float32(1.0) / values}
        for operation, levels in forms.items():
            small = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
            if np.allclose(small, levels, rtol=1e-6, atol=0.0):
                _keep_as_bytes(graph, constant, small, operation)
                break


def _keep_as_bytes(graph: Any, constant: Any, small: NDArray[np.uint8], operation: str) -> None:
    name = constant.name
    constant.CopyFrom(onnx.numpy_helper.from_array(small, f"{name}_bytes"))
    wide = f"{name}_wide" if operation else name
    nodes = [onnx.helper.make_node("Cast", [f"{name}_bytes"], [wide], to=onnx.TensorProto.FLOAT)]
    if operation:
        nodes.append(onnx.helper.make_node(operation, [wide], [name]))
    for node in reversed(nodes):
        graph.node.insert(0, node)


def _state_shapes(graph: Any, model: keras.Model) -> None:
    """Write the known output shapes into the graph, which tf2onnx leaves open."""
    for output in graph.output:
        shape = ["N", *model.output[output.name].shape[1:]]
        output.CopyFrom(
            onnx.helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, shape)
        )
