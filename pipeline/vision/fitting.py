"""Fitting the body of a network to fields that its front has computed.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from pipeline.messages import Shape
from pipeline.vision.architectures import DOMAIN
from pipeline.vision.checkpoint import Checkpoint, Progressed, restore
from pipeline.vision.examples import Examples
from pipeline.vision.stopping import QUANTITIES, Stop

HEAT_FLOOR: Final = 1e-4
"""Keeps the logarithm of a share finite where no heat is inside."""
WARM: Final = 0.1
"""Heat, summed over a map in units of the logit, from which its place counts."""
ANNEAL: Final = 0.02
"""Learning rate of the anneal epochs, as a share of that of the start."""
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
    anneal_epochs: int = 0
    """After the epochs: all layers free, at a low learning rate."""
    stop: Stop = field(default_factory=Stop)
    """When the epochs end early."""
    weights: str = ""
    """File of weights for the layers of a published network; they stay fixed until the
    anneal epochs. Empty for chance."""
    good_odds: float = 1.0
    """By how much Good is likelier in operation than in training, relative to
    every other label."""
    threads: int = 2


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
    keep: Checkpoint | None = None,
    resume: bool = False,
) -> dict[str, tuple[float, ...]]:
    """Fit a body; it ends with the weights of its best epoch.

    First come the epochs, which the stop may end early; what was frozen stays
    so. Then come the anneal epochs: from the best weights so far, with all
    layers free, at ``ANNEAL`` of the learning rate.

    Args:
        body: Fields to the three outputs.
        learn: Of the training runs.
        check: Of the validation runs.
        settings: How to train.
        progress: Called with one line after each epoch.
        started: Whether the body has learnt already, so that its present
            weights count as an epoch too.
        keep: Where an interrupted training is kept.
        resume: Go on from there.

    Returns:
        Loss and accuracy of training and validation, epoch by epoch.

    Raises:
        InputError: There is nothing to resume, or the disk refuses.
    """
    done, arrays = Progressed(), None
    if resume and keep is not None:
        done, arrays = keep.read()
    for number, epochs in enumerate((settings.epochs, settings.anneal_epochs)):
        if number < done.phase or (number and not epochs):
            continue
        if number:
            body.trainable = True
        if number > done.phase:
            done.phase, done.epoch, done.ended = number, 0, False
        epochs_of = _Epochs(progress, settings, done, keep)
        _phase(body, (learn, check), epochs_of, arrays, started=started)
        started, arrays = True, None
    return {name: tuple(values) for name, values in done.curves.items()}


def _phase(
    body: keras.Model,
    examples: tuple[Examples, Examples],
    epochs: "_Epochs",
    arrays: dict[str, NDArray[Any]] | None,
    *,
    started: bool,
) -> None:
    """Run the epochs of one phase that are left, and keep the best weights."""
    (learn, check), done, settings = examples, epochs.done, epochs.settings
    last = settings.anneal_epochs if done.phase else settings.epochs
    steps = math.ceil(len(learn.truth) / settings.batch)
    learner = _learner(body, settings, done.phase, steps)
    held_out = _Batches(check, settings.batch, None)
    if arrays is not None:
        epochs.best = restore(learner, arrays)
    elif started:
        epochs.begin(learner, learner.evaluate(held_out, verbose=0, return_dict=True))
    if not done.ended and done.epoch < last:
        learner.fit(
            _Batches(learn, settings.batch, settings.seed + 1000 * done.phase, done.epoch),
            validation_data=held_out,
            initial_epoch=done.epoch,
            epochs=last,
            callbacks=[epochs],
            # Keras would shuffle the batches by a state that is not in the checkpoint.
            shuffle=False,
            verbose=0,
        )
    learner.set_weights(epochs.best)


def _learner(body: keras.Model, settings: Settings, phase: int, steps: int) -> keras.Model:
    heeded = ("probabilities", "maps")
    learner = keras.Model(body.input, {name: body.output[name] for name in heeded})
    rate: Any = settings.learning_rate * ANNEAL
    if not phase:
        rate = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate, max(1, steps * settings.epochs)
        )
    learner.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4),
        {"probabilities": "sparse_categorical_crossentropy", "maps": heat_outside},
        loss_weights={"probabilities": 1.0, "maps": settings.heat_weight},
        metrics={"probabilities": "accuracy"},
    )
    return learner


def weigh(truth: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weigh each image so that a rare label counts as much as a frequent one.

    The weight of a label is bounded to 1/4..4 of the mean, so that a handful
    of images does not rule the training.
    """
    counts = np.bincount(truth)
    weights = len(truth) / np.maximum(counts, 1) / np.count_nonzero(counts)
    return np.clip(weights, 0.25, 4.0)[truth].astype(np.float32)


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of examples; shuffled and weighed when seeded.

    The order of an epoch follows from seed and epoch alone, so that a training
    that was interrupted goes on in the same order.
    """

    def __init__(self, examples: Examples, batch: int, seed: int | None, epoch: int = 0) -> None:
        super().__init__()
        self.examples = examples
        self.batch = batch
        self.seed = seed
        self.epoch = epoch
        self.weights = weigh(examples.truth) * examples.weights
        self.order = np.arange(len(examples.truth))
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        taken = self.examples.take(chosen)
        wanted = {"probabilities": taken.truth, "maps": taken.regions}
        batch = (taken.fields, wanted)
        return batch if self.seed is None else (*batch, self.weights[chosen])

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        if self.seed is not None:
            self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.order))


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best weights, tells every epoch, stops early, writes the checkpoint."""

    def __init__(
        self, progress: Progress, settings: Settings, done: Progressed, keep: Checkpoint | None
    ) -> None:
        super().__init__()
        self.progress = progress
        self.settings = settings
        self.done = done
        self.keep = keep
        self.best: list[NDArray[Any]] = []

    def begin(self, learner: keras.Model, numbers: dict[str, float]) -> None:
        """Take the weights before the first epoch for the best so far."""
        self.done.best_loss, self.best = numbers["probabilities_loss"], learner.get_weights()
        self.done.waited = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        done, given = self.done, logs or {}
        numbers = {name: float(given[_logged(name)]) for name in QUANTITIES}
        for name, value in numbers.items():
            done.curves.setdefault(name, []).append(value)
        done.waited += 1
        if not self.best or numbers["val_loss"] < done.best_loss:
            done.best_loss, self.best, done.waited = (
                numbers["val_loss"],
                self.model.get_weights(),
                0,
            )
        last = self.settings.anneal_epochs if done.phase else self.settings.epochs
        self.progress(
            f"{'anneal ' if done.phase else ''}epoch {epoch + 1}/{last}:"
            f" loss {numbers['loss']:.4f}, accuracy {numbers['accuracy']:.4f};"
            f" validation loss {numbers['val_loss']:.4f}, accuracy {numbers['val_accuracy']:.4f}"
        )
        done.epoch = epoch + 1
        if reason := self.settings.stop.reason(numbers, done.waited):
            self.progress(f"stopped early: {reason}")
            done.ended = self.model.stop_training = True
        if self.keep is not None:
            self.keep.write(done, self.model, self.best)


def _logged(quantity: str) -> str:
    """Give the name under which Keras logs a quantity."""
    side, _, kind = quantity.rpartition("_")
    return f"{side}_probabilities_{kind}" if side else f"probabilities_{kind}"
