"""From a handful of labelled images to a model of the store, in seconds.

Every image is judged by a head that was fitted without its run; thresholds,
calibration and the confusion matrix come from these judgements. The head that
is kept is fitted to all images. Needs the training extra (scikit-learn, onnx).
"""

import platform
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.calibration import Calibration, calibrate, softmax
from pipeline.vision.card import MODEL_FILE, Metrics, ModelCard
from pipeline.vision.dataset import FREE, VALIDATION, Dataset
from pipeline.vision.evaluation import confusion
from pipeline.vision.evidence import Head
from pipeline.vision.fewshot import all_views, fit
from pipeline.vision.graft import graft
from pipeline.vision.judged import Judged, images_of, write_judged
from pipeline.vision.normal import from_views, write_normal
from pipeline.vision.packing import pack
from pipeline.vision.thresholds import all_by_f1

ARCHITECTURE: Final = "domain-pretrained"
FOLDS: Final = 5
TRIES: Final = 20
"""Ways of drawing the folds that are tried."""
PACKAGES: Final = ("scikit-learn", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True, slots=True)
class FewShot:
    """A fitted model and what it did on runs that it had not seen."""

    head: Head
    """Calibrated, fitted to all images."""
    dataset: Dataset
    judged: NDArray[np.int64]
    """Indices of the images that were judged by a head without their run."""
    logits: NDArray[np.float64]
    """(len(judged), C), before calibration."""
    calibration: Calibration
    seed: int

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated probabilities of the judged images."""
        return softmax(self.logits / self.calibration.temperature)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Labels of the judged images."""
        return self.dataset.truth[self.judged]


def train_few(backbone: Backbone, dataset: Dataset, seed: int = 1) -> FewShot:
    """Fit a model and judge every image by one that was fitted without its run.

    Args:
        backbone: The backbone.
        dataset: Labelled images of the backbone's input shape.
        seed: Same seed and images, same model.

    Raises:
        InputError: The images have another size, or a label occurs in one run only.
    """
    if tuple(dataset.images.shape[1:]) != tuple(backbone.card.input_shape):
        raise InputError(
            f"expected images {tuple(backbone.card.input_shape)} for the backbone,"
            f" received {dataset.images.shape[1:]}"
        )
    pins = _pins(dataset)
    learnt = np.flatnonzero(pins != VALIDATION)
    _check_runs(dataset.take(learnt))
    views = all_views(dataset.images)

    def fitted(chosen: NDArray[np.int64]) -> Head:
        truth, runs = dataset.truth[chosen], dataset.runs[chosen]
        counted = None if dataset.weights is None else dataset.weights[chosen]
        return fit(backbone, views[chosen], truth, runs, dataset.labels, seed=seed, weights=counted)

    judged, logits = [], []

    def judge(head: Head, chosen: NDArray[np.int64]) -> None:
        judged.append(chosen)
        logits.append(head.judge(backbone, views[chosen]))

    for inside, outside in folds_of(dataset.take(learnt), seed):
        judge(fitted(learnt[inside]), learnt[outside])
    head = fitted(learnt)
    if len(learnt) < len(dataset):
        judge(head, np.flatnonzero(pins == VALIDATION))
    found, order = np.concatenate(logits), np.concatenate(judged)
    calibration = calibrate(found, dataset.truth[order], dataset.runs[order], expected=1.0)
    return FewShot(
        head=head.cooled(calibration.temperature),
        dataset=dataset,
        judged=order,
        logits=found,
        calibration=calibration,
        seed=seed,
    )


def _pins(dataset: Dataset) -> NDArray[np.int8]:
    if dataset.pinned is None:
        return np.full(len(dataset), FREE, np.int8)
    return dataset.pinned


def _check_runs(dataset: Dataset) -> None:
    runs = {
        label: len(np.unique(dataset.runs[dataset.truth == index]))
        for index, label in enumerate(dataset.labels)
    }
    if few := [label for label, count in runs.items() if count < 2]:
        listed = ", ".join(f"{label}: {count}" for label, count in runs.items())
        raise InputError(
            f"expected every label in at least two runs, so that each is tried on a run it was"
            f" not fitted to; {', '.join(few)} is not (runs by label: {listed}):"
            " label images of more runs, or leave out the rare label"
        )


def folds_of(dataset: Dataset, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split into as many folds by run as leave every label inside.

    A label of two runs does not make halves of all the others: with fewer runs to learn
    from, the head that judges a fold is much worse than the one that is kept.
    """
    everything = set(range(len(dataset.labels)))
    for number in range(min(FOLDS, len(np.unique(dataset.runs))), 1, -1):
        for attempt in range(TRIES):
            folds = _split(dataset, number, seed + attempt)
            if all(set(dataset.truth[inside]) == everything for inside, _ in folds):
                return folds
    folds = list(GroupKFold(len(np.unique(dataset.runs))).split(dataset.truth, groups=dataset.runs))
    return [fold for fold in folds if set(dataset.truth[fold[0]]) == everything]


def _split(
    dataset: Dataset, number: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A label with fewer images than folds is outside of some, which is what is wanted.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(dataset.truth, dataset.truth, dataset.runs))


def save_few(
    few: FewShot,
    backbone: Backbone,
    store: Path,
    plots: tuple[str, ...],
    *,
    note: str = "",
    settings: dict[str, str | int | float | bool] | None = None,
) -> str:
    """Write a few-shot model into the model store.

    Args:
        few: From ``train_few``.
        backbone: The one it was fitted on.
        store: The model store.
        plots: Plot types it was trained for.
        note: For people.
        settings: What the training was asked for.

    Returns:
        The digest: name of the folder in the store.
    """
    graph = graft(backbone, few.head)

    def write(folder: Path) -> None:
        (folder / MODEL_FILE).write_bytes(graph)
        write_normal(folder, from_views(few.head.reference.mean.astype(np.float64)))
        write_judged(
            folder, Judged(images_of(few.dataset.take(few.judged), few.probabilities, "cross"))
        )

    return pack(
        store,
        write,
        lambda files: msgspec.structs.replace(
            _card(few, backbone, plots, note, files), settings=settings or {}
        ),
    )


def _card(
    few: FewShot, backbone: Backbone, plots: tuple[str, ...], note: str, files: dict[str, str]
) -> ModelCard:
    dataset, probabilities, truth = few.dataset, few.probabilities, few.truth
    table = confusion(truth, probabilities.argmax(axis=1), len(dataset.labels))
    mine = probabilities[np.arange(len(truth)), truth]
    return ModelCard(
        name=f"{ARCHITECTURE} {', '.join(plots)}"[:200],
        plots=plots,
        architecture=ARCHITECTURE,
        labels=dataset.labels,
        input_shape=backbone.card.input_shape,
        preprocessing=backbone.card.preprocessing,
        map_shape=backbone.card.map_shape,
        embedding_size=backbone.card.embedding_size,
        thresholds=all_by_f1(probabilities, truth, dataset.labels),
        training_runs=tuple(int(run) for run in np.unique(dataset.runs)),
        validation_runs=(),
        training_counts=dataset.counts(),
        training_set=dataset.digest(),
        metrics=Metrics(
            confusion=tuple(tuple(int(n) for n in row) for row in table),
            loss=float(-np.log(np.maximum(mine, 1e-7)).mean()),
            epochs=0,
        ),
        seed=few.seed,
        versions={"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        calibration_error=few.calibration.after,
        calibration_images=few.calibration.images,
        temperature=few.calibration.temperature,
        backbone=backbone.card.sha256,
        note=note,
        files=files,
    )
