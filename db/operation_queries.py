"""What plots show now, the news, and the runs: all that is written over and over."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.operation import LivePlot, News, RunStatus

_LIVE: Final = cast("Table", LivePlot.__table__)
_INSERT: Final = insert(_LIVE)
_UPDATE: Final = (
    update(_LIVE)
    .where(_LIVE.c.plot_type_id == bindparam("plot"))
    .values({column.name: bindparam(column.name) for column in _LIVE.c if not column.primary_key})
)

RUNNING: Final = "Running"
ENDED: Final = "Ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a plot shows now. Times in seconds since the epoch."""

    plot_type_id: int
    run_history_id: int | None
    label: str
    confidence: float
    confirmed: bool
    weights: Mapping[str, float]
    thresholds: Mapping[str, float]
    run: int
    chunk: int
    period: str
    image_time: float
    closed_time: float
    model: str
    reason: str
    image_file: str
    severity: int
    status: int
    count: int
    since: float
    beam_current: float | None = None


def set_live(session: Session, live: Live) -> None:
    """Store what a plot shows now, in place of what it showed before.

    Args:
        session: A session of a transaction that writes.
        live: All that a restart needs.
    """
    values = {name: getattr(live, name) for name in Live.__slots__}
    values["weights"] = dict(live.weights)
    values["thresholds"] = dict(live.thresholds)
    values["updated_at"] = time.time()
    # Both statements are made once: this runs for every image on show.
    connection = session.connection()
    if connection.execute(_UPDATE, {**values, "plot": live.plot_type_id}).rowcount == 0:
        connection.execute(_INSERT, values)


def live_plots(session: Session) -> dict[str, Live]:
    """Read what every plot showed last, by the name of its plot type."""
    rows = session.execute(
        select(PlotType.name, LivePlot).join(PlotType, LivePlot.plot_type_id == PlotType.id)
    )
    return {
        name: Live(**{field: getattr(row, field) for field in Live.__slots__}) for name, row in rows
    }


def post_news(session: Session, actor: Actor, text: str) -> None:
    """Post a line of news; empty text clears it."""
    old = latest_news(session)
    session.add(News(posted_at=time.time(), user_name=actor.user[:100], text=text))
    audit(session, actor, "set-news", "news", old=old, new=text)


def latest_news(session: Session) -> str:
    """Give the line of news that holds now, empty if none."""
    return session.scalars(select(News.text).order_by(News.id.desc()).limit(1)).first() or ""


def see_run(session: Session, period: str, run: int, beam_current: float | None) -> None:
    """Note that a run is going on; the run before it has ended.

    Args:
        session: A session of a transaction that writes.
        period: Run period, ``NA`` when unknown.
        run: Run number.
        beam_current: In the unit of the beam PV; None when unknown.
    """
    now = time.time()
    row = session.scalars(
        select(RunStatus).where(RunStatus.period == period, RunStatus.run == run)
    ).first()
    if row is None or row.state != RUNNING:
        session.execute(
            update(RunStatus).where(RunStatus.state == RUNNING).values(state=ENDED, ended_at=now)
        )
    if row is None:
        row = RunStatus(period=period, run=run, began_at=now)
        session.add(row)
    row.state = RUNNING
    row.ended_at = None
    row.beam_current = beam_current
    session.flush()
