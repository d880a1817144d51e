"""Writing verdicts: one transaction for a batch of images, the same image once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from db.operation import LivePlot, RunHistory
from db.operation_queries import Live, see_run, set_live
from pipeline.errors import FileError
from pipeline.keeper.embeddings import enter_embeddings
from pipeline.keeper.imagestore import ImageStore
from pipeline.keeper.intake import Item, Key
from pipeline.keeper.live import LiveFrames
from pipeline.keeper.rows import enter_history, enter_plots, find_known, log
from pipeline.keeper.shadow import enter_shadows
from pipeline.keeper.shown import Shown, Surroundings, compose
from pipeline.messages import PlotState, ShadowState


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
        known = find_known(session, items)
        fresh: dict[Key, Item] = {}
        for item in items:
            if not item.known and item.key not in known:
                fresh.setdefault(item.key, item)
        kept = {key: self._keep(item) for key, item in fresh.items() if item.keep}
        plots = enter_plots(session, {key: fresh[key] for key, (path, _) in kept.items() if path})
        rows = enter_history(session, fresh, plots)
        shadows = _enter_shadows(session, fresh, rows)
        enter_embeddings(session, fresh.values())
        for key, item in fresh.items():
            if item.logged:
                log(session, item, rows[key].id)
        outcomes = _outcomes(items, fresh, rows, kept, shadows=shadows, counts=counts)
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
        counts = {
            item.entry.plot_type_id: outcomes[index].image.count
            for index, item in new.items()
            if item.entry.name not in newest
        }
        if counts:
            rows = [{"plot_type_id": key, "count": count} for key, count in counts.items()]
            session.execute(update(LivePlot), rows)
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


def _outcomes(
    items: Sequence[Item],
    fresh: Mapping[Key, Item],
    rows: Mapping[Key, RunHistory],
    kept: Mapping[Key, tuple[str, str]],
    *,
    shadows: Mapping[int, ShadowState],
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
            shadow=shadows.get(row.id) if row else None,
        )
        outcomes.append(Outcome(_word(item), image, kept=bool(path)))
    return outcomes


def _enter_shadows(
    session: Session, fresh: Mapping[Key, Item], rows: Mapping[Key, RunHistory]
) -> dict[int, ShadowState]:
    said = {rows[key].id: item.shadow for key, item in fresh.items() if item.shadow and key in rows}
    return enter_shadows(session, said) if said else {}


def _word(item: Item) -> str:
    if not item.image.reading.judged:
        return "shown"
    return "failed" if item.image.reading.error else "recorded"
