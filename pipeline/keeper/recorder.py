"""Writing verdicts: one transaction for a batch of images, the same image once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from db.catalogue import Plot
from db.operation import LivePlot, MonitoringLog, RunHistory
from db.operation_queries import Live, see_run, set_live
from pipeline.errors import FileError
from pipeline.keeper.imagestore import ImageStore
from pipeline.keeper.intake import Item, Key
from pipeline.keeper.live import LiveFrames
from pipeline.keeper.shown import Shown, Surroundings, compose
from pipeline.keeper.transitions import Entry, Transition, code, joined_before, joined_behind
from pipeline.messages import PlotState


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    word: str
    """As ``Done`` says it: recorded, known, shown or failed."""
    image: Shown
    """With count, file and row."""
    kept: bool = False
    state: PlotState | None = None
    """What is on record as on show, where this image put it there."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Where things are kept besides the database."""

    images: ImageStore
    frames: LiveFrames

    def record(
        self,
        session: Session,
        items: Sequence[Item],
        counts: Mapping[str, int],
        around: Surroundings,
        run: tuple[str, int] | None,
    ) -> list[Outcome]:
        """Record a batch in the caller's transaction.

        Args:
            session: A session of a transaction that writes.
            items: Images in the order they came.
            counts: Images so far, by plot name.
            around: Time and beam, for the states that a restart shall find.
            run: Period and run on record as going on; None when unknown.

        Returns:
            One outcome an item.

        Raises:
            StoreUnavailable: The image store takes nothing; nothing is recorded.
        """
        known = _known(session, items)
        fresh: dict[Key, Item] = {}
        for item in items:
            if not item.known and item.key not in known:
                fresh.setdefault(item.key, item)
        kept = {key: self._keep(item) for key, item in fresh.items() if item.keep}
        plots = _plots(session, {key: fresh[key] for key, (path, _) in kept.items() if path})
        rows = _history(session, fresh, plots)
        for key, item in fresh.items():
            if item.logged:
                _log(session, item, rows[key].id)
        outcomes = _outcomes(items, fresh, rows, kept, counts)
        return self._go_live(session, items, outcomes, around, run)

    def _keep(self, item: Item) -> tuple[str, str]:
        """Give where an image is kept, or else why it is not."""
        order = item.order
        try:
            path = self.images.keep(Path(order.path), order.sha256, item.entry.file_type)
        except FileError as error:
            return "", str(error)
        return str(path), ""

    def _go_live(
        self,
        session: Session,
        items: Sequence[Item],
        outcomes: Sequence[Outcome],
        around: Surroundings,
        run: tuple[str, int] | None,
    ) -> list[Outcome]:
        new = {
            index: items[index] for index, outcome in enumerate(outcomes) if outcome.word != "known"
        }
        newest = {item.entry.name: index for index, item in new.items() if item.shows}
        result = list(outcomes)
        for index in newest.values():
            state = self._show(session, items[index], outcomes[index].image, around)
            result[index] = replace(outcomes[index], state=state)
        for index, item in new.items():
            if item.entry.name not in newest:
                where = LivePlot.plot_type_id == item.entry.plot_type_id
                count = outcomes[index].image.count
                session.execute(update(LivePlot).where(where).values(count=count))
        self._note_run(session, [items[index] for index in newest.values()], run)
        return result

    def _show(self, session: Session, item: Item, image: Shown, around: Surroundings) -> PlotState:
        """Put on record what a plot shows now; its pictures come first."""
        key = item.entry.plot_type_id
        self.frames.save(key, image)
        state = compose(item.entry, image, around, item.previous)
        set_live(session, live_row(key, image, state))
        self.frames.prune(key, [one for one in (image, item.replaces) if one is not None])
        return state

    def _note_run(
        self, session: Session, items: Sequence[Item], run: tuple[str, int] | None
    ) -> None:
        latest = max(
            (item for item in items if item.order.run >= 0 and not item.order.offline),
            key=lambda item: item.image.order,
            default=None,
        )
        if latest is not None and (latest.order.period, latest.order.run) != run:
            see_run(session, latest.order.period, latest.order.run, latest.image.beam_current)


def live_row(plot_type_id: int, image: Shown, state: PlotState) -> Live:
    """Give the row from which a restart shows a plot as it is now."""
    return Live(
        plot_type_id=plot_type_id,
        run_history_id=image.history_id,
        label=state.label,
        confidence=state.confidence,
        confirmed=state.confirmed,
        weights=state.weights,
        thresholds=state.thresholds,
        run=state.run,
        chunk=state.chunk,
        period=state.period,
        image_time=state.image_time,
        closed_time=state.closed_time,
        model=state.model,
        reason=state.reason,
        image_file=state.image_file,
        severity=state.severity,
        status=state.status,
        count=state.count,
        since=state.since,
        beam_current=image.beam_current,
    )


def _known(session: Session, items: Sequence[Item]) -> dict[Key, int]:
    keys = [item.key for item in items if item.image.reading.judged]
    if not keys:
        return {}
    columns = (
        RunHistory.plot_type_id,
        RunHistory.run,
        RunHistory.chunk,
        RunHistory.period,
        RunHistory.sha256,
    )
    rows = session.execute(select(*columns, RunHistory.id).where(tuple_(*columns).in_(keys)))
    return {(row[0], row[1], row[2], row[3], row[4]): row[5] for row in rows}


def _plots(session: Session, kept: Mapping[Key, Item]) -> dict[Key, int]:
    """Enter kept images; one that is there already stays as it is."""
    if not kept:
        return {}
    columns = (Plot.plot_type_id, Plot.run, Plot.chunk, Plot.period, Plot.sha256)
    found = session.execute(select(*columns, Plot.id).where(tuple_(*columns).in_(list(kept))))
    ids = {(row[0], row[1], row[2], row[3], row[4]): row[5] for row in found}
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
        )
        for key, item in kept.items()
        if key not in ids
    }
    session.add_all(new.values())
    session.flush()
    return ids | {key: row.id for key, row in new.items()}


def _history(
    session: Session, fresh: Mapping[Key, Item], plots: Mapping[Key, int]
) -> dict[Key, RunHistory]:
    now = time.time()
    rows = {
        key: _history_row(item, plots.get(key), now)
        for key, item in fresh.items()
        if item.image.reading.judged
    }
    session.add_all(rows.values())
    session.flush()
    return rows


def _history_row(item: Item, plot_id: int | None, now: float) -> RunHistory:
    model = item.order.plot.model
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
    )


def _log(session: Session, item: Item, history_id: int) -> None:
    """Log an image and mend the codes of its neighbours, whenever they came."""
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


def _outcomes(
    items: Sequence[Item],
    fresh: Mapping[Key, Item],
    rows: Mapping[Key, RunHistory],
    kept: Mapping[Key, tuple[str, str]],
    counts: Mapping[str, int],
) -> list[Outcome]:
    running = dict(counts)
    outcomes = []
    for item in items:
        name = item.entry.name
        if fresh.get(item.key) is not item:
            outcomes.append(Outcome("known", replace(item.image, count=running.get(name, 0))))
            continue
        if item.image.reading.judged or item.shows:
            running[name] = running.get(name, 0) + 1
        path, note = kept.get(item.key, ("", ""))
        row = rows.get(item.key)
        image = replace(
            item.image,
            count=running.get(name, 0),
            history_id=row.id if row else None,
            image_file=path,
            note=note,
        )
        outcomes.append(Outcome(_word(item), image, kept=bool(path)))
    return outcomes


def _word(item: Item) -> str:
    if not item.image.reading.judged:
        return "shown"
    return "failed" if item.image.reading.error else "recorded"
