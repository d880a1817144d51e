"""One training: where the images come from, which way they are learnt, what came of it."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from db.data_set_images import training_images
from db.data_set_queries import Snapshot, find_data_set, require_free, snapshot, taken_of
from db.engine import reading
from db.training_queries import Labelled
from db.training_records import NewTraining, uses_of
from hydra_ioc.label_folders import rows_of
from hydra_ioc.labelled import dataset_of
from hydra_ioc.record import open_record
from hydra_ioc.training_apart import Order, train_apart
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.messages import Shape
from pipeline.vision.card import KERAS_FILE, ModelCard, file_digest, read_card
from pipeline.vision.checkpoint import Checkpoint
from pipeline.vision.dataset import VALIDATION, Dataset, load_labelled
from pipeline.vision.evaluation import Rate, balanced_accuracy, confusion_of
from pipeline.vision.sampling import resample
from pipeline.vision.stopping import Stop

PREPROCESSING: Final = "area-rgb"
PRETRAINED: Final = "domain-pretrained"
WORKERS: Final = 2
BATCHES: Final = {"inceptionv3-cbam": 8, "vgg16-cbam": 8}
"""Images of a step where 32 would not do: InceptionV3 took 7.4 GB at 240 x 320."""
BATCH: Final = 32
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a training; with its images it can be done again."""

    plots: tuple[str, ...]
    architecture: str = PRETRAINED
    shape: Shape = (240, 320, 3)
    sampling: str = "normal"
    epochs: int = 20
    anneal_epochs: int = 0
    learning_rate: float = 2e-3
    stop_quantity: str = ""
    """See ``pipeline.vision.stopping``; empty for no early stop."""
    stop_value: float = 0.0
    patience: int = 0
    validation: float = 0.25
    """Share of the runs held out."""
    seed: int = 1
    start: str = ""
    """Digest of the model to start from; empty for none."""
    weights: str = ""
    """File of published weights to start from; empty for none."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The images of a training."""

    dataset: Dataset
    images: tuple[Labelled, ...] = ()
    """The kept images behind it, in the same order; empty for images from elsewhere."""
    told: str = "record"
    """Where they came from."""
    data_sets: tuple[Snapshot, ...] = ()
    """The labels of the record that were taken, one list a plot type."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a training."""

    digest: str
    held_out: tuple[int, ...]
    """Indices of the images that only validated."""
    judged: tuple[int, ...]
    """Indices of the images that were judged by a model that was not fitted to them."""
    probabilities: NDArray[np.floating]
    """(len(judged), C)."""


def from_record(
    config: Config, plots: tuple[str, ...], shape: Shape, since: float, versions: Sequence[str] = ()
) -> Source:
    """Take the labelled images of the record, all that are labelled now.

    Args:
        config: The deployment.
        plots: Plot types, merged if there are several.
        shape: Input of the model.
        since: Only labels given at or after, seconds since the epoch.
        versions: Data sets, one a plot type, whose labels are taken instead of those of now.

    Raises:
        InputError: There are none, or they cannot be read.
    """
    with reading(open_record(config)) as session:
        if versions:
            sets = [taken_of(session, find_data_set(session, told)) for told in versions]
            _check_plots(sets, plots)
        else:
            sets = [snapshot(session, plot, since) for plot in plots]
        for taken in sets:
            # Rather now than when the model is to be registered.
            require_free(session, taken)
        found = [one for taken in sets for one in training_images(session, taken)]
    images = tuple(sorted(found, key=lambda one: one.plot_id))
    dataset = dataset_of(config, ", ".join(plots), images, PREPROCESSING, shape)
    return Source(dataset, images, data_sets=tuple(sets))


def _check_plots(sets: Sequence[Snapshot], plots: Sequence[str]) -> None:
    """Refuse data sets that are not one of each plot type.

    Raises:
        InputError: Says of which plots they are.
    """
    found = [taken.plot for taken in sets]
    if sorted(found) != sorted(plots):
        raise InputError(
            f"expected one data set each of {', '.join(plots)}, received data sets of"
            f" {', '.join(found)}; 'hydra-ioc datasets list' shows them"
        )


def from_folder(config: Config, folder: Path, table: Path | None, shape: Shape) -> Source:
    """Take the images of a folder with the labels of a table or of its folders."""
    rows = rows_of(config, folder, table)
    dataset = load_labelled(rows, PREPROCESSING, shape, config.input.max_pixels)
    return Source(dataset, told=f"folder {folder}")


def from_simulation(plot: str, count: int, shape: Shape, seed: int) -> Source:
    """Draw images of the simulated experiment."""
    from hydra_ioc.simulated import dataset, training_samples

    samples = list(training_samples(plot, count, seed))
    told = f"simulation of {plot}, {count} images, seed {seed}"
    return Source(dataset(samples, PREPROCESSING, shape, WORKERS), told=told)


def run(
    request: Request, source: Source, store: Path, say: Say, keep: Path, *, resume: bool = False
) -> Result:
    """Train a model and put it into the model store.

    Args:
        request: What is asked.
        source: The images.
        store: The model store.
        say: Told how far it is.
        keep: Folder where interrupted trainings are kept.
        resume: Go on with an interrupted one.

    Returns:
        The model and what it said of images it was not fitted to.

    Raises:
        InputError: The images or the request do not allow it.
    """
    counts = ", ".join(f"{label} {count}" for label, count in source.dataset.counts().items())
    say(f"{len(source.dataset)} images: {counts}")
    if flattered := _pinned_within(source.dataset):
        say(
            f"{flattered} images are pinned to validation and others of their runs are not: what is"
            " said of them is flattering"
        )
    if request.architecture == PRETRAINED:
        return _few(request, source.dataset, store, say)
    key = hashlib.sha256(
        f"{msgspec.json.encode(request).decode()} {source.dataset.digest()}".encode()
    ).hexdigest()
    return _net(request, source.dataset, store, say, (Checkpoint(keep / key[:16], key), resume))


def _pinned_within(dataset: Dataset) -> int:
    """Count images that are pinned to validation while training may see their run."""
    if dataset.pinned is None:
        return 0
    pinned = dataset.pinned == VALIDATION
    return int((pinned & np.isin(dataset.runs, dataset.runs[~pinned])).sum())


def _few(request: Request, dataset: Dataset, store: Path, say: Say) -> Result:
    from pipeline.vision.backbone import shipped
    from pipeline.vision.fewshot_training import save_few, train_few

    if request.start or request.weights:
        raise InputError(f"{PRETRAINED} starts from the backbone; leave out --start and --weights")
    chosen = np.unique(resample(dataset.truth, dataset.labels, request.sampling, seed=request.seed))
    few = train_few(shipped(), dataset.take(chosen), seed=request.seed)
    say(f"calibrated: {few.calibration}")
    digest = save_few(
        few, shipped(), store, request.plots, note=request.note, settings=told(request)
    )
    pinned = np.zeros(len(dataset)) if dataset.pinned is None else dataset.pinned
    return Result(
        digest,
        tuple(int(index) for index in np.flatnonzero(pinned == VALIDATION)),
        tuple(int(index) for index in chosen[few.judged]),
        few.probabilities,
    )


def _net(
    request: Request, dataset: Dataset, store: Path, say: Say, kept: tuple[Checkpoint, bool]
) -> Result:
    settings = {
        "architecture": request.architecture,
        "input_shape": request.shape,
        "preprocessing": PREPROCESSING,
        "epochs": request.epochs,
        "batch": BATCHES.get(request.architecture, BATCH),
        "anneal_epochs": request.anneal_epochs,
        "learning_rate": request.learning_rate,
        "stop": Stop(request.stop_quantity, request.stop_value, request.patience),
        "validation": request.validation,
        "sampling": request.sampling,
        "seed": request.seed,
        "weights": request.weights,
    }
    origin = ""
    if request.weights:
        file = Path(request.weights)
        origin = f"{file.name}, SHA-256 {file_digest(file)}"
    keep, resume = kept
    named = {
        "parent": request.start,
        "note": request.note,
        "weights": origin,
        "told": told(request),
    }
    order = Order(
        dataset=dataset,
        settings=settings,
        start=store / request.start / KERAS_FILE if request.start else None,
        keep=keep,
        resume=resume,
        store=store,
        plots=request.plots,
        named=named,
    )
    made = train_apart(order, say)
    return Result(made.digest, made.held_out, made.held_out, made.probabilities)


def told(request: Request) -> dict[str, str | int | float | bool]:
    """Give what the card tells of the settings."""
    left_out = ("plots", "shape", "architecture", "seed", "note", "start", "weights")
    return {
        name: value for name, value in dataclasses.asdict(request).items() if name not in left_out
    }


def record_of(request: Request, source: Source, result: Result, folder: Path) -> NewTraining:
    """Give what the record keeps of a training."""
    dataset, card = source.dataset, read_card(folder)
    return NewTraining(
        location=str(folder),
        plots=request.plots,
        source=source.told,
        settings=msgspec.to_builtins(request),
        uses=uses_of(source.images),
        curves=card.curves,
        judged=[
            {
                "name": dataset.names[index],
                "truth": dataset.labels[dataset.truth[index]],
                "probabilities": [round(float(value), 6) for value in probabilities],
            }
            for index, probabilities in zip(result.judged, result.probabilities, strict=True)
        ],
        data_sets=source.data_sets,
    )


def weak_labels(card: ModelCard) -> tuple[str, ...]:
    """Give the labels of which a model found no more than half in images it had not seen."""
    table = confusion_of(card.metrics.confusion)
    return tuple(
        label
        for index, label in enumerate(card.labels)
        if 2 * int(table[index, index]) <= int(table[index].sum())
    )


def describe(card: ModelCard) -> list[str]:
    """Say how a model did on runs that it was not fitted to, line by line."""
    table = confusion_of(card.metrics.confusion)
    lines = []
    if card.architecture != PRETRAINED:
        lines.append(
            f"validation runs: {len(card.validation_runs)},"
            f" training runs: {len(card.training_runs)}"
        )
    else:
        lines.append(f"{len(card.training_runs)} runs, each judged by a model without it")
    for index, label in enumerate(card.labels):
        rate = Rate(int(table[index, index]), int(table[index].sum()))
        given = ", ".join(
            f"{name} {int(n)}" for name, n in zip(card.labels, table[index], strict=True)
        )
        threshold = card.thresholds[label]
        lines.append(f"{label:12} recalled {rate}; judged as {given}; threshold {threshold:.2f}")
    right = Rate(int(table.trace()), int(table.sum()))
    lines.append(f"accuracy {right}; balanced {100 * balanced_accuracy(table):.2f} %")
    return lines
