"""Writing and reading the audit log."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from db.audit import AuditLog


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change, from where and why."""

    user: str
    host: str
    why: str = ""


def audit(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    *,
    old: Any = None,
    new: Any = None,
    accepted: bool = True,
) -> None:
    """Add a line to the audit log, in the transaction of the change itself.

    Args:
        session: A session of a transaction that writes.
        actor: Who, from where and why; the texts are cut to the columns' width.
        action: What was asked, such as ``set-threshold``.
        subject: What was changed, such as ``CDC_occupancy Bad``.
        old: Value before, as JSON can hold it.
        new: Value after, or the value that was refused.
        accepted: False for an attempt that was refused.
    """
    session.add(
        AuditLog(
            changed_at=time.time(),
            user_name=actor.user[:100],
            host=actor.host[:500],
            action=action,
            subject=subject[:500],
            old=old,
            new=new,
            why=actor.why,
            accepted=accepted,
        )
    )
    session.flush()
