"""Kept images of a plot with verdict, label and embedding: what a labelling queue sorts."""

from dataclasses import dataclass, field

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from db.catalogue import Classification, ClassificationType, Plot
from db.catalogue_queries import plot_type
from db.embeddings import Embedding
from db.judged_queries import QUALITY
from db.labels import PlotLabel
from db.models import ActiveModel, Model
from db.novelty_queries import space_of
from db.operation import RunHistory


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kept image."""

    plot_id: int
    sha256: str
    file_type: str
    run: int
    chunk: int
    image_time: float
    """Seconds since the epoch."""
    verdict: str
    weights: dict[str, float]
    """By label, of the newest verdict."""
    confirmed: bool
    novelty: float | None
    """How likely an image of what was trained looks as different; None if unknown."""
    truth: str | None
    """What people say; None while nobody has said anything."""
    vector: bytes = field(default=b"", repr=False)
    """Embedding by the model that judges now or in the plot's space, all of one source;
    float16, little-endian; empty without."""
    unbiased: bool = False
    """Whether it belongs to the unbiased sample."""


def candidates(session: Session, plot: str, newest: int) -> list[Candidate]:
    """Read the newest kept images that a model has judged, the newest first.

    Images labelled Ignore are left out.

    Args:
        session: A session that may read.
        plot: Name of the plot type.
        newest: At most so many.

    Raises:
        CommandError: There is no such plot.
    """
    target = plot_type(session, plot)
    digest = session.scalar(
        select(Model.digest)
        .join(ActiveModel, ActiveModel.model_id == Model.id)
        .where(ActiveModel.plot_type_id == target.id)
    )
    last = (
        select(func.max(RunHistory.id).label("id"))
        .where(RunHistory.plot_type_id == target.id, RunHistory.error == "")
        .where(RunHistory.plot_id.is_not(None))
        .group_by(RunHistory.plot_id)
        .subquery()
    )
    truth = true_labels()
    vector = _vectors(target.id, _fullest(session, target.id, digest or ""))
    rows = session.execute(
        select(Plot, RunHistory, truth.c.name, truth.c.trainable, vector.c.vector)
        .join(RunHistory, RunHistory.plot_id == Plot.id)
        .join(last, last.c.id == RunHistory.id)
        .outerjoin(truth, truth.c.plot_id == Plot.id)
        .outerjoin(vector, vector.c.sha256 == Plot.sha256)
        .order_by(Plot.id.desc())
        .limit(newest)
    ).all()
    return [
        Candidate(
            plot_id=image.id,
            sha256=image.sha256,
            file_type=target.file_type,
            run=image.run,
            chunk=image.chunk,
            image_time=image.image_time,
            verdict=row.label,
            weights=row.output,
            confirmed=row.confirmed,
            novelty=row.novelty,
            truth=name,
            vector=stored or b"",
            unbiased=row.unbiased,
        )
        for image, row, name, trainable, stored in rows
        if name is None or trainable
    ]


def _vectors(plot_type_id: int, source: str) -> Subquery:
    return (
        select(Embedding.sha256, Embedding.vector)
        .where(Embedding.plot_type_id == plot_type_id, Embedding.source == source)
        .subquery()
    )


def _fullest(session: Session, plot_type_id: int, digest: str) -> str:
    """Give which embeds more images, the model that judges now or the plot's space."""
    space = space_of(session, plot_type_id)
    counts = {
        source: session.scalar(
            select(func.count()).where(
                Embedding.plot_type_id == plot_type_id, Embedding.source == source
            )
        )
        or 0
        for source in (digest, space.source if space is not None else digest)
    }
    return max(counts, key=lambda source: counts[source])


def true_labels() -> Subquery:
    """Give the quality labels that count now, by image."""
    return (
        select(PlotLabel.plot_id, Classification.name, Classification.trainable)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .join(ClassificationType, Classification.type_id == ClassificationType.id)
        .where(PlotLabel.superseded_by.is_(None), ClassificationType.name == QUALITY)
        .subquery()
    )
