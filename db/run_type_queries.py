"""The run type: what it is now, and setting it."""

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.reference_queries import run_types_of_references, use_run_type
from db.run_types import RunType
from pipeline.errors import CommandError

LIMIT = 39
"""Longest run type, in bytes: a string of Channel Access.

Source:
    EPICS Base 7, ``db_access.h``: ``MAX_STRING_SIZE`` 40, less its NUL.
"""


def run_type_now(session: Session) -> str:
    """Give the run type that was set last; empty where none was."""
    row = session.scalars(select(RunType).order_by(RunType.id.desc()).limit(1)).first()
    return row.run_type if row is not None else ""


def set_run_type(
    session: Session, who: Actor, run_type: str, *, measured: bool = False
) -> dict[str, int]:
    """Set the run type, and compare all plots with their references of it.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        run_type: Such as ``cosmic``; empty where it is not known.
        measured: The facility says so: any run type is taken, and one that is set
            already changes nothing, not even references that a person chose since.

    Returns:
        The version of references taken into force, by plot.

    Raises:
        CommandError: It cannot be a run type; or a person says so and no plot has
            references of it, or a version does not fit its model.
    """
    if len(run_type.encode()) > LIMIT or not (run_type.isprintable() or not run_type):
        raise CommandError(
            f"expected a run type of at most {LIMIT} bytes of printable text,"
            f" received {run_type!r:.120}"
        )
    before = run_type_now(session)
    if measured and run_type == before:
        return {}
    known = run_types_of_references(session)
    if run_type and not measured and run_type not in known:
        raise CommandError(
            f"no references are of run type {run_type!r:.120}; there are:"
            f" {', '.join(sorted(known)) or 'none'}"
        )
    changed = use_run_type(session, who, run_type, only_fitting=measured)
    session.add(
        RunType(
            set_at=time.time(),
            run_type=run_type,
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    audit(session, who, "set-run-type", run_type, old=before, new=run_type)
    session.flush()
    return changed
