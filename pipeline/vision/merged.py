"""Training one body for many plot types, each with its own baseline.

What a dead region looks like next to a plot's baseline is much the same in
every plot type, so all of them teach one body; each network then is polished
on its own plot type.

Needs the training extra (TensorFlow); serving never imports this module.
"""

import dataclasses

import numpy as np

from pipeline.errors import LabelError
from pipeline.vision.dataset import Dataset
from pipeline.vision.examples import join
from pipeline.vision.fitting import Progress, Settings, fit
from pipeline.vision.training import Task, Trained, assess, lay_out, prepare_runtime


def train_merged(
    datasets: dict[str, Dataset], settings: Settings, polish: Settings, progress: Progress
) -> dict[str, Trained]:
    """Train a network for each plot type, starting from one body for all.

    Args:
        datasets: By plot type; all with the same labels.
        settings: Of the training of the common body.
        polish: Of the training of each network that follows; no epochs, none.
        progress: Called with one line after each epoch.

    Returns:
        The trained networks by plot type.

    Raises:
        InputError: A set cannot be split by run.
        LabelError: The labels differ between plot types.
    """
    if len({dataset.labels for dataset in datasets.values()}) != 1:
        raise LabelError("expected the same labels for all plot types that are trained together")
    prepare_runtime(settings)
    tasks = {plot: lay_out(dataset, settings) for plot, dataset in datasets.items()}
    body = next(iter(tasks.values())).network.body
    progress(f"common body for {len(tasks)} plot types")
    fit(
        body,
        join([task.learn for task in tasks.values()]),
        join([task.check for task in tasks.values()]),
        settings,
        progress,
    )
    common = body.get_weights()
    return {plot: _polish(plot, task, common, polish, progress) for plot, task in tasks.items()}


def _polish(
    plot: str, task: Task, common: list[np.ndarray], polish: Settings, progress: Progress
) -> Trained:
    body = task.network.body
    body.set_weights(common)
    if polish.epochs:
        fit(
            body,
            task.learn,
            task.check,
            polish,
            lambda line: progress(f"{plot}: {line}"),
            started=True,
        )
    trained = assess(task)
    epochs = task.settings.epochs + polish.epochs
    return dataclasses.replace(trained, settings=dataclasses.replace(task.settings, epochs=epochs))
