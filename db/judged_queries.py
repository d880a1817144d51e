"""Verdicts beside what people say of the same images."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.catalogue import Classification, ClassificationType
from db.labels import PlotLabel
from db.models import ActiveModel, Model, TrainingImage
from db.operation import RunHistory
from pipeline.errors import CommandError

QUALITY: Final = "quality"
"""The kind of labels that verdicts are compared with."""


class Of(StrEnum):
    """Of which images the verdicts are taken."""

    SAMPLE = "sample"
    """Drawn before they were judged, so that shares of them hold for all images."""
    LABELLED = "labelled"
    """All that people labelled: more of the faults, and no shares of all images."""
    NEW = "new"
    """Labelled after the training of the model that judges now, and not trained on."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and what people say of its image."""

    image_time: float
    """Seconds since the epoch."""
    label: str
    """The verdict."""
    truth: str | None
    """What people say; None while nobody has said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which verdicts of a plot are looked at."""

    since: float
    """Of images not older, seconds since the epoch."""
    of: Of = Of.SAMPLE
    model_id: int | None = None
    """Only of this model."""
    period: str | None = None
    """Only of this run period."""
    images: int | None = None
    """At most so many, the newest."""


def judged(session: Session, plot_type_id: int, view: View) -> tuple[Judged, ...]:
    """Read verdicts of a plot, oldest first; images labelled Ignore are left out.

    Args:
        session: A session that may read.
        plot_type_id: The plot.
        view: Which of them.

    Raises:
        CommandError: New labels are asked for, and no model judges the plot.
    """
    truth = (
        select(
            PlotLabel.plot_id,
            PlotLabel.labelled_at,
            Classification.name,
            Classification.trainable,
        )
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .join(ClassificationType, Classification.type_id == ClassificationType.id)
        .where(PlotLabel.superseded_by.is_(None), ClassificationType.name == QUALITY)
        .subquery()
    )
    where: list[ColumnElement[bool]] = [
        RunHistory.plot_type_id == plot_type_id,
        RunHistory.offline.is_(False),
        RunHistory.error == "",
        RunHistory.image_time >= view.since,
    ]
    if view.model_id is not None:
        where.append(RunHistory.model_id == view.model_id)
    if view.period is not None:
        where.append(RunHistory.period == view.period)
    if view.of is Of.SAMPLE:
        where.append(RunHistory.unbiased.is_(True))
    else:
        where.append(truth.c.name.is_not(None))
    if view.of is Of.NEW:
        model = _judging(session, plot_type_id)
        seen = select(TrainingImage.plot_id).where(TrainingImage.model_id == model.id)
        where += [
            RunHistory.model_id == model.id,
            truth.c.labelled_at > model.created_at,
            RunHistory.plot_id.not_in(seen),
        ]
    rows = session.execute(
        select(RunHistory.image_time, RunHistory.label, truth.c.name, truth.c.trainable)
        .outerjoin(truth, truth.c.plot_id == RunHistory.plot_id)
        .where(*where)
        .order_by(RunHistory.image_time.desc(), RunHistory.id.desc())
        .limit(view.images)
    ).all()
    return tuple(
        Judged(row.image_time, row.label, row.name)
        for row in reversed(rows)
        if row.name is None or row.trainable
    )


def _judging(session: Session, plot_type_id: int) -> Model:
    found = session.scalar(
        select(Model)
        .join(ActiveModel, ActiveModel.model_id == Model.id)
        .where(ActiveModel.plot_type_id == plot_type_id)
    )
    if found is None:
        raise CommandError("no model judges this plot, so there are no labels newer than it")
    return found
