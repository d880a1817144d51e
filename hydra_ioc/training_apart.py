"""The training of a net in processes of their own: one fits, one exports a large net."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.apart import Died, apart
from hydra_ioc.training_extra import need_training
from pipeline.vision.checkpoint import Checkpoint
from pipeline.vision.dataset import Dataset

LARGE: Final = 1_000_000
"""Weights from which on a net is exported in another process than it was fitted in. With
fewer the export takes less than the imports of another process."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A training of a net."""

    dataset: Dataset
    settings: dict[str, Any]
    """Of ``pipeline.vision.fitting.Settings``, which needs TensorFlow."""
    start: Path | None
    """Keras file of the model to start from."""
    keep: Checkpoint
    resume: bool
    store: Path
    plots: tuple[str, ...]
    named: dict[str, Any]
    """What else ``pipeline.vision.export.save`` is to put on the card."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a training."""

    digest: str
    held_out: tuple[int, ...]
    """Indices into the data set of the validation images."""
    probabilities: NDArray[np.float32]
    """(V, C) of them."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A net that waits for its export; it lies where the training is kept."""

    facts: dict[str, Any]
    """Of ``pipeline.vision.training.Trained``, but for the network and the settings."""


def train_apart(order: Order, say: Say) -> Made:
    """Train a net and put it into the model store.

    Neither TensorFlow nor what it allocates stays in this process.

    Args:
        order: What is asked.
        say: Told how far it is.

    Raises:
        InputError: The images or the settings do not allow it.
        Died: One of the processes was killed; what was learnt in whole epochs is kept.
        HydraError: Something else failed; says what.
    """
    try:
        done = apart("the training", _fit, order, say=say)
        if isinstance(done, Fitted):
            none = order.dataset.take(np.zeros(0, np.int64))
            light = dataclasses.replace(order, dataset=none)
            done = apart("the export", _export, light, done, say=say)
    except Died as error:
        raise Died(f"{error}. Whole epochs are kept: go on with --resume") from error
    order.keep.remove()
    return done


def _fit(say: Say, order: Order) -> Made | Fitted:
    with need_training():
        from pipeline.vision.fitting import Settings
        from pipeline.vision.training import load_body, save_network, train

        body = None if order.start is None else load_body(order.start)
        settings = Settings(**order.settings)
        trained = train(order.dataset, settings, say, body, keep=order.keep, resume=order.resume)
        say(f"calibrated: {trained.calibration}")
        if trained.network.model.count_params() < LARGE:
            return _save(trained, order)
        save_network(trained.network, order.keep.fitted)
        # The settings are of a module that needs TensorFlow, which the parent does without.
        left_out = ("network", "settings")
        names = [one.name for one in dataclasses.fields(trained) if one.name not in left_out]
        return Fitted({name: getattr(trained, name) for name in names})


def _export(_: Say, order: Order, fitted: Fitted) -> Made:
    with need_training():
        from pipeline.vision.fitting import Settings
        from pipeline.vision.training import Trained, load_network

        network, settings = load_network(order.keep.fitted), Settings(**order.settings)
        trained = Trained(network=network, settings=settings, **fitted.facts)
        return _save(trained, order, kept=order.keep.fitted)


def _save(trained: Any, order: Order, kept: Path | None = None) -> Made:
    from pipeline.vision.export import save

    digest = save(trained, order.store, order.plots, kept=kept, **order.named)
    return Made(digest, trained.held_out, trained.probabilities)
