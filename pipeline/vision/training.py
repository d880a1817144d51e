"""Training a network on a labelled data set.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.errors import InputError, ModelError
from pipeline.vision.architectures import Network, build
from pipeline.vision.calibration import Calibration, calibrate
from pipeline.vision.checkpoint import Checkpoint
from pipeline.vision.dataset import Dataset, split_by_run
from pipeline.vision.evaluation import confusion, max_f1_thresholds
from pipeline.vision.examples import Examples, make_examples
from pipeline.vision.fitting import Progress, Settings, fit
from pipeline.vision.judged import JudgedImage, images_of
from pipeline.vision.normal import from_views, mean_of
from pipeline.vision.sampling import resample

GOOD: Final = "Good"
JUDGED_AT_ONCE: Final = 8
"""Images of one pass when a training judges: each holds 200 MB in the largest nets."""
SMALLEST: Final = 1e-30
"""Least probability whose logarithm is taken; float32 ends at 1e-38."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network and what the card will say of it."""

    network: Network
    settings: Settings
    labels: tuple[str, ...]
    thresholds: dict[str, float]
    confusion: NDArray[np.int64]
    loss: float
    calibration: Calibration
    training_counts: dict[str, int]
    training_runs: tuple[int, ...]
    validation_runs: tuple[int, ...]
    training_set: str
    sample: NDArray[np.uint8]
    """A few validation images, for the check of the export."""
    normal: NDArray[np.uint8] | None = None
    """(H, W, 3), what is put under masks."""
    held_out: tuple[int, ...] = ()
    """Indices into the data set of the validation images."""
    truth: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(V,) labels of the validation images."""
    probabilities: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(V, C) of the validation images."""
    judged: tuple[JudgedImage, ...] = ()
    """What it says of all images, for the report."""
    curves: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Loss and accuracy of training and validation, epoch by epoch."""


def train(
    dataset: Dataset,
    settings: Settings,
    progress: Progress,
    start: keras.Model | None = None,
    *,
    keep: Checkpoint | None = None,
    resume: bool = False,
) -> Trained:
    """Train one plot type's network; the best epoch on the validation runs counts.

    Args:
        dataset: All labelled images; split here by run.
        settings: How to train.
        progress: Called with one line after each epoch.
        start: Body of a network with the same labels, to start from.
        keep: Where an interrupted training is kept.
        resume: Go on from there.

    Returns:
        The trained network with its validation results.

    Raises:
        InputError: The set cannot be split by run, or the start does not fit.
    """
    prepare_runtime(settings)
    task = lay_out(dataset, settings)
    if start is not None:
        copy_weights(start, task.network.body)
    curves = fit(
        task.network.body, task.learn, task.check, settings, progress, keep=keep, resume=resume
    )
    return replace(assess(task), curves=curves)


@dataclass(frozen=True, slots=True)
class Task:
    """One plot type ready for training."""

    dataset: Dataset
    settings: Settings
    network: Network
    """Fresh, its baseline adapted to the training runs."""
    training: NDArray[np.int64]
    """Indices of the images of the training runs."""
    validation: NDArray[np.int64]
    learn: Examples
    check: Examples


def lay_out(dataset: Dataset, settings: Settings) -> Task:
    """Split a data set, build its network and compute what the body learns from.

    Raises:
        InputError: The set cannot be split by run.
    """
    training, validation = split_by_run(dataset, settings.validation, settings.seed)
    shown = resample(
        dataset.truth[training],
        dataset.labels,
        settings.sampling,
        seed=settings.seed,
        batch=settings.batch,
    )
    network = build(
        settings.architecture, len(dataset.labels), settings.input_shape, settings.weights
    )
    adapt(network, dataset, training)
    learn = make_examples(network, dataset, training[shown])
    check = make_examples(network, dataset, validation)
    return Task(dataset, settings, network, training, validation, learn, check)


def prepare_runtime(settings: Settings) -> None:
    """Seed every source of chance and bound the threads of TensorFlow.

    Args:
        settings: Seed and threads. TensorFlow takes a number of threads only
            before its first use in a process; a later one is left as it is.
    """
    # Names of layers count up within a process, and go into the files.
    keras.utils.clear_session()
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    if tf.config.threading.get_intra_op_parallelism_threads() == 0:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            if "initializ" not in str(error):
                raise


def adapt(network: Network, dataset: Dataset, training: NDArray[np.int64]) -> None:
    """Show the baseline the Good training images; all of them where none is Good."""
    if network.baseline is not None:
        network.baseline.adapt(dataset.images, _good(dataset, training))


def _good(dataset: Dataset, training: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the indices of the Good training images; of all of them where none is Good."""
    good = [index for index, label in enumerate(dataset.labels) if label == GOOD]
    chosen = training[np.isin(dataset.truth[training], good)]
    return chosen if len(chosen) else training


def calibrated(body: keras.Model, temperature: float) -> None:
    """Divide the logits of a body by a temperature.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2. Kernel and bias take it in, so the
        graph stays as it is, and maps keep their shares.
    """
    dense = body.get_layer("logits")
    dense.kernel.assign(dense.kernel.numpy() / temperature)
    dense.bias.assign(dense.bias.numpy() / temperature)


def favour_good(body: keras.Model, labels: tuple[str, ...], odds: float) -> None:
    """Move a body from the shares of its training to those of operation.

    Args:
        body: A fitted body.
        labels: Its labels.
        odds: By how much Good is likelier in operation, above 0; 1 changes nothing.

    Source:
        Bayes' theorem: a change of the prior adds the logarithm of its odds
        to the logit.
    """
    if GOOD not in labels:
        return
    dense = body.get_layer("logits")
    bias = dense.bias.numpy()
    bias[labels.index(GOOD)] += math.log(odds)
    dense.bias.assign(bias)


def assess(task: Task) -> Trained:
    """Calibrate, fit the priors to operation, judge the validation images, choose thresholds."""
    labels, network = task.dataset.labels, task.network
    held_out = task.dataset.take(task.validation)
    training = _light(task.dataset).take(task.training)
    given = np.log(np.maximum(predict(network.model, held_out.images), SMALLEST))
    # The fit itself makes the likelihood highest, so little is expected to be left to mend.
    calibration = calibrate(given, held_out.truth, held_out.runs, expected=1.0)
    calibrated(network.body, calibration.temperature)
    favour_good(network.body, labels, task.settings.good_odds)
    probabilities = predict(network.model, held_out.images)
    learnt = predict(network.model, task.dataset.images, task.training)
    right = probabilities[np.arange(len(held_out)), held_out.truth]
    return Trained(
        network=network,
        settings=task.settings,
        labels=labels,
        thresholds=max_f1_thresholds(probabilities, held_out.truth, labels),
        confusion=confusion(held_out.truth, probabilities.argmax(axis=1), len(labels)),
        loss=float(-np.log(np.maximum(right, 1e-7)).mean()),
        calibration=calibration,
        training_counts=training.counts(),
        training_runs=_runs(training),
        # Runs with images pinned to the other side are not held out: training has seen them.
        validation_runs=tuple(sorted(set(_runs(held_out)) - set(_runs(training)))),
        training_set=task.dataset.digest(),
        # A view would keep all of them in memory.
        sample=held_out.images[:: max(1, len(held_out) // 8)][:8].copy(),
        normal=normal_of(network, task.dataset, task.training),
        held_out=tuple(int(index) for index in task.validation),
        truth=held_out.truth,
        probabilities=probabilities,
        judged=(
            *images_of(training, learnt, "train"),
            *images_of(held_out, probabilities, "validate"),
        ),
    )


def normal_of(network: Network, dataset: Dataset, training: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give what a network finds normal: its baseline, else the mean of the Good images."""
    if network.baseline is not None:
        return from_views(np.asarray(network.baseline.mean, np.float64))
    return mean_of(dataset.images, _good(dataset, training))


def _light(dataset: Dataset) -> Dataset:
    """Give a data set without its pixels."""
    return replace(dataset, images=dataset.images[:, :0, :0])


def predict(
    model: keras.Model, images: NDArray[np.uint8], chosen: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Give the probabilities (N, C) of images (N, H, W, 3), or of the chosen ones."""
    places = np.arange(len(images)) if chosen is None else chosen
    batches = [
        model(images[places[first : first + JUDGED_AT_ONCE]], training=False)[
            "probabilities"
        ].numpy()
        for first in range(0, len(places), JUDGED_AT_ONCE)
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


def load_body(file: Path) -> keras.Model:
    """Read the body of a model that was trained here, to start from it.

    Args:
        file: ``model.keras`` of a folder of the model store.

    Returns:
        The body.

    Raises:
        ModelError: There is no such file, or it is not one of ours.
    """
    if not file.is_file():
        raise ModelError(
            f"expected {file}; a model can be continued only where it was trained,"
            " a model of a release has no Keras file"
        )
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
        return model.get_layer("body")
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise ModelError(f"{file} is not a model of ours: {error}") from error


def save_network(network: Network, file: Path) -> None:
    """Write a network for another process; ``load_network`` reads it.

    Raises:
        InputError: The disk refuses.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        network.model.save(file)
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror or error}; make room and go on with --resume"
        ) from error


def load_network(file: Path) -> Network:
    """Read a network that ``save_network`` wrote."""
    model = keras.saving.load_model(file, compile=False, safe_mode=True)
    return Network(model, model.get_layer("front"), model.get_layer("body"))


def _runs(dataset: Dataset) -> tuple[int, ...]:
    return tuple(int(run) for run in np.unique(dataset.runs))
