"""Embeddings between a report and the record: made compact, stored, bounded in number."""

import time
from collections.abc import Iterable
from typing import Final

from sqlalchemy.orm import Session

from db.embedding_queries import EmbeddingRow, note_embeddings, prune_embeddings
from pipeline.keeper.intake import Item

KEEP: Final = 20_000
"""Embeddings kept of one plot, the newest; 64 numbers take 2.6 MB."""
PRUNE_S: Final = 600.0
"""How often the rest is removed."""


def enter_embeddings(session: Session, items: Iterable[Item]) -> None:
    """Put the embeddings of images on record.

    Args:
        session: A session of a transaction that writes.
        items: Images that are not on record yet.
    """
    now = time.time()
    note_embeddings(
        session,
        [
            EmbeddingRow(
                plot_type_id=item.entry.plot_type_id,
                source=item.image.model,
                sha256=item.order.sha256,
                run=item.order.run,
                beam_current=item.image.beam_current,
                label=item.verdict.label,
                vector=item.embedding,
                made_at=now,
            )
            for item in items
            if item.embedding and item.image.model
        ],
    )


def prune(session: Session) -> int:
    """Remove all but the newest embeddings of each plot; give how many went."""
    return prune_embeddings(session, KEEP)
