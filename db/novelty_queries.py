"""What tells how novel an image is to a model, and the spaces of embeddings."""

import time
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.models import Model
from db.novelties import EmbeddingSpace, Novelty


def newest_novelties(session: Session) -> dict[int, str]:
    """Give the SHA-256 of the description that counts, by id of the model."""
    newest = select(func.max(Novelty.id)).group_by(Novelty.model_id)
    rows = session.scalars(select(Novelty).where(Novelty.id.in_(newest)))
    return {row.model_id: row.sha256 for row in rows}


def add_novelty(
    session: Session, who: Actor, model: Model, sha256: str, *, images: int, calibrated: int
) -> None:
    """Let a model judge novelty by a description from now on.

    Args:
        session: A session of a transaction that writes.
        who: Who made it.
        model: The model in whose folder it lies.
        sha256: Of its file.
        images: How many images it describes.
        calibrated: How many told what a distance means.
    """
    old = newest_novelties(session).get(model.id, "")
    session.add(
        Novelty(
            model_id=model.id,
            sha256=sha256,
            images=images,
            calibrated=calibrated,
            made_at=time.time(),
            user_name=who.user[:100],
        )
    )
    audit(session, who, "fit-novelty", model.digest[:16], old=old, new=sha256)
    session.flush()


def space_of(session: Session, plot_type_id: int) -> EmbeddingSpace | None:
    """Give the space that the images of a plot are embedded in; None where there is none."""
    return session.scalars(
        select(EmbeddingSpace)
        .where(EmbeddingSpace.plot_type_id == plot_type_id)
        .order_by(EmbeddingSpace.id.desc())
        .limit(1)
    ).first()


def add_space(
    session: Session,
    who: Actor,
    plot_type_id: int,
    *,
    source: str,
    backbone: str,
    images: Sequence[str],
) -> None:
    """Put a space on record.

    Args:
        session: A session of a transaction that writes.
        who: Who made it.
        plot_type_id: The plot.
        source: What its embeddings have as their source.
        backbone: SHA-256 of the backbone's graph.
        images: SHA-256 of the images it compares with.
    """
    session.add(
        EmbeddingSpace(
            plot_type_id=plot_type_id,
            source=source,
            backbone=backbone,
            images=list(images),
            made_at=time.time(),
            user_name=who.user[:100],
        )
    )
    session.flush()
