"""The monitoring log: what somebody should look at, in stretches.

A stretch is a row of consecutive chunks with the same label and confirmation.
Images may arrive in any order: each row is joined to its neighbours by number.
Images without chunk numbers are neighbours when one was judged right after the
other.
"""

from enum import IntEnum
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.operation import MonitoringLog, RunHistory
from db.verdict import Verdict, insert_row


class Transition(IntEnum):
    """Place of a log row in its stretch."""

    MIDDLE = 0
    START = 1
    END = 2
    SINGLE = 3


_BEFORE: Final = {Transition.MIDDLE, Transition.END}
_AFTER: Final = {Transition.MIDDLE, Transition.START}


def log(session: Session, verdict: Verdict, history_id: int) -> Transition:
    """Log a verdict and join it to the stretches before and behind it.

    Args:
        session: A session of a transaction that writes, with the history row in it.
        verdict: The verdict.
        history_id: Its row in the history.

    Returns:
        The place of the new row in its stretch.
    """
    before = _neighbour(session, verdict, verdict.chunk - 1)
    after = _neighbour(session, verdict, verdict.chunk + 1)
    if before is None and verdict.chunk == 0 and not verdict.late:
        before = _judged_just_before(session, verdict, history_id)
    if before is not None:
        _recode(session, before[0], _code(before=before[1] in _BEFORE, after=True))
    if after is not None:
        _recode(session, after[0], _code(before=True, after=after[1] in _AFTER))
    place = _code(before=before is not None, after=after is not None)
    insert_row(
        session,
        MonitoringLog,
        {
            "run_history_id": history_id,
            "plot_type_id": verdict.plot_type_id,
            "image_time": verdict.image_time,
            "period": verdict.period,
            "run": verdict.run,
            "chunk": verdict.chunk,
            "label": verdict.label,
            "confidence": verdict.confidence,
            "is_confirmed": verdict.confirmed,
            "is_transition": place,
        },
    )
    return place


def _code(*, before: bool, after: bool) -> Transition:
    if before:
        return Transition.MIDDLE if after else Transition.END
    return Transition.START if after else Transition.SINGLE


def _neighbour(session: Session, verdict: Verdict, chunk: int) -> tuple[int, int] | None:
    """Give id and code of the newest row of a chunk, if it says the same."""
    row = session.execute(
        select(
            MonitoringLog.id,
            MonitoringLog.is_transition,
            MonitoringLog.label,
            MonitoringLog.is_confirmed,
        )
        .where(
            MonitoringLog.plot_type_id == verdict.plot_type_id,
            MonitoringLog.run == verdict.run,
            MonitoringLog.chunk == chunk,
            MonitoringLog.period == verdict.period,
        )
        .order_by(MonitoringLog.id.desc())
        .limit(1)
    ).first()
    if row is None or (row.label, row.is_confirmed) != (verdict.label, verdict.confirmed):
        return None
    return row.id, row.is_transition


def _judged_just_before(
    session: Session, verdict: Verdict, history_id: int
) -> tuple[int, int] | None:
    row = session.execute(
        select(RunHistory.id, RunHistory.chunk)
        .where(RunHistory.plot_type_id == verdict.plot_type_id, RunHistory.id != history_id)
        .order_by(RunHistory.image_time.desc(), RunHistory.id.desc())
        .limit(1)
    ).first()
    if row is None or row.chunk != 0:
        return None
    found = session.execute(
        select(MonitoringLog.id, MonitoringLog.is_transition).where(
            MonitoringLog.run_history_id == row.id,
            MonitoringLog.label == verdict.label,
            MonitoringLog.is_confirmed == verdict.confirmed,
            MonitoringLog.run == verdict.run,
            MonitoringLog.period == verdict.period,
        )
    ).first()
    return None if found is None else (found.id, found.is_transition)


def _recode(session: Session, key: int, code: Transition) -> None:
    session.execute(update(MonitoringLog).where(MonitoringLog.id == key).values(is_transition=code))
