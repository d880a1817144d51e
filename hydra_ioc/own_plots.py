"""Judging labelled plots of one's own with a model of the store."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.label_folders import rows_of
from hydra_ioc.registry import find_model
from pipeline.config import Config
from pipeline.errors import LabelError
from pipeline.vision.calibration import measured_error
from pipeline.vision.card import ModelCard
from pipeline.vision.dataset import Dataset, load_labelled
from pipeline.vision.evaluation import Rate, balanced_accuracy, confusion
from pipeline.vision.serving import load

BATCH: Final = 16
RESAMPLES: Final = 2000
"""Resamples of the bootstrap; its interval then wobbles by about 0.1 %."""


def judge_labelled(config: Config, folder: Path, table: Path | None, digest: str) -> dict[str, Any]:
    """Judge the images of a label table and compare.

    Args:
        config: The deployment.
        folder: Where the images lie.
        table: CSV with the columns file, label and run; see ``rows_of`` for None.
        digest: A model of the deployment's store.

    Returns:
        A JSON object: rates with 95 % intervals, the confusion matrix, and the
        images that are judged otherwise than labelled. The interval of the
        balanced accuracy is a bootstrap over runs, since images of one run
        are alike.

    Raises:
        InputError: Table or images cannot be used.
        LabelError: The table holds a label that the model does not know.
        ModelError: The model folder is not what its name says.
    """
    model = load(find_model(config.under_state(config.predict.models), digest))
    card = model.card
    rows = rows_of(config, folder, table)
    if unknown := sorted({row.label for row in rows} - set(card.labels)):
        raise LabelError(
            f"{table or folder} holds labels {unknown}; the model gives {list(card.labels)}:"
            " leave those images out, or train with them"
        )
    data = load_labelled(
        rows, card.preprocessing, card.input_shape, config.input.max_pixels, card.labels
    )
    weights = np.concatenate(
        [
            model.run(data.images[first : first + BATCH], maps=False).probabilities
            for first in range(0, len(data), BATCH)
        ]
    )
    return {"model": digest, **_compared(card, data, weights)}


def _compared(card: ModelCard, data: Dataset, weights: NDArray[np.float32]) -> dict[str, Any]:
    """Compare weights (N, C) with the truth of N images."""
    given = weights.argmax(axis=1)
    matrix = confusion(data.truth, given, len(card.labels))
    thresholds = np.array([card.thresholds[label] for label in card.labels])
    confirmed = weights.max(axis=1) >= thresholds[given]
    low, high = _interval(data.truth, given, data.runs, len(card.labels))
    return {
        "images": len(data),
        "runs": len(set(data.runs.tolist())),
        "runs_also_in_training": sorted(set(data.runs.tolist()) & set(card.training_runs)),
        "labels": list(card.labels),
        "confusion": matrix.tolist(),
        "accuracy": Rate(int(matrix.trace()), len(data)).as_json(),
        "recall": {
            label: Rate(int(matrix[index, index]), int(matrix[index].sum())).as_json()
            for index, label in enumerate(card.labels)
        },
        "balanced_accuracy": {"value": balanced_accuracy(matrix), "low": low, "high": high},
        "calibration_error": measured_error(
            weights.max(axis=1), given == data.truth, data.runs
        ).as_json(),
        "mistakes": [
            {
                "file": data.names[index],
                "run": int(data.runs[index]),
                "truth": card.labels[data.truth[index]],
                "label": card.labels[given[index]],
                "weight": round(float(weights[index].max()), 4),
                "confirmed": bool(confirmed[index]),
            }
            for index in np.flatnonzero(given != data.truth)
        ],
    }


def _interval(
    truth: NDArray[np.int64], given: NDArray[np.int64], runs: NDArray[np.int64], labels: int
) -> tuple[float, float]:
    """Give the 95 % interval of the balanced accuracy by resampling whole runs."""
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(members), len(members))
        chosen = np.concatenate([members[index] for index in drawn])
        values.append(balanced_accuracy(confusion(truth[chosen], given[chosen], labels)))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
