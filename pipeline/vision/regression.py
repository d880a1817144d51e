"""A model that gives a number, from images with numbers: a ridge on the pretrained backbone.

Every image is also judged by a ridge that was fitted without its run; the
spread on the card comes from these. Needs the training extra (scikit-learn, onnx).
"""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold

from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.card import (
    MODEL_FILE,
    OUTPUTS,
    REGRESSION,
    Metrics,
    ModelCard,
    Quantity,
)
from pipeline.vision.evidence import BOUND, Head, evidence_of
from pipeline.vision.fewshot import FLOOR, all_views
from pipeline.vision.graft import graft
from pipeline.vision.normal import from_views, write_normal
from pipeline.vision.packing import pack
from pipeline.vision.reference import reference_of

NUMBER: Final = "number"
ARCHITECTURE: Final = "domain-pretrained"
STRENGTHS: Final = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Regularisations that are tried on runs left out."""
FOLDS: Final = 5
FEWEST: Final = 6
"""Images below which nothing is fitted: a straight line through noise."""


@dataclass(frozen=True, slots=True)
class NumberModel:
    """A fitted regression and what it said of runs it had not seen."""

    head: Head
    """With one output, which is the number."""
    judged: NDArray[np.float64]
    """(N,) the number given to each image by a fit without its run."""
    spread: float
    """Root mean square error of these."""


def train_number(
    backbone: Backbone,
    images: NDArray[np.uint8],
    values: NDArray[np.float64],
    runs: NDArray[np.int64],
) -> NumberModel:
    """Fit numbers to images.

    Args:
        backbone: The backbone.
        images: (N, H, W, 3) of the backbone's input shape.
        values: (N,) finite.
        runs: (N,) run of each image.

    Raises:
        InputError: Too few images or runs, or all have the same number.
    """
    if len(values) < FEWEST or len(np.unique(runs)) < 2 or np.ptp(values) == 0:
        raise InputError(
            f"expected at least {FEWEST} images of 2 runs with different numbers, received"
            f" {len(values)} of {len(np.unique(runs))} runs, {len(np.unique(values))} numbers"
        )
    views = all_views(images)
    reference = reference_of(views)
    evidence = evidence_of(backbone, views, reference)
    middle, scale = evidence.mean(axis=0), 1.0 / np.maximum(evidence.std(axis=0), FLOOR)
    standard = np.clip((evidence - middle) * scale, -BOUND, BOUND).astype(np.float64)
    tried = {strength: _left_out(standard, values, runs, strength) for strength in STRENGTHS}
    best = min(tried, key=lambda strength: float(np.square(tried[strength] - values).mean()))
    model: Any = Ridge(alpha=best).fit(standard, values)
    head = Head(
        labels=(NUMBER,),
        reference=reference,
        middle=middle.astype(np.float32),
        scale=scale.astype(np.float32),
        kernel=model.coef_[:, None].astype(np.float32),
        bias=np.array([model.intercept_], np.float32),
        strength=1.0 / best,
        share=1.0,
    )
    spread = float(np.sqrt(np.square(tried[best] - values).mean()))
    return NumberModel(head, tried[best], spread)


def _left_out(
    standard: NDArray[np.float64],
    values: NDArray[np.float64],
    runs: NDArray[np.int64],
    strength: float,
) -> NDArray[np.float64]:
    """Give what a fit without its run says of each image."""
    found = np.empty(len(values))
    for inside, outside in GroupKFold(min(FOLDS, len(np.unique(runs)))).split(
        standard, groups=runs
    ):
        model: Any = Ridge(alpha=strength).fit(standard[inside], values[inside])
        found[outside] = model.predict(standard[outside])
    return found


def save_number(
    model: NumberModel,
    backbone: Backbone,
    store: Path,
    plots: tuple[str, ...],
    quantity: Quantity,
    *,
    runs: tuple[int, ...],
    training_set: str,
    note: str = "",
) -> str:
    """Write a regression model into the model store.

    Args:
        model: From ``train_number``.
        backbone: The one it was fitted on.
        store: The model store.
        plots: Plot types it was trained for.
        quantity: Name, unit and limits of its number.
        runs: Of its images.
        training_set: SHA-256 over images and numbers.
        note: For people.

    Returns:
        The digest: name of the folder in the store.
    """
    graph = onnx.load_model_from_string(graft(backbone, model.head))
    for node in graph.graph.node:
        if list(node.output) == [OUTPUTS[0]]:
            node.op_type = "Identity"
            node.ClearField("attribute")
    onnx.checker.check_model(graph)

    def write(folder: Path) -> None:
        (folder / MODEL_FILE).write_bytes(graph.SerializeToString(deterministic=True))
        write_normal(folder, from_views(model.head.reference.mean.astype(np.float64)))

    def tell(files: dict[str, str]) -> ModelCard:
        card = _card(model, backbone, plots, quantity, files)
        return msgspec.structs.replace(
            card, training_runs=runs, training_set=training_set, note=note
        )

    return pack(store, write, tell)


def _card(
    model: NumberModel,
    backbone: Backbone,
    plots: tuple[str, ...],
    quantity: Quantity,
    files: dict[str, str],
) -> ModelCard:
    packages = ("scikit-learn", "onnx", "onnxruntime", "numpy")
    return ModelCard(
        name=f"{quantity.name} {', '.join(plots)}"[:200],
        plots=plots,
        kind=REGRESSION,
        quantity=quantity,
        architecture=ARCHITECTURE,
        labels=(quantity.name,),
        input_shape=backbone.card.input_shape,
        preprocessing=backbone.card.preprocessing,
        map_shape=backbone.card.map_shape,
        embedding_size=backbone.card.embedding_size,
        thresholds={quantity.name: 0.0},
        threshold_method="INIT",
        training_runs=(),
        validation_runs=(),
        training_counts={quantity.name: len(model.judged)},
        training_set="0" * 64,
        metrics=Metrics(confusion=((0,),), loss=model.spread**2, epochs=0),
        seed=0,
        versions={"python": platform.python_version(), **{p: version(p) for p in packages}},
        backbone=backbone.card.sha256,
        files=files,
    )
