"""How a plot's model does: what the sample, the newest verdicts and the labels say."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from db.catalogue import Classification, Plot, PlotType, ValidClassification
from db.embeddings import Embedding
from db.judged_queries import Judged, View, judged
from db.labels import PlotLabel
from db.models import ActiveModel, Model, ModelActivation, ModelPlotType, TrainingImage
from db.operation import RunHistory
from db.performance import TrailingAccuracy
from pipeline.alarm import Severity

NO_PERIOD: Final = "NA"
"""As the Feeder names a run period that a path does not tell."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at, for one plot and the model that judges it."""

    plot_type_id: int
    plot: str
    model_id: int
    digest: str
    since: float
    """When the model became active, seconds since the epoch."""
    palette: tuple[str, ...]
    """Labels that are trained."""
    labels: tuple[str, ...]
    """Labels the model gives."""
    sample: tuple[Judged, ...]
    confidences: tuple[float, ...] = ()
    """Of the newest verdicts, oldest first."""
    confirmed: tuple[bool, ...] = ()
    vectors: tuple[bytes, ...] = field(default=(), repr=False)
    """Embeddings of the newest images, oldest first; float16, little-endian."""
    vector_runs: tuple[int, ...] = ()
    """Run of each embedding."""
    new_bad: int = 0
    """Images with a bad label that no training of this model has seen."""
    period: str = ""
    """Run period of the newest image."""
    known_periods: tuple[str, ...] = ()
    """Run periods the model was trained in, or else judged first in."""


def judged_plots(session: Session) -> dict[str, int]:
    """List the plots that a model judges, with their ids, by name."""
    rows = session.execute(
        select(PlotType.name, PlotType.id)
        .join(ActiveModel, ActiveModel.plot_type_id == PlotType.id)
        .order_by(PlotType.name)
    )
    return {row.name: row.id for row in rows}


def read_facts(
    session: Session, plot_type_id: int, *, since: float, images: int, newest: int
) -> Facts | None:
    """Read what the rules look at.

    Args:
        session: A session that may read.
        plot_type_id: The plot.
        since: Start of the trailing window, seconds since the epoch.
        images: At most so many images of the unbiased sample.
        newest: So many of the newest verdicts and embeddings, for the drift.

    Returns:
        None for a plot without a model.
    """
    found = session.execute(
        select(PlotType.name, Model)
        .join(ActiveModel, ActiveModel.plot_type_id == PlotType.id)
        .join(Model, ActiveModel.model_id == Model.id)
        .where(PlotType.id == plot_type_id)
    ).first()
    if found is None:
        return None
    name, model = found
    number = model.kind == "regression"
    rows = session.execute(_of_model(plot_type_id, model.id).limit(newest)).all()[::-1]
    vectors = _vectors(session, plot_type_id, model.digest, newest)
    return Facts(
        plot_type_id=plot_type_id,
        plot=name,
        model_id=model.id,
        digest=model.digest,
        since=_activated(session, plot_type_id, model.id),
        palette=_palette(session, plot_type_id),
        labels=_palette(session, plot_type_id) if number else tuple(model.labels),
        # A number is not right or wrong.
        sample=()
        if number
        else sample(session, plot_type_id, model.id, since=since, images=images),
        confidences=tuple(row.confidence for row in rows),
        confirmed=tuple(row.confirmed for row in rows),
        vectors=tuple(vector for vector, _ in vectors),
        vector_runs=tuple(run for _, run in vectors),
        new_bad=_new_bad(session, plot_type_id, model),
        period=rows[-1].period if rows and rows[-1].period != NO_PERIOD else "",
        known_periods=_known_periods(session, plot_type_id, model.id),
    )


def sample(
    session: Session, plot_type_id: int, model_id: int, *, since: float, images: int
) -> tuple[Judged, ...]:
    """Read the unbiased sample, oldest first; images labelled Ignore are left out.

    Args:
        session: A session that may read.
        plot_type_id: The plot.
        model_id: Only verdicts of this model.
        since: Seconds since the epoch.
        images: At most so many, the newest.
    """
    view = View(since=since, model_id=model_id, images=images)
    return judged(session, plot_type_id, view)


def store_day(session: Session, row: TrailingAccuracy) -> None:
    """Put what is so today in the place of what was so earlier today."""
    old = session.scalars(
        select(TrailingAccuracy).where(
            TrailingAccuracy.plot_type_id == row.plot_type_id, TrailingAccuracy.day == row.day
        )
    ).first()
    if old is not None:
        row.id = old.id
    session.merge(row)
    session.flush()


def days(session: Session, plot_type_id: int) -> list[TrailingAccuracy]:
    """List the daily rows of a plot, oldest first."""
    statement = select(TrailingAccuracy).where(TrailingAccuracy.plot_type_id == plot_type_id)
    return list(session.scalars(statement.order_by(TrailingAccuracy.day)))


def _of_model(plot_type_id: int, model_id: int) -> Select[float, bool, str]:
    return (
        select(RunHistory.confidence, RunHistory.confirmed, RunHistory.period)
        .where(
            RunHistory.plot_type_id == plot_type_id,
            RunHistory.model_id == model_id,
            RunHistory.offline.is_(False),
            RunHistory.error == "",
        )
        .order_by(RunHistory.image_time.desc(), RunHistory.id.desc())
    )


def _activated(session: Session, plot_type_id: int, model_id: int) -> float:
    found = session.scalar(
        select(func.max(ModelActivation.activated_at)).where(
            ModelActivation.plot_type_id == plot_type_id, ModelActivation.model_id == model_id
        )
    )
    return found or 0.0


def _palette(session: Session, plot_type_id: int) -> tuple[str, ...]:
    return tuple(
        session.scalars(
            select(Classification.name)
            .join(ValidClassification, ValidClassification.classification_id == Classification.id)
            .where(ValidClassification.plot_type_id == plot_type_id, Classification.trainable)
            .order_by(ValidClassification.position)
        )
    )


def _vectors(
    session: Session, plot_type_id: int, digest: str, newest: int
) -> list[tuple[bytes, int]]:
    """Read embeddings with their runs, the oldest first."""
    rows = session.execute(
        select(Embedding.vector, Embedding.run)
        .where(Embedding.plot_type_id == plot_type_id, Embedding.source == digest)
        .order_by(Embedding.made_at.desc(), Embedding.id.desc())
        .limit(newest)
    ).all()
    return [(row.vector, row.run) for row in reversed(rows)]


def _new_bad(session: Session, plot_type_id: int, model: Model) -> int:
    seen = select(TrainingImage.plot_id).where(TrainingImage.model_id == model.id)
    count = session.scalar(
        select(func.count(func.distinct(PlotLabel.plot_id)))
        .join(Plot, PlotLabel.plot_id == Plot.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(
            Plot.plot_type_id == plot_type_id,
            PlotLabel.superseded_by.is_(None),
            PlotLabel.labelled_at > model.created_at,
            Classification.confirmed_severity >= int(Severity.MAJOR),
            Plot.id.not_in(seen),
        )
    )
    return count or 0


def _known_periods(session: Session, plot_type_id: int, model_id: int) -> tuple[str, ...]:
    trained = session.scalars(
        select(Plot.period)
        .join(TrainingImage, TrainingImage.plot_id == Plot.id)
        .where(TrainingImage.model_id == model_id, Plot.period != NO_PERIOD)
        .distinct()
    ).all()
    if trained:
        return tuple(sorted(trained))
    first = session.scalars(
        select(RunHistory.period)
        .where(RunHistory.plot_type_id == plot_type_id, RunHistory.model_id == model_id)
        .order_by(RunHistory.id)
        .limit(1)
    ).first()
    return (first,) if first is not None else ()


def trained_since(session: Session, plot_type_id: int, since: float) -> str:
    """Give the digest of a model made for a plot after a time; empty without one."""
    found = session.scalars(
        select(Model.digest)
        .join(ModelPlotType, ModelPlotType.model_id == Model.id)
        .where(ModelPlotType.plot_type_id == plot_type_id, Model.created_at > since)
        .order_by(Model.id.desc())
    ).first()
    return found or ""
