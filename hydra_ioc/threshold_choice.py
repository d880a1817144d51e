"""Thresholds from the images that the training of a model held out."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from db.catalogue import Classification
from db.catalogue_queries import plot_type
from db.engine import reading
from db.models import ActiveModel, Model, ModelThreshold
from hydra_ioc.registry import find_model
from pipeline.config import Config
from pipeline.errors import CommandError
from pipeline.vision.card import verify
from pipeline.vision.evaluation import Rate
from pipeline.vision.judged import read_judged
from pipeline.vision.thresholds import by_f1, by_false_discovery


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the model of a plot said of images that it did not learn."""

    thresholds: dict[str, float]
    """In force now, in the order of the weights."""
    weights: NDArray[np.float64]
    """(N, C); none where the model brings no judged images."""
    truth: NDArray[np.int64]
    """(N,) label indices."""


def evidence(engine: Engine, config: Config, plot: str) -> Evidence:
    """Gather the thresholds of a plot and the images that speak for them.

    Args:
        engine: The database.
        config: The deployment, for its model store.
        plot: Name of the plot type.

    Raises:
        CommandError: There is no such plot, or it has no model with labels.
        ModelError: The model folder is not what its name says.
    """
    with reading(engine) as session:
        active = session.get(ActiveModel, plot_type(session, plot).id)
        if active is None:
            raise CommandError(f"plot {plot} has no model, so its labels have no thresholds")
        digest = session.get_one(Model, active.model_id).digest
        rows = session.execute(
            select(Classification.name, ModelThreshold.threshold)
            .join(Classification, ModelThreshold.classification_id == Classification.id)
            .where(ModelThreshold.model_id == active.model_id)
        )
        present: dict[str, float] = dict(rows.all())
    folder = find_model(config.under_state(config.predict.models), digest)
    card = verify(folder)
    judged = read_judged(folder, card)
    held_out = [one for one in judged.images if one.purpose != "train"] if judged else []
    labels = [label for label in card.labels if label in present]
    if len(labels) != len(card.labels):
        raise CommandError(f"the record has no thresholds for {list(card.labels)} of plot {plot}")
    return Evidence(
        {label: present[label] for label in labels},
        np.array([one.weights for one in held_out], np.float64).reshape(-1, len(labels)),
        np.array([labels.index(one.label) for one in held_out], np.int64),
    )


def choose(found: Evidence, label: str, rate: float | None) -> float:
    """Choose the threshold of a label.

    Args:
        found: From ``evidence``.
        label: One of its labels.
        rate: Largest share of false confirmations; None for the best F1.

    Raises:
        CommandError: No held-out image speaks for the label.
        InputError: The images do not support the rate.
    """
    index = list(found.thresholds).index(label)
    has_label = found.truth == index
    if not has_label.any():
        raise CommandError(
            f"expected held-out images labelled {label}, found none: choose it by hand,"
            " or train again with more labels"
        )
    weights = found.weights[:, index]
    if rate is None:
        return by_f1(weights, has_label)
    # Only what is judged so can be confirmed, and below the least of it nothing was seen.
    judged = found.weights.argmax(axis=1) == index
    lowest = by_false_discovery(weights[judged], has_label[judged], rate)[0]
    return max(lowest, math.floor(100 * float(weights[judged].min())) / 100)


def effect(found: Evidence, label: str, threshold: float) -> str:
    """Say what a threshold does to the held-out images that are judged so."""
    index = list(found.thresholds).index(label)
    if not len(found.truth):
        return "no held-out images known"
    judged = found.weights.argmax(axis=1) == index
    confirmed = judged & (found.weights[:, index] >= threshold)
    false = Rate(int((confirmed & (found.truth != index)).sum()), int(confirmed.sum()))
    low, high = false.interval
    return (
        f"{int(judged.sum())} judged so: {false.total} confirmed,"
        f" {int(judged.sum()) - false.total} unconfirmed; {false.hits} confirmed wrongly"
        f" ({100 * low:.1f}..{100 * high:.1f} %)"
    )
