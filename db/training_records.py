"""How a model was trained, on record, so that it can be made again."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue import Classification, Plot, PlotType
from db.data_set_images import training_images
from db.data_set_queries import Snapshot, data_sets_of, keep_version, taken_of
from db.data_sets import TrainingDataSet
from db.models import Model, TrainingImage
from db.training_queries import VALIDATE, Labelled
from db.trainings import Training
from pipeline.errors import CommandError

RECORD = "record"
"""Source of a training from labels of the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTraining:
    """All that a training was told and gave, but for its images."""

    location: str
    plots: Sequence[str]
    source: str
    settings: Mapping[str, Any]
    uses: Mapping[str, Sequence[int]]
    """Weight, forced training, forced validation by id of the image, where it has any."""
    curves: Mapping[str, Sequence[float]]
    judged: Sequence[Mapping[str, Any]]
    data_sets: Sequence[Snapshot] = ()
    """The labels that it was given, one data set a plot type."""


def record_training(session: Session, who: Actor, digest: str, new: NewTraining) -> None:
    """Put a training on record; one that is there stays.

    Args:
        session: A session of a transaction that writes.
        who: Who trained.
        digest: Of a registered model.
        new: The training.

    Raises:
        CommandError: The model is not registered.
    """
    model = _model(session, digest)
    if session.get(Training, model.id) is not None:
        return
    session.add(
        Training(
            model_id=model.id,
            trained_at=time.time(),
            user_name=who.user[:100],
            host=who.host[:500],
            location=new.location[-500:],
            plots=list(new.plots),
            source=new.source[:500],
            merged=len(new.plots) > 1,
            settings={
                "request": dict(new.settings),
                "uses": {key: list(value) for key, value in new.uses.items()},
            },
            curves={name: list(values) for name, values in new.curves.items()},
            judged=[dict(one) for one in new.judged],
        )
    )
    sets = [keep_version(session, who, taken)[0] for taken in new.data_sets if taken.items]
    session.add_all(TrainingDataSet(model_id=model.id, data_set_id=one.id) for one in sets)
    session.flush()


def training_of(session: Session, digest: str) -> Training:
    """Give how a model was trained.

    Raises:
        CommandError: It is not registered, or was not trained here.
    """
    row = session.get(Training, _model(session, digest).id)
    if row is None:
        raise CommandError(f"model {digest} was not trained here: there is no record of how")
    return row


def images_of(session: Session, digest: str) -> tuple[Labelled, ...]:
    """List the images of a training as they were labelled, pinned and weighed then.

    Raises:
        CommandError: The model is not registered, or was not trained here.
        LabelError: Its data set cannot be used any more.
    """
    training = training_of(session, digest)
    if sets := data_sets_of(session, digest):
        found = [one for row in sets for one in training_images(session, taken_of(session, row))]
        return tuple(sorted(found, key=lambda one: one.plot_id))
    uses = training.settings["uses"]
    rows = session.execute(
        select(Plot, Classification.name, PlotType.file_type)
        .join(TrainingImage, TrainingImage.plot_id == Plot.id)
        .join(Classification, TrainingImage.classification_id == Classification.id)
        .join(PlotType, Plot.plot_type_id == PlotType.id)
        .where(TrainingImage.model_id == training.model_id)
        .order_by(Plot.id)
    )
    found = []
    for image, label, file_type in rows:
        weight, training_only, validation_only = uses.get(str(image.id), (1, 0, 0))
        found.append(
            Labelled(
                plot_id=image.id,
                sha256=image.sha256,
                file_type=file_type,
                run=image.run,
                chunk=image.chunk,
                label=label,
                weight=weight,
                forced_training=bool(training_only),
                forced_validation=bool(validation_only),
            )
        )
    return tuple(found)


def validation_of(session: Session, digest: str) -> tuple[str, ...]:
    """Give the hashes of the images that only validated a model."""
    model = _model(session, digest)
    return tuple(
        session.scalars(
            select(Plot.sha256)
            .join(TrainingImage, TrainingImage.plot_id == Plot.id)
            .where(TrainingImage.model_id == model.id, TrainingImage.purpose == VALIDATE)
            .order_by(Plot.id)
        )
    )


def uses_of(images: Sequence[Labelled]) -> dict[str, tuple[int, int, int]]:
    """Give weights and pins by image id, of those that have any."""
    return {
        str(one.plot_id): (one.weight, int(one.forced_training), int(one.forced_validation))
        for one in images
        if one.weight != 1 or one.forced_training or one.forced_validation
    }


def _model(session: Session, digest: str) -> Model:
    model = session.scalars(select(Model).where(Model.digest == digest)).first()
    if model is None:
        raise CommandError(f"there is no model {digest} in the registry")
    return model
