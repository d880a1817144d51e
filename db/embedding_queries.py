"""Storing embeddings, reading those of one model, and the clusters of images."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue_queries import plot_type
from db.embeddings import ClusterMember, ClusterRun, Embedding
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
    """Remove all but the newest embeddings of each plot; give how many went."""
    gone = 0
    counts = session.execute(
        select(Embedding.plot_type_id, func.count()).group_by(Embedding.plot_type_id)
    ).all()
    for key, count in counts:
        if count <= keep:
            continue
        newest = (
            select(Embedding.id)
            .where(Embedding.plot_type_id == key)
            .order_by(Embedding.id.desc())
            .offset(keep)
            .limit(1)
        )
        last = session.scalar(newest)
        statement = delete(Embedding).where(Embedding.plot_type_id == key, Embedding.id <= last)
        session.execute(statement)
        gone += count - keep
    return gone


def embeddings_of(
    session: Session, plot: str, source: str | None = None, limit: int = 20_000
) -> tuple[str, list[tuple[int, str, int, float | None, str, bytes]]]:
    """Read the newest embeddings that one model made of a plot's images.

    Args:
        session: A session that may read.
        plot: Name of the plot type.
        source: Digest of the model, or None for the one that made the newest.
        limit: Most images.

    Returns:
        The digest, and id, SHA-256, run, beam current, label and vector (float16)
        of each image once, the newest first.

    Raises:
        CommandError: There is no such plot, or no embedding of it.
    """
    target = plot_type(session, plot)
    mine = select(Embedding).where(Embedding.plot_type_id == target.id)
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
            " judges"
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
