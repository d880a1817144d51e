"""Reading the history: what was judged, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.mask_queries import masks_of
from db.models import Model
from db.operation import RunHistory


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One verdict as it is listed; the fields are the keys of ``history --json``."""

    plot: str
    run: int
    chunk: int
    image_time: float
    """Seconds since the epoch."""
    sha256: str
    label: str
    confidence: float
    confirmed: bool
    weights: dict[str, float]
    thresholds: dict[str, float]
    """As they were then."""
    model: str
    """Digest; empty when no model judged."""
    late: bool
    masks: tuple[str, ...] = ()
    """Names of the masks it was judged with."""


def history(
    session: Session, plot: str | None = None, limit: int | None = None
) -> Iterator[HistoryRow]:
    """List verdicts, the newest image first.

    Args:
        session: A session that may read; rows are fetched as they are taken.
        plot: Only this plot type.
        limit: At most so many.

    Yields:
        One row a verdict.

    Raises:
        CommandError: There is no such plot.
    """
    names = {row.id: row.name for row in session.execute(select(PlotType.id, PlotType.name))}
    digests = {row.id: row.digest for row in session.execute(select(Model.id, Model.digest))}
    only = plot_type(session, plot).id if plot is not None else None
    # Read before the rows: a server that streams them takes no other statement.
    wanted = newest(only, limit).with_only_columns(RunHistory.id) if limit is not None else None
    masks = masks_of(session, None if wanted is None else session.scalars(wanted).all())
    for row in session.scalars(newest(only, limit)):
        yield _row(row, names, digests, masks.get(row.id, ()))


def _row(
    row: RunHistory, names: dict[int, str], digests: dict[int, str], masks: tuple[str, ...]
) -> HistoryRow:
    return HistoryRow(
        plot=names[row.plot_type_id],
        run=row.run,
        chunk=row.chunk,
        image_time=row.image_time,
        sha256=row.sha256,
        label=row.label,
        confidence=row.confidence,
        confirmed=row.confirmed,
        weights=row.output,
        thresholds=row.thresholds,
        model=digests[row.model_id] if row.model_id is not None else "",
        late=row.late,
        masks=masks,
    )


def newest(plot_type_id: int | None, limit: int | None) -> Select[RunHistory]:
    """Ask for verdicts, the newest image first, from an index alone.

    The statement joins nothing: with a join, a server may begin at the few plot
    types and sort millions of rows.

    Args:
        plot_type_id: Only this plot type.
        limit: At most so many.
    """
    statement = (
        select(RunHistory)
        .order_by(RunHistory.image_time.desc(), RunHistory.id.desc())
        .limit(limit)
        .execution_options(yield_per=500)
    )
    if plot_type_id is None:
        return statement
    return statement.where(RunHistory.plot_type_id == plot_type_id)
