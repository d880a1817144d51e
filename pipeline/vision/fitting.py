"""Fitting the body of a network to fields that its front has computed.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pipeline.messages import Shape
from pipeline.vision.architectures import DOMAIN, Network
from pipeline.vision.dataset import Dataset

FRONT_BATCH: Final = 32
HEAT_FLOOR: Final = 1e-4
"""Keeps the logarithm of a share finite where no heat is inside."""
WARM: Final = 0.1
"""Heat, summed over a map in units of the logit, from which its place counts."""
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
    sampling: str = "normal"
    """How often each training image is shown; see ``pipeline.vision.sampling``."""
    seed: int = 1
    heat_weight: float = 0.3
    """Weight of the loss that draws heat into known fault regions."""
    good_odds: float = 1.0
    """By how much Good is likelier in operation than in training, relative to
    every other label."""
    threads: int = 2


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


@dataclass(frozen=True, slots=True)
class Examples:
    """What the body learns from."""

    fields: NDArray[np.float16]
    truth: NDArray[np.int64]
    regions: NDArray[np.float32]
    """(N, C, h, w) like the maps: 1 where the heat of a label should be; all 0
    when that is unknown."""

    def take(self, chosen: NDArray[np.int64]) -> "Examples":
        """Give the examples of the given indices."""
        return Examples(self.fields[chosen], self.truth[chosen], self.regions[chosen])


def make_examples(network: Network, dataset: Dataset) -> Examples:
    """Run the front over a data set and lay out where the heat should be.

    Args:
        network: With an adapted baseline.
        dataset: Its regions count when they fit the network's maps.

    Returns:
        Examples in the order of the data set.
    """
    maps = network.body.output["maps"].shape[1:]
    regions = np.zeros((len(dataset), *maps), np.float32)
    if dataset.regions is not None and dataset.regions.shape[1:] == maps[1:]:
        regions[np.arange(len(dataset)), dataset.truth] = dataset.regions
    return Examples(front_fields(network, dataset.images), dataset.truth, regions)


def heat_outside(regions: Any, maps: Any) -> Any:
    """Loss of a map: minus the logarithm of the share of its heat inside the region.

    Args:
        regions: (N, C, h, w), all 0 where no region is known: no loss then.
        maps: (N, C, h, w), at least 0.

    Returns:
        (N,) losses.
    """
    known = ops.cast(ops.any(regions > 0, axis=(2, 3)), "float32")
    inside = ops.sum(maps * regions, axis=(2, 3))
    # A cold map must cost more than a misplaced one, or the net goes without heat.
    share = inside / (ops.sum(maps, axis=(2, 3)) + WARM)
    return -ops.sum(known * ops.log(share + HEAT_FLOOR), axis=1)


def fit(
    body: keras.Model,
    learn: Examples,
    check: Examples,
    settings: Settings,
    progress: Progress,
    *,
    started: bool = False,
) -> None:
    """Fit a body; it ends with the weights of its best epoch.

    Args:
        body: Fields to the three outputs.
        learn: Of the training runs.
        check: Of the validation runs.
        settings: How to train.
        progress: Called with one line after each epoch.
        started: Whether the body has learnt already, so that its present
            weights count as an epoch too.
    """
    heeded = ("probabilities", "maps")
    learner = keras.Model(body.input, {name: body.output[name] for name in heeded})
    steps = math.ceil(len(learn.truth) / settings.batch)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, max(1, steps * settings.epochs)
    )
    learner.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4),
        {"probabilities": "sparse_categorical_crossentropy", "maps": heat_outside},
        loss_weights={"probabilities": 1.0, "maps": settings.heat_weight},
        metrics={"probabilities": "accuracy"},
    )
    best = _Best(progress, settings.epochs)
    held_out = _Batches(check, settings.batch, None, None)
    if started:
        best.begin(learner, learner.evaluate(held_out, verbose=0, return_dict=True))
    learner.fit(
        _Batches(learn, settings.batch, settings.seed, weigh(learn.truth)),
        validation_data=held_out,
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
        self.examples = examples
        self.batch = batch
        self.weights = weights
        self.generator = None if seed is None else np.random.default_rng(seed)
        self.order = np.arange(len(examples.truth))
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        taken = self.examples.take(chosen)
        wanted = {"probabilities": taken.truth, "maps": taken.regions}
        batch = (taken.fields.astype(np.float32), wanted)
        return batch if self.weights is None else (*batch, self.weights[chosen])

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

    def begin(self, learner: keras.Model, numbers: dict[str, float]) -> None:
        """Take the weights before the first epoch for the best so far."""
        self.loss, self.weights = numbers["probabilities_loss"], learner.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        numbers = logs or {}
        loss = numbers["val_probabilities_loss"]
        if not self.weights or loss < self.loss:
            self.loss, self.weights = loss, self.model.get_weights()
        self.progress(
            f"epoch {epoch + 1}/{self.epochs}: loss {numbers['probabilities_loss']:.4f},"
            f" accuracy {numbers['probabilities_accuracy']:.4f}; validation loss {loss:.4f},"
            f" accuracy {numbers['val_probabilities_accuracy']:.4f}"
        )
