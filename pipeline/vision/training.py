"""Training a network on a labelled data set.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.messages import Shape
from pipeline.vision.architectures import DOMAIN, Network, build
from pipeline.vision.dataset import Dataset, split_by_run
from pipeline.vision.evaluation import confusion, max_f1_thresholds

GOOD: Final = "Good"
FRONT_BATCH: Final = 32
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training needs beside its images."""

    architecture: str = DOMAIN
    input_shape: Shape = (240, 320, 3)
    preprocessing: str = "area-rgb"
    epochs: int = 20
    batch: int = 32
    learning_rate: float = 2e-3
    """At the start; falls to 0 along half a cosine."""
    validation: float = 0.25
    """Share of the runs held out."""
    seed: int = 1
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network and what the card will say of it."""

    network: Network
    settings: Settings
    labels: tuple[str, ...]
    thresholds: dict[str, float]
    confusion: NDArray[np.int64]
    loss: float
    training_counts: dict[str, int]
    training_runs: tuple[int, ...]
    validation_runs: tuple[int, ...]
    training_set: str
    sample: NDArray[np.uint8]
    """A few validation images, for the check of the export."""


def train(
    dataset: Dataset,
    settings: Settings,
    progress: Progress,
    start: keras.Model | None = None,
) -> Trained:
    """Train one plot type's network; the best epoch on the validation runs counts.

    Args:
        dataset: All labelled images; split here by run.
        settings: How to train.
        progress: Called with one line after each epoch.
        start: Body of a network with the same labels, to start from.

    Returns:
        The trained network with its validation results.

    Raises:
        InputError: The set cannot be split by run, or the start does not fit.
    """
    prepare_runtime(settings)
    training, validation = split_by_run(dataset, settings.validation, settings.seed)
    network = build(settings.architecture, len(dataset.labels), settings.input_shape)
    if start is not None:
        copy_weights(start, network.body)
    adapt(network, dataset.take(training))
    fields = front_fields(network, dataset.images)
    fit(
        network.body,
        (fields[training], dataset.truth[training]),
        (fields[validation], dataset.truth[validation]),
        settings,
        progress,
    )
    return assess(network, dataset, training, validation, settings)


def prepare_runtime(settings: Settings) -> None:
    """Seed every source of chance and bound the threads of TensorFlow.

    Args:
        settings: Seed and threads. TensorFlow takes a number of threads only
            before its first use in a process; a later one is left as it is.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    if tf.config.threading.get_intra_op_parallelism_threads() == 0:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            if "initialized" not in str(error):
                raise


def adapt(network: Network, training: Dataset) -> None:
    """Show the baseline the Good training images; all of them where none is Good."""
    if network.baseline is None:
        return
    good = [index for index, label in enumerate(training.labels) if label == GOOD]
    chosen = np.isin(training.truth, good)
    network.baseline.adapt(training.images[chosen] if chosen.any() else training.images)


def front_fields(network: Network, images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Run the fixed front once over all images.

    Args:
        network: With an adapted baseline.
        images: (N, H, W, 3) uint8.

    Returns:
        What the body learns from, as float16 to spare memory.
    """
    shape = network.body.input.shape[1:]
    fields = np.empty((len(images), *shape), np.float16)
    for first in range(0, len(images), FRONT_BATCH):
        batch = images[first : first + FRONT_BATCH]
        fields[first : first + len(batch)] = network.front(batch).numpy()
    return fields


Examples = tuple[NDArray[np.float16], NDArray[np.int64]]


def fit(
    body: keras.Model,
    training: Examples,
    validation: Examples,
    settings: Settings,
    progress: Progress,
) -> None:
    """Fit a body; it ends with the weights of its best epoch.

    Args:
        body: Fields to the three outputs.
        training: Fields and true labels.
        validation: The same, of other runs.
        settings: How to train.
        progress: Called with one line after each epoch.
    """
    learner = keras.Model(body.input, body.output["probabilities"])
    steps = math.ceil(len(training[1]) / settings.batch)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, max(1, steps * settings.epochs)
    )
    learner.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    best = _Best(progress, settings.epochs)
    learner.fit(
        _Batches(training, settings.batch, settings.seed, weigh(training[1])),
        validation_data=_Batches(validation, settings.batch, None, None),
        epochs=settings.epochs,
        callbacks=[best],
        verbose=0,
    )
    learner.set_weights(best.weights)


def weigh(truth: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weigh each image so that a rare label counts as much as a frequent one.

    The weight of a label is bounded to 1/4..4 of the mean, so that a handful
    of images does not rule the training.
    """
    counts = np.bincount(truth)
    weights = len(truth) / np.maximum(counts, 1) / np.count_nonzero(counts)
    return np.clip(weights, 0.25, 4.0)[truth].astype(np.float32)


def assess(
    network: Network,
    dataset: Dataset,
    training: NDArray[np.int64],
    validation: NDArray[np.int64],
    settings: Settings,
) -> Trained:
    """Judge the validation images and choose the thresholds on them."""
    held_out = dataset.take(validation)
    probabilities = predict(network.model, held_out.images)
    right = probabilities[np.arange(len(held_out)), held_out.truth]
    return Trained(
        network=network,
        settings=settings,
        labels=dataset.labels,
        thresholds=max_f1_thresholds(probabilities, held_out.truth, dataset.labels),
        confusion=confusion(held_out.truth, probabilities.argmax(axis=1), len(dataset.labels)),
        loss=float(-np.log(np.maximum(right, 1e-7)).mean()),
        training_counts=dataset.take(training).counts(),
        training_runs=_runs(dataset, training),
        validation_runs=_runs(dataset, validation),
        training_set=dataset.digest(),
        sample=held_out.images[:: max(1, len(held_out) // 8)][:8],
    )


def predict(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the probabilities (N, C) of images (N, H, W, 3)."""
    batches = [
        model(images[first : first + FRONT_BATCH], training=False)["probabilities"].numpy()
        for first in range(0, len(images), FRONT_BATCH)
    ]
    return np.concatenate(batches)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Start a body from another one.

    Raises:
        InputError: They differ in architecture or number of labels.
    """
    given = [tuple(weight.shape) for weight in source.weights]
    expected = [tuple(weight.shape) for weight in target.weights]
    if given != expected:
        raise InputError(
            "the model to start from has another architecture or number of labels;"
            " start from one with the same, or from none"
        )
    target.set_weights(source.get_weights())


def _runs(dataset: Dataset, chosen: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(run) for run in np.unique(dataset.runs[chosen]))


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of float32 fields from a float16 store; shuffled when seeded."""

    def __init__(
        self,
        examples: Examples,
        batch: int,
        seed: int | None,
        weights: NDArray[np.float32] | None,
    ) -> None:
        super().__init__()
        self.fields, self.truth = examples
        self.batch = batch
        self.weights = weights
        self.generator = None if seed is None else np.random.default_rng(seed)
        self.order = np.arange(len(self.truth))
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self.truth) / self.batch)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        examples = (self.fields[chosen].astype(np.float32), self.truth[chosen])
        return examples if self.weights is None else (*examples, self.weights[chosen])

    def on_epoch_end(self) -> None:
        if self.generator is not None:
            self.generator.shuffle(self.order)


class _Best(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the epoch with the lowest validation loss."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        super().__init__()
        self.progress = progress
        self.epochs = epochs
        self.loss = float("inf")
        self.weights: list[NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        numbers = logs or {}
        loss = numbers["val_loss"]
        if not self.weights or loss < self.loss:
            self.loss, self.weights = loss, self.model.get_weights()
        self.progress(
            f"epoch {epoch + 1}/{self.epochs}: loss {numbers['loss']:.4f},"
            f" accuracy {numbers['accuracy']:.4f}; validation loss {loss:.4f},"
            f" accuracy {numbers['val_accuracy']:.4f}"
        )


def with_changes(settings: Settings, **changes: Any) -> Settings:
    """Give settings with some values changed."""
    return dataclasses.replace(settings, **changes)
