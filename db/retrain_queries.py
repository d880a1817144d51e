"""Requests for a training: one open per plot and cause, closed with a reason."""

import time
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.performance import RetrainRequest
from db.performance_queries import trained_since
from pipeline.errors import CommandError


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as it is listed."""

    id: int
    plot: str
    cause: str
    reason: str
    opened_at: float
    """Seconds since the epoch."""
    closed_at: float | None
    closed_by: str | None
    close_reason: str


def open_request(
    session: Session, plot_type_id: int, cause: str, reason: str, since: float
) -> bool:
    """Ask for a training, unless that is so already.

    What was asked for and closed since the model became active is not asked for
    again: its cause is known.

    Args:
        session: A session of a transaction that writes.
        plot_type_id: The plot.
        cause: As ``retrain_requests`` knows them.
        reason: In words.
        since: When the plot's model became active, seconds since the epoch.

    Returns:
        Whether there is a new request.
    """
    known = session.scalars(
        select(RetrainRequest.id)
        .where(
            RetrainRequest.plot_type_id == plot_type_id,
            RetrainRequest.cause == cause,
            RetrainRequest.closed_at.is_(None) | (RetrainRequest.closed_at > since),
        )
        .limit(1)
    ).first()
    if known is not None:
        return False
    session.add(
        RetrainRequest(
            plot_type_id=plot_type_id,
            cause=cause,
            reason=reason,
            opened_at=time.time(),
            open_key=f"{plot_type_id}:{cause}",
        )
    )
    session.flush()
    return True


def open_requests(session: Session, plot_type_id: int) -> list[RetrainRequest]:
    """List the open requests of a plot, oldest first."""
    statement = select(RetrainRequest).where(
        RetrainRequest.plot_type_id == plot_type_id, RetrainRequest.closed_at.is_(None)
    )
    return list(session.scalars(statement.order_by(RetrainRequest.id)))


def close_trained(session: Session, plot_type_id: int, since: float) -> int:
    """Close what a training or an activation has answered.

    Args:
        session: A session of a transaction that writes.
        plot_type_id: The plot.
        since: When the plot's model became active, seconds since the epoch.

    Returns:
        How many were closed.
    """
    closed = 0
    for request in open_requests(session, plot_type_id):
        if since > request.opened_at:
            _close(request, "Keeper", "another model was activated")
        elif digest := trained_since(session, plot_type_id, request.opened_at):
            _close(request, "Keeper", f"model {digest[:12]} was trained")
        closed += request.closed_at is not None
    session.flush()
    return closed


def close_request(session: Session, who: Actor, request_id: int, reason: str) -> RequestRow:
    """Close a request by hand.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        request_id: Of an open request.
        reason: Why nothing needs to be trained; not empty.

    Raises:
        CommandError: There is no such request, it is closed, or the reason is empty.
    """
    if not reason.strip():
        raise CommandError("expected a reason for closing a request, received none")
    found = session.get(RetrainRequest, request_id)
    if found is None:
        raise CommandError(f"there is no request {request_id}; see 'hydra-ioc retrain list'")
    if found.closed_at is not None:
        raise CommandError(f"request {request_id} is closed: {found.close_reason}")
    _close(found, who.user[:100], reason)
    session.flush()
    audit(session, who, "close-retrain", str(request_id), new={"reason": reason})
    return _row(found, session.get_one(PlotType, found.plot_type_id).name)


def requests(
    session: Session, plot: str | None = None, *, closed: bool = False
) -> list[RequestRow]:
    """List requests, the newest first.

    Args:
        session: A session that may read.
        plot: Only of this plot.
        closed: Whether closed ones are listed, too.

    Raises:
        CommandError: There is no such plot.
    """
    statement = (
        select(RetrainRequest, PlotType.name)
        .join(PlotType, RetrainRequest.plot_type_id == PlotType.id)
        .order_by(RetrainRequest.id.desc())
    )
    if plot is not None:
        statement = statement.where(RetrainRequest.plot_type_id == plot_type(session, plot).id)
    if not closed:
        statement = statement.where(RetrainRequest.closed_at.is_(None))
    return [_row(request, name) for request, name in session.execute(statement)]


def _close(request: RetrainRequest, by: str, reason: str) -> None:
    request.closed_at = time.time()
    request.closed_by = by
    request.close_reason = reason
    request.open_key = None


def _row(request: RetrainRequest, plot: str) -> RequestRow:
    return RequestRow(
        id=request.id,
        plot=plot,
        cause=request.cause,
        reason=request.reason,
        opened_at=request.opened_at,
        closed_at=request.closed_at,
        closed_by=request.closed_by,
        close_reason=request.close_reason,
    )
