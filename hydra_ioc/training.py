"""One training: where the images come from, which way they are learnt, what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from db.engine import reading
from db.training_queries import Labelled, labelled_images
from hydra_ioc.labelled import dataset_of
from hydra_ioc.record import open_record
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.messages import Shape
from pipeline.vision.card import ModelCard
from pipeline.vision.dataset import Dataset, load_labelled, read_table
from pipeline.vision.evaluation import Rate, balanced_accuracy, confusion_of
from pipeline.vision.sampling import resample

PREPROCESSING: Final = "area-rgb"
PRETRAINED: Final = "domain-pretrained"
WORKERS: Final = 2
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a training."""

    plots: tuple[str, ...]
    architecture: str
    shape: Shape
    sampling: str
    epochs: int
    validation: float
    seed: int
    start: str
    """Digest of the model to start from; empty for none."""
    note: str


@dataclass(frozen=True, slots=True)
class Source:
    """The images of a training."""

    dataset: Dataset
    images: tuple[Labelled, ...] = ()
    """The kept images behind it, in the same order; empty for images from elsewhere."""


def from_record(config: Config, plot: str, shape: Shape) -> Source:
    """Take the labelled images of the record.

    Raises:
        InputError: There are none, or they cannot be read.
    """
    with reading(open_record(config)) as session:
        images = labelled_images(session, plot)
    return Source(dataset_of(config, plot, images, PREPROCESSING, shape), images)


def from_folder(config: Config, folder: Path, table: Path, shape: Shape) -> Source:
    """Take the images of a folder that a label table names."""
    rows = read_table(folder, table, config.input.run)
    return Source(load_labelled(rows, PREPROCESSING, shape, config.input.max_pixels))


def from_simulation(plot: str, count: int, shape: Shape, seed: int) -> Source:
    """Draw images of the simulated experiment."""
    from hydra_ioc.simulated import dataset, training_samples

    samples = list(training_samples(plot, count, seed))
    return Source(dataset(samples, PREPROCESSING, shape, WORKERS))


def run(request: Request, source: Source, store: Path, say: Say) -> str:
    """Train a model and put it into the model store.

    Args:
        request: What is asked.
        source: The images.
        store: The model store.
        say: Told how far it is.

    Returns:
        The digest of the model.

    Raises:
        InputError: The images or the request do not allow it.
    """
    counts = ", ".join(f"{label} {count}" for label, count in source.dataset.counts().items())
    say(f"{len(source.dataset)} images: {counts}")
    train = _few if request.architecture == PRETRAINED else _net
    return train(request, source.dataset, store, say)


def _few(request: Request, dataset: Dataset, store: Path, say: Say) -> str:
    from pipeline.vision.backbone import shipped
    from pipeline.vision.fewshot_training import save_few, train_few

    if request.start:
        raise InputError(f"{PRETRAINED} starts from the backbone; leave out --start")
    chosen = resample(dataset.truth, dataset.labels, request.sampling, seed=request.seed)
    few = train_few(shipped(), dataset.take(np.unique(chosen)), seed=request.seed)
    say(
        f"calibrated: temperature {few.temperature:.2f}, expected calibration error"
        f" {few.error_before:.3f} -> {few.error_after:.3f}"
    )
    return save_few(few, shipped(), store, request.plots, note=request.note)


def _net(request: Request, dataset: Dataset, store: Path, say: Say) -> str:
    from pipeline.vision.export import KERAS_FILE, save
    from pipeline.vision.fitting import Settings
    from pipeline.vision.training import load_body, train

    settings = Settings(
        architecture=request.architecture,
        input_shape=request.shape,
        preprocessing=PREPROCESSING,
        epochs=request.epochs,
        validation=request.validation,
        sampling=request.sampling,
        seed=request.seed,
    )
    body = load_body(store / request.start / KERAS_FILE) if request.start else None
    trained = train(dataset, settings, say, body)
    return save(trained, store, request.plots, parent=request.start, note=request.note)


def describe(card: ModelCard) -> list[str]:
    """Say how a model did on runs that it was not fitted to, line by line."""
    table = confusion_of(card.metrics.confusion)
    lines = []
    if card.validation_runs:
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
