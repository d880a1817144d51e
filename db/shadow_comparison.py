"""What a shadow and the model that judges said of the same images."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.catalogue import Classification, ClassificationType, Plot
from db.catalogue_queries import plot_type
from db.judged_queries import QUALITY
from db.labels import PlotLabel
from db.models import Model
from db.operation import RunHistory
from db.shadows import ShadowTerm, ShadowVerdict
from pipeline.errors import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One image that both saw."""

    image_time: float
    """Seconds since the epoch."""
    run: int
    chunk: int
    sha256: str
    kept: bool
    kept_for: str
    """Why it was kept: ``sample``, ``look``, ``shadow``, or empty."""
    active: str
    """Label of the model that judges; empty where it failed."""
    shadow: str
    """Label of the shadow; empty where it failed."""
    truth: str | None
    """Label that people gave; None without one."""
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All images of the latest shadow of a plot and of one model that judged."""

    plot: str
    file_type: str
    """Of the images in the store."""
    active: str
    """Digest."""
    shadow: str
    begun_at: float
    """Seconds since the epoch."""
    ended: bool
    """The shadow is none any more, or another model judges."""
    images: tuple[Compared, ...]


def comparison(session: Session, plot: str) -> Comparison:
    """Read what the latest shadow of a plot said beside the model that judged.

    Args:
        session: A session that may read.
        plot: Name of the plot type.

    Raises:
        CommandError: The plot never had a shadow, or it has seen no image yet.
    """
    target = plot_type(session, plot)
    terms = session.scalars(
        select(ShadowTerm)
        .where(ShadowTerm.plot_type_id == target.id)
        .order_by(ShadowTerm.id.desc())
        .limit(2)
    ).all()
    term = next((one for one in terms if one.model_id is not None), None)
    if term is None:
        raise CommandError(
            f"plot {plot} never had a shadow; 'hydra-ioc models shadow {plot} DIGEST' gives one"
        )
    active_id = session.scalar(
        select(ShadowVerdict.active_model_id)
        .where(ShadowVerdict.term_id == term.id)
        .order_by(ShadowVerdict.run_history_id.desc())
        .limit(1)
    )
    if active_id is None:
        raise CommandError(f"the shadow of plot {plot} has seen no image yet")
    return Comparison(
        plot=plot,
        file_type=target.file_type,
        active=session.get_one(Model, active_id).digest,
        shadow=session.get_one(Model, term.model_id).digest,
        begun_at=term.begun_at,
        ended=terms[0] is not term,
        images=_images(session, term.id, active_id),
    )


def _images(session: Session, term_id: int, active_id: int) -> tuple[Compared, ...]:
    truth = (
        select(PlotLabel.plot_id, Classification.name)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .join(ClassificationType, Classification.type_id == ClassificationType.id)
        .where(
            PlotLabel.superseded_by.is_(None),
            ClassificationType.name == QUALITY,
            Classification.trainable,
        )
        .subquery()
    )
    rows = session.execute(
        select(ShadowVerdict, RunHistory, truth.c.name, Plot.kept_for)
        .join(RunHistory, ShadowVerdict.run_history_id == RunHistory.id)
        .outerjoin(Plot, Plot.id == RunHistory.plot_id)
        .outerjoin(truth, truth.c.plot_id == RunHistory.plot_id)
        .where(ShadowVerdict.term_id == term_id, ShadowVerdict.active_model_id == active_id)
        .order_by(RunHistory.id)
    )
    return tuple(
        Compared(
            image_time=image.image_time,
            run=image.run,
            chunk=image.chunk,
            sha256=image.sha256,
            kept=image.plot_id is not None,
            kept_for=kept_for or "",
            active=said.active_label,
            shadow=said.label,
            truth=name,
            error=said.error,
        )
        for said, image, name, kept_for in rows
    )
