"""Adding masks, switching them, and letting them end; each change with its history."""

import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.mask_shapes import Points, check_points, covered_share
from db.masks import InferenceMask, Mask, MaskHistory
from pipeline.errors import CommandError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
MOST_MASKS: Final = 8
"""In force on one plot; with 40 corners each a hundred plots fit one catalogue message."""
MOST_SHARE: Final = 0.5
"""Of the image that masks may cover together: what is left must still be worth a verdict."""
TEXT_LIMIT: Final = 500
AT_ONCE: Final = 500
"""Rows asked for in one statement."""
LAST_TIME: Final = 4_102_444_800.0
"""2100-01-01: an expiry behind it is a slip."""
SYSTEM: Final = Actor(user="hydra", host="keeper", why="its time has come")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRow:
    """One mask as it is now."""

    mask_id: int
    plot: str
    name: str
    owner: str
    reason: str
    points: Points
    """Corners, fractions of the image from its top left."""
    enabled: bool
    expires_at: float | None
    """Seconds since the epoch; None never."""
    added_at: float

    def in_force(self, now: float) -> bool:
        """Tell whether it covers anything at a time."""
        return self.enabled and (self.expires_at is None or now < self.expires_at)


def masks(session: Session, plot: str | None = None) -> tuple[MaskRow, ...]:
    """List all masks by plot and name, those out of force too.

    Args:
        session: A session that may read.
        plot: Only this plot type.

    Raises:
        CommandError: There is no such plot.
    """
    statement = (
        select(Mask, PlotType.name)
        .join(PlotType, Mask.plot_type_id == PlotType.id)
        .order_by(PlotType.name, Mask.name)
    )
    if plot is not None:
        statement = statement.where(Mask.plot_type_id == plot_type(session, plot).id)
    return tuple(_row(mask, name) for mask, name in session.execute(statement))


def masks_in_force(session: Session) -> Mapping[int, tuple[MaskRow, ...]]:
    """Give the masks that are enabled and not ended, by plot type.

    A mask whose time has just come stays among them until that is on record.
    """
    found: defaultdict[int, list[MaskRow]] = defaultdict(list)
    statement = (
        select(Mask, PlotType.name)
        .join(PlotType, Mask.plot_type_id == PlotType.id)
        .where(Mask.enabled, ~Mask.ended)
        .order_by(Mask.id)
    )
    for mask, name in session.execute(statement):
        found[mask.plot_type_id].append(_row(mask, name))
    return {key: tuple(rows) for key, rows in found.items()}


def add_mask(
    session: Session,
    who: Actor,
    plot: str,
    name: str,
    *,
    points: Sequence[Sequence[float]],
    owner: str,
    reason: str,
    expires_at: float | None = None,
    enabled: bool = True,
) -> int:
    """Put a mask on a plot.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        name: A new name among the masks of this plot.
        points: Corners of a polygon, (x, y) as fractions of the image from top
            left; two points are opposite corners of a rectangle.
        owner: Who answers for the known problem.
        reason: What it is.
        expires_at: Seconds since the epoch, in the future; None never.
        enabled: Whether it is in force at once.

    Returns:
        Its id.

    Raises:
        CommandError: Something cannot be used; says what was expected.
    """
    target = plot_type(session, plot)
    outline = check_points(points)
    now = time.time()
    _check_words(name, owner, reason)
    _check_expiry(expires_at, now)
    if session.scalar(select(Mask.id).filter_by(plot_type_id=target.id, name=name)) is not None:
        raise CommandError(
            f"plot {plot} has a mask {name!r} already; its outline never changes:"
            " disable it and add another"
        )
    if enabled:
        _check_room(session, target, outline, now)
    mask = Mask(
        plot_type_id=target.id,
        name=name,
        owner=owner,
        reason=reason,
        points=[list(point) for point in outline],
        added_at=now,
        enabled=enabled,
        expires_at=expires_at,
    )
    session.add(mask)
    session.flush()
    _record(session, who, plot, mask, action="add")
    return mask.id


def enable_mask(session: Session, who: Actor, plot: str, name: str, enabled: bool) -> None:
    """Take a mask into force or out of it.

    Raises:
        CommandError: There is no such mask, or it has expired.
    """
    target, mask = _find(session, plot, name)
    now = time.time()
    if enabled and mask.expires_at is not None and mask.expires_at <= now:
        raise CommandError(f"mask {name!r} of {plot} has expired; give it a new time with 'expire'")
    old = _facts(mask)
    if enabled and not mask.enabled:
        _check_room(session, target, check_points(mask.points), now)
    mask.enabled = enabled
    session.flush()
    _record(session, who, plot, mask, action="enable" if enabled else "disable", old=old)


def expire_mask(
    session: Session, who: Actor, plot: str, name: str, expires_at: float | None
) -> None:
    """Set when a mask ends.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        name: Name of the mask.
        expires_at: Seconds since the epoch; a past time ends it now, None never.

    Raises:
        CommandError: There is no such mask, or the time cannot be used.
    """
    target, mask = _find(session, plot, name)
    now = time.time()
    if expires_at is not None:
        expires_at = max(expires_at, now)
        if not expires_at <= LAST_TIME:
            raise CommandError(f"expected a time before 2100, received {expires_at}")
    old = _facts(mask)
    was_over = mask.expires_at is not None and mask.expires_at <= now
    if mask.enabled and was_over and (expires_at is None or expires_at > now):
        _check_room(session, target, check_points(mask.points), now)
    mask.expires_at = expires_at
    mask.ended = False
    session.flush()
    _record(session, who, plot, mask, action="expire", old=old)


def end_masks(session: Session, now: float) -> list[str]:
    """Put on record that the time of masks has come.

    Args:
        session: A session of a transaction that writes.
        now: Seconds since the epoch.

    Returns:
        What ended, in words.
    """
    statement = (
        select(Mask, PlotType.name)
        .join(PlotType, Mask.plot_type_id == PlotType.id)
        .where(~Mask.ended, Mask.expires_at.is_not(None), Mask.expires_at <= now)
    )
    ended = []
    for mask, plot in session.execute(statement).all():
        old = _facts(mask)
        mask.ended = True
        session.flush()
        _record(session, SYSTEM, plot, mask, action="ended", old=old)
        ended.append(f"mask {mask.name} of {plot} expired")
    return ended


def note_masks(session: Session, used: Mapping[int, Sequence[int]]) -> None:
    """Put on record which masks covered images when they were judged.

    Args:
        session: A session of a transaction that writes.
        used: Ids of masks by row of ``run_history``; unknown ids are left out.
    """
    wanted = {mask for ids in used.values() for mask in ids}
    if not wanted:
        return
    known = set(session.scalars(select(Mask.id).where(Mask.id.in_(wanted))))
    session.add_all(
        InferenceMask(run_history_id=row, mask_id=mask)
        for row, ids in used.items()
        for mask in sorted(set(ids) & known)
    )
    session.flush()


def masks_of(session: Session, history_ids: Sequence[int] | None) -> dict[int, tuple[str, ...]]:
    """Give the names of the masks that verdicts were made with.

    Args:
        session: A session that may read.
        history_ids: Rows of ``run_history``; None for all.

    Returns:
        Names by row, for those with masks.
    """
    found: defaultdict[int, list[str]] = defaultdict(list)
    statement = (
        select(InferenceMask.run_history_id, Mask.name)
        .join(Mask, InferenceMask.mask_id == Mask.id)
        .order_by(Mask.id)
    )
    if history_ids is None:
        some = [statement]
    else:
        chunks = (history_ids[i : i + AT_ONCE] for i in range(0, len(history_ids), AT_ONCE))
        some = [statement.where(InferenceMask.run_history_id.in_(ids)) for ids in chunks]
    for one in some:
        for key, name in session.execute(one):
            found[key].append(name)
    return {key: tuple(names) for key, names in found.items()}


def _check_words(name: str, owner: str, reason: str) -> None:
    if not NAME.fullmatch(name):
        raise CommandError(
            f"expected a name of 1 to 60 letters, digits, spaces and . _ -, received {name[:80]!r}"
        )
    if not 1 <= len(owner) <= 100 or not owner.isprintable():
        raise CommandError(f"expected an owner of 1 to 100 characters, received {owner[:80]!r}")
    if not 1 <= len(reason) <= TEXT_LIMIT or not reason.isprintable():
        raise CommandError(
            f"expected a reason of 1 to {TEXT_LIMIT} printable characters, received {len(reason)}"
        )


def _check_expiry(expires_at: float | None, now: float) -> None:
    if expires_at is not None and not now < expires_at <= LAST_TIME:
        raise CommandError(
            f"expected an expiry in the future and before 2100, received {expires_at}"
        )


def _check_room(session: Session, target: PlotType, outline: Points, now: float) -> None:
    """Refuse a mask too many, or more covered than leaves something to judge."""
    others = [row for row in masks_in_force(session).get(target.id, ()) if row.in_force(now)]
    if len(others) >= MOST_MASKS:
        raise CommandError(f"plot {target.name} has {MOST_MASKS} masks in force already")
    share = covered_share([outline, *(row.points for row in others)])
    if share > MOST_SHARE:
        raise CommandError(
            f"masks would cover {share:.0%} of {target.name}, at most {MOST_SHARE:.0%} may be;"
            " to take the whole plot out of the alarms, ignore it"
        )


def _find(session: Session, plot: str, name: str) -> tuple[PlotType, Mask]:
    target = plot_type(session, plot)
    mask = session.scalars(select(Mask).filter_by(plot_type_id=target.id, name=name)).first()
    if mask is None:
        raise CommandError(
            f"plot {plot} has no mask {name!r:.80}; 'hydra-ioc masks list' shows those there are"
        )
    return target, mask


def _facts(mask: Mask) -> dict[str, Any]:
    return {"enabled": mask.enabled, "expires_at": mask.expires_at, "ended": mask.ended}


def _record(
    session: Session,
    who: Actor,
    plot: str,
    mask: Mask,
    *,
    action: str,
    old: dict[str, Any] | None = None,
) -> None:
    session.add(
        MaskHistory(
            changed_at=time.time(),
            mask_id=mask.id,
            action=action,
            enabled=mask.enabled,
            expires_at=mask.expires_at,
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    new = {"action": action, **_facts(mask)}
    if action == "add":
        new |= {"owner": mask.owner, "reason": mask.reason, "points": mask.points}
    audit(session, who, "set-mask", f"{plot} {mask.name}", old=old, new=new)


def _row(mask: Mask, plot: str) -> MaskRow:
    return MaskRow(
        mask_id=mask.id,
        plot=plot,
        name=mask.name,
        owner=mask.owner,
        reason=mask.reason,
        points=tuple((float(x), float(y)) for x, y in mask.points),
        enabled=mask.enabled,
        expires_at=mask.expires_at,
        added_at=mask.added_at,
    )
