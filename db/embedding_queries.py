"""Storing embeddings, reading those of one model, and the clusters of images."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue import Plot, PlotType
from db.catalogue_queries import plot_type
from db.embeddings import ClusterMember, ClusterRun, Embedding
from db.novelties import EmbeddingSpace
from db.novelty_queries import space_of
from db.operation import RunHistory
from db.queue_queries import true_labels
from pipeline.errors import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRow:
    """The embedding of one image."""

    plot_type_id: int
    source: str
    """Digest of the model that made it."""
    sha256: str
    run: int
    beam_current: float | None
    label: str
    """Verdict when it was judged, or what people said before it was embedded."""
    vector: bytes
    """float16, little-endian."""
    made_at: float
    """Seconds since the epoch."""


def note_embeddings(session: Session, rows: Sequence[EmbeddingRow]) -> None:
    """Store embeddings in one statement.

    Args:
        session: A session of a transaction that writes.
        rows: May be none.
    """
    if rows:
        session.execute(insert(Embedding), [asdict(row) for row in rows])


def prune_embeddings(session: Session, keep: int) -> int:
    """Remove all but the newest embeddings of each plot; give how many went.

    Those in the space of a plot are counted apart, or the models would crowd them out.
    """
    gone = 0
    spaces = select(EmbeddingSpace.source)
    keys = session.scalars(select(Embedding.plot_type_id).distinct()).all()
    for key in keys:
        for inside in (Embedding.source.in_(spaces), Embedding.source.not_in(spaces)):
            mine = Embedding.plot_type_id == key, inside
            newest = select(Embedding.id).where(*mine).order_by(Embedding.id.desc())
            last = session.scalar(newest.offset(keep).limit(1))
            if last is not None:
                old = session.scalar(select(func.count()).where(*mine, Embedding.id <= last)) or 0
                session.execute(delete(Embedding).where(*mine, Embedding.id <= last))
                gone += old
    return gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A kept image that has no embedding."""

    sha256: str
    run: int
    beam_current: float | None
    label: str
    """What people say, else the newest verdict; empty without either."""


def without_embedding(session: Session, plot_type_id: int, source: str) -> list[Kept]:
    """List the kept images of a plot that a source has not embedded, the oldest first."""
    known = select(Embedding.sha256).where(
        Embedding.plot_type_id == plot_type_id, Embedding.source == source
    )
    last = (
        select(RunHistory.plot_id, func.max(RunHistory.id).label("id"))
        .where(RunHistory.plot_type_id == plot_type_id, RunHistory.plot_id.is_not(None))
        .group_by(RunHistory.plot_id)
        .subquery()
    )
    truth = true_labels()
    rows = session.execute(
        select(Plot.sha256, Plot.run, RunHistory.beam_current, RunHistory.label, truth.c.name)
        .outerjoin(last, last.c.plot_id == Plot.id)
        .outerjoin(RunHistory, RunHistory.id == last.c.id)
        .outerjoin(truth, truth.c.plot_id == Plot.id)
        .where(Plot.plot_type_id == plot_type_id, Plot.sha256.not_in(known))
        .order_by(Plot.id)
    )
    found = {
        sha256: Kept(sha256=sha256, run=run, beam_current=beam, label=name or label or "")
        for sha256, run, beam, label, name in rows
    }
    return list(found.values())


def good_images(session: Session, plot_type_id: int, newest: int) -> list[str]:
    """List the newest kept images that people call Good; where none is, those judged so."""
    truth = true_labels()
    mine = select(Plot.sha256).where(Plot.plot_type_id == plot_type_id)
    mine = mine.order_by(Plot.id.desc()).limit(newest)
    said = mine.join(truth, truth.c.plot_id == Plot.id).where(truth.c.name == "Good")
    judged = mine.join(RunHistory, RunHistory.plot_id == Plot.id).where(
        RunHistory.label == "Good", RunHistory.confirmed
    )
    for statement in (said, judged):
        if found := set(session.scalars(statement)):
            return sorted(found)
    return []


def embeddings_of(
    session: Session, plot: str, source: str | None = None, limit: int = 20_000
) -> tuple[str, list[tuple[int, str, int, float | None, str, bytes]]]:
    """Read the newest embeddings that one model made of a plot's images.

    Args:
        session: A session that may read.
        plot: Name of the plot type.
        source: Digest of the model or of the space; None for the plot's space, without one
            for the model that made the newest.
        limit: Most images.

    Returns:
        The digest, and id, SHA-256, run, beam current, label and vector (float16)
        of each image once, the newest first.

    Raises:
        CommandError: There is no such plot, or no embedding of it.
    """
    target = plot_type(session, plot)
    mine = select(Embedding).where(Embedding.plot_type_id == target.id)
    space = space_of(session, target.id) if source is None else None
    if space is not None and session.scalar(
        select(Embedding.id)
        .where(Embedding.plot_type_id == target.id, Embedding.source == space.source)
        .limit(1)
    ):
        source = space.source
    if source is None:
        source = session.scalar(
            select(Embedding.source)
            .where(Embedding.plot_type_id == target.id)
            .order_by(Embedding.id.desc())
            .limit(1)
        )
    found = session.scalars(
        mine.where(Embedding.source == source).order_by(Embedding.id.desc()).limit(limit)
    )
    seen: dict[str, tuple[int, str, int, float | None, str, bytes]] = {}
    for row in found:
        facts = (row.id, row.sha256, row.run, row.beam_current, row.label, row.vector)
        seen.setdefault(row.sha256, facts)
    if source is None or not seen:
        raise CommandError(
            f"no embeddings of plot {plot} are stored: they come with the images that a model"
            f" judges, or with 'hydra-ioc embeddings compute {plot}'"
        )
    return source, list(seen.values())


def note_clusters(
    session: Session,
    who: Actor,
    plot: str,
    *,
    source: str,
    silhouette: float,
    seed: int,
    members: Sequence[tuple[int, str, int]],
) -> int:
    """Put a clustering on record.

    Args:
        session: A session of a transaction that writes.
        who: Who made it.
        plot: Name of the plot type.
        source: Digest of the model that made the embeddings.
        silhouette: Mean of a sample, -1..1.
        seed: Of k-means.
        members: Id of the embedding, SHA-256 of the image, and cluster.

    Returns:
        Its id.
    """
    run = ClusterRun(
        plot_type_id=plot_type(session, plot).id,
        source=source,
        made_at=time.time(),
        clusters=len({cluster for _, _, cluster in members}),
        silhouette=silhouette,
        seed=seed,
        user_name=who.user[:100],
    )
    session.add(run)
    session.flush()
    session.execute(
        insert(ClusterMember),
        [
            {"cluster_run_id": run.id, "embedding_id": key, "sha256": sha256, "cluster": cluster}
            for key, sha256, cluster in members
        ],
    )
    return run.id


def latest_clusters(session: Session, plot: str) -> dict[str, int]:
    """Give the cluster of each image in the newest clustering of a plot, by SHA-256."""
    target = plot_type(session, plot)
    newest = session.scalar(
        select(ClusterRun.id)
        .where(ClusterRun.plot_type_id == target.id)
        .order_by(ClusterRun.id.desc())
        .limit(1)
    )
    rows = session.execute(
        select(ClusterMember.sha256, ClusterMember.cluster).where(
            ClusterMember.cluster_run_id == newest
        )
    )
    return {row.sha256: row.cluster for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many images of a plot a source has embedded."""

    plot: str
    source: str
    space: bool
    """Whether it is the space of a plot and no model."""
    images: int


def count_embeddings(session: Session) -> list[Count]:
    """Count the embedded images by plot and source."""
    spaces = set(session.scalars(select(EmbeddingSpace.source)))
    rows = session.execute(
        select(PlotType.name, Embedding.source, func.count(Embedding.sha256.distinct()))
        .join(PlotType, Embedding.plot_type_id == PlotType.id)
        .group_by(PlotType.name, Embedding.source)
        .order_by(PlotType.name, Embedding.source)
    )
    return [
        Count(plot=plot, source=source, space=source in spaces, images=images)
        for plot, source, images in rows
    ]
