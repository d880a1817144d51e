"""The rows of an image: found when they are there, entered when they are not."""

import time
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.catalogue import Plot
from db.image_queries import kept as find_kept
from db.image_queries import recorded
from db.mask_queries import note_masks
from db.operation import MonitoringLog, RunHistory
from pipeline.keeper.intake import Item, Key
from pipeline.keeper.transitions import Entry, Transition, code, joined_before, joined_behind


def find_known(session: Session, items: Sequence[Item]) -> dict[Key, int]:
    """Find the images that are on record already.

    Args:
        session: A session that may read.
        items: Any images.

    Returns:
        Row of the history by key, for those that are there.
    """
    return recorded(session, [item.key for item in items if item.image.reading.judged])


def enter_plots(session: Session, kept: Mapping[Key, Item]) -> dict[Key, int]:
    """Enter kept images; one that is there already stays as it is.

    Args:
        session: A session of a transaction that writes.
        kept: Images that lie in the store, by key.

    Returns:
        Row of the kept image by key.
    """
    ids = find_kept(session, kept)
    now = time.time()
    new = {
        key: Plot(
            plot_type_id=item.entry.plot_type_id,
            period=item.order.period,
            run=item.order.run,
            chunk=item.order.chunk,
            sha256=item.order.sha256,
            image_time=item.image.image_time,
            kept_at=now,
            unbiased=item.unbiased,
            kept_for=item.kept_for,
        )
        for key, item in kept.items()
        if key not in ids
    }
    session.add_all(new.values())
    session.flush()
    return ids | {key: row.id for key, row in new.items()}


def enter_history(
    session: Session, fresh: Mapping[Key, Item], plots: Mapping[Key, int]
) -> dict[Key, RunHistory]:
    """Enter the verdicts of images that a model judged.

    Args:
        session: A session of a transaction that writes.
        fresh: Images that are not on record, by key.
        plots: Row of the kept image by key, where it was kept.

    Returns:
        The new rows by key, with their ids.
    """
    now = time.time()
    rows = {
        key: _history_row(item, plots.get(key), now)
        for key, item in fresh.items()
        if item.image.reading.judged
    }
    session.add_all(rows.values())
    session.flush()
    note_masks(session, {row.id: fresh[key].masks for key, row in rows.items()})
    return rows


def _history_row(item: Item, plot_id: int | None, now: float) -> RunHistory:
    model = item.order.plot.model
    likeness = item.image.reading.likeness
    return RunHistory(
        plot_type_id=item.entry.plot_type_id,
        model_id=model.model_id if model else None,
        plot_id=plot_id,
        period=item.order.period,
        run=item.order.run,
        chunk=item.order.chunk,
        sha256=item.order.sha256,
        image_time=item.image.image_time,
        inserted_at=now,
        label=item.verdict.label,
        confidence=item.verdict.confidence,
        confirmed=item.verdict.confirmed,
        output=dict(item.image.reading.weights),
        thresholds=dict(item.image.thresholds),
        unbiased=item.unbiased,
        late=item.late,
        offline=item.order.offline,
        beam_current=item.image.beam_current,
        error=item.image.reading.error,
        value=item.image.reading.value,
        similarity=likeness.value if likeness else None,
        similarity_threshold=likeness.threshold if likeness else None,
        reference_set_id=likeness.set_id if likeness else None,
        novelty=item.image.reading.novelty,
        novel_below=item.entry.novel_below or None,
    )


def log(session: Session, item: Item, history_id: int) -> None:
    """Log an image and mend the codes of its neighbours, whenever they came.

    Args:
        session: A session of a transaction that writes.
        item: An image that somebody should look at.
        history_id: Its row of the history.
    """
    new = Entry(item.order.chunk, item.verdict.label, item.verdict.confirmed)
    neighbours = _neighbours(session, item)
    before = neighbours.get(new.chunk - 1)
    after = neighbours.get(new.chunk + 1)
    if before is not None:
        before.is_transition = joined_behind(Transition(before.is_transition))
    if after is not None:
        after.is_transition = joined_before(Transition(after.is_transition))
    session.add(
        MonitoringLog(
            run_history_id=history_id,
            plot_type_id=item.entry.plot_type_id,
            image_time=item.image.image_time,
            period=item.order.period,
            run=item.order.run,
            chunk=new.chunk,
            label=new.label,
            confidence=item.verdict.confidence,
            is_confirmed=new.confirmed,
            is_transition=code(before=before is not None, after=after is not None),
        )
    )
    session.flush()


def _neighbours(session: Session, item: Item) -> dict[int, MonitoringLog]:
    """Find the log rows of the chunks beside an image's that are of its stretch."""
    order = item.order
    rows = session.scalars(
        select(MonitoringLog)
        .join(RunHistory, MonitoringLog.run_history_id == RunHistory.id)
        .where(
            RunHistory.plot_type_id == item.entry.plot_type_id,
            RunHistory.run == order.run,
            RunHistory.chunk.in_((order.chunk - 1, order.chunk + 1)),
            RunHistory.period == order.period,
            MonitoringLog.label == item.verdict.label,
            MonitoringLog.is_confirmed == item.verdict.confirmed,
        )
        .order_by(MonitoringLog.id)
    )
    return {row.chunk: row for row in rows}
