"""Masks as clients change them, and their ending when the time has come."""

import time
from collections.abc import Iterable

from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.mask_queries import add_mask, enable_mask, end_masks, expire_mask
from pipeline.errors import CommandError
from pipeline.keeper.catalogue import Plots, read_plots
from pipeline.messages import ChangeMask, PlotEntry


def change_mask(session: Session, who: Actor, command: ChangeMask) -> str:
    """Carry out a change of a mask.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        command: What is asked.

    Returns:
        What was done, in words.

    Raises:
        CommandError: It cannot be done; says what was expected.
    """
    plot, name = command.plot, command.name
    match command.action:
        case "add":
            if command.points is None:
                raise CommandError("expected points to add a mask, received none")
            add_mask(
                session,
                who,
                plot,
                name,
                points=command.points,
                owner=command.owner or who.user,
                reason=command.reason,
                expires_at=command.expires_at,
            )
            return f"mask {name} put on {plot}"
        case "enable" | "disable":
            enable_mask(session, who, plot, name, command.action == "enable")
            return f"mask {name} of {plot} {command.action}d"
        case "expire":
            expire_mask(session, who, plot, name, command.expires_at)
            return f"mask {name} of {plot} ends {_when(command.expires_at)}"
    raise CommandError(
        f"expected an action of add, enable, disable or expire, received {command.action!r:.40}"
    )


def some_expired(entries: Iterable[PlotEntry], now: float) -> bool:
    """Tell whether a mask of the catalogue has come to its end, seconds since the epoch."""
    return any(
        mask.expires_at is not None and mask.expires_at <= now
        for entry in entries
        for mask in entry.masks
    )


def end_due(session: Session) -> Plots:
    """Put the end of masks on record and read the catalogue without them."""
    end_masks(session, time.time())
    session.flush()
    return read_plots(session)


def _when(expires_at: float | None) -> str:
    if expires_at is None:
        return "never"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(expires_at))
