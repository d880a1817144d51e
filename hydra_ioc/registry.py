"""From a model folder to a model that judges plots."""

import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Engine

from db.audit_queries import Actor
from db.engine import writing
from db.model_queries import NewModel, activate_model, register_model
from db.signoff_queries import find, sign, signatures
from db.signoffs import TRAINED
from db.training_queries import Labelled, record_training_set
from db.training_records import NewTraining, record_training
from hydra_ioc.record import permit
from pipeline.errors import ModelError
from pipeline.vision.card import ModelCard, verify

DIGITS: Final = re.compile("[0-9a-f]{8,64}")


def install_model(
    engine: Engine,
    folder: Path,
    plots: Sequence[str],
    who: Actor,
    *,
    probation: bool = False,
    end_companions: bool = False,
) -> tuple[str, ...]:
    """Let the model of a folder judge plots from now on, in one transaction.

    It needs all its sign-offs, unless it is taken on probation.

    Args:
        engine: The database.
        folder: A folder of the model store; its name is the model's digest.
        plots: Names of plot types of the catalogue.
        who: Who, from where and why.
        probation: On trial: needs no sign-off, and never above MINOR.
        end_companions: End references and shadows that do not suit it.

    Returns:
        What was ended, in words.

    Raises:
        ModelError: The folder is not what its name says.
        CommandError: The model does not fit a plot, or lacks a sign-off.
        NotPermitted: The user may not set the model of a plot.
        StoreError: The database refuses.
    """
    for plot in plots:
        permit(engine, who, "set-model", plot)
    new = model_of(verify(folder), folder.name)
    with writing(engine) as session:
        key = register_model(session, new, None)
        ended = [
            activate_model(
                session, who, plot, key, probation=probation, end_companions=end_companions
            )
            for plot in plots
        ]
    return tuple(text for texts in ended for text in texts)


def enter_model(
    engine: Engine,
    folder: Path,
    plots: Sequence[str],
    who: Actor,
    *,
    trained: NewTraining | None = None,
    images: Sequence[Labelled] = (),
    validation: Sequence[int] = (),
) -> None:
    """Put a model that was just trained into the registry, signed as trained.

    Args:
        engine: The database.
        folder: Its folder in the model store.
        plots: Names of plot types of the catalogue.
        who: Who trained it.
        trained: How it was trained, for the record.
        images: The kept images it was trained with, if it was trained with kept ones.
        validation: Indices of those that only validated.

    Raises:
        CommandError: It cannot be registered.
        NotPermitted: The user may not set the model of a plot.
    """
    for plot in plots:
        permit(engine, who, "set-model", plot)
    new = model_of(verify(folder), folder.name)
    with writing(engine) as session:
        register_model(session, new, None)
        if not signatures(session, find(session, folder.name)):
            sign(session, who, folder.name, TRAINED)
        if images:
            record_training_set(session, folder.name, images, validation)
        if trained is not None:
            record_training(session, who, folder.name, trained)


def find_model(store: Path, digest: str) -> Path:
    """Find a model folder by its digest or the first digits of it.

    Args:
        store: The model store.
        digest: 8 to 64 hexadecimal digits in lower case.

    Returns:
        The folder.

    Raises:
        ModelError: There is none, or several begin so.
    """
    if not DIGITS.fullmatch(digest):
        raise ModelError(
            f"expected 8 to 64 hexadecimal digits in lower case as a digest, received {digest!r}"
        )
    found = sorted(store.glob(f"{digest}*"))
    if len(found) != 1:
        names = ", ".join(path.name[:16] for path in found) or "none"
        raise ModelError(f"expected one model {digest} in {store}, found {names}")
    return found[0]


def model_of(card: ModelCard, digest: str) -> NewModel:
    """Give a card as the registry takes it.

    Raises:
        ModelError: Its date cannot be read.
    """
    try:
        created = datetime.fromisoformat(card.created).timestamp() if card.created else time.time()
    except ValueError as error:
        raise ModelError(
            f"expected a date of ISO 8601 in the card of {digest}, found {card.created!r}"
        ) from error
    return NewModel(
        digest=digest,
        name=card.name,
        created_at=min(created, time.time()),
        architecture=card.architecture,
        labels=card.labels,
        input_shape=card.input_shape,
        preprocessing=card.preprocessing,
        thresholds=card.thresholds,
        threshold_method=card.threshold_method,
        training_set=card.training_set,
        training_runs=card.training_runs,
        validation_runs=card.validation_runs,
        training_counts=card.training_counts,
        confusion=card.metrics.confusion,
        loss=card.metrics.loss,
        epochs=card.metrics.epochs,
        seed=card.seed,
        versions=card.versions,
        parent=card.parent,
        note=card.note,
        kind=card.kind,
        quantity=msgspec.to_builtins(card.quantity) if card.quantity else None,
        plots=card.plots,
    )
