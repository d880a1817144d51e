"""Masks as a JSON file: written, and read back with every fault named."""

import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.mask_queries import MaskRow, add_mask, masks
from pipeline.errors import CommandError, InputError

FILE_LIMIT: Final = 4_000_000
"""Largest file read, in bytes."""
UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds by the letter of a span of time."""
SPAN: Final = re.compile(r"\+(\d{1,6}(?:\.\d{1,3})?)([mhd])")


class MaskLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One mask of a file."""

    plot: str
    name: str
    owner: str
    reason: str
    points: Annotated[tuple[tuple[float, float], ...], msgspec.Meta(max_length=1000)]
    """Corners (x, y) in fractions of the image, from its top left."""
    expires: str | None = None
    """ISO 8601; None never."""
    enabled: bool = True


def export_masks(session: Session, plot: str | None = None) -> bytes:
    """Give masks as JSON.

    Args:
        session: A session that may read.
        plot: Only this plot type.

    Raises:
        CommandError: There is no such plot.
    """
    lines = [
        MaskLine(
            plot=row.plot,
            name=row.name,
            owner=row.owner,
            reason=row.reason,
            points=row.points,
            expires=None if row.expires_at is None else write_time(row.expires_at),
            enabled=row.enabled,
        )
        for row in masks(session, plot)
    ]
    return msgspec.json.format(msgspec.json.encode(lines), indent=1) + b"\n"


def read_masks(file: Path) -> tuple[MaskLine, ...]:
    """Read masks from a JSON file.

    Raises:
        InputError: It cannot be read, or is no list of masks.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            raise InputError(f"{file} is over the limit of {FILE_LIMIT} bytes")
        return msgspec.json.decode(data, type=tuple[MaskLine, ...])
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} is no list of masks: {error}") from error


def import_masks(session: Session, who: Actor, lines: Sequence[MaskLine]) -> tuple[int, int, int]:
    """Put the masks of a file on their plots; all, or none.

    A mask that has expired is left out; one that is there already, with the
    same outline, stays as it is.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        lines: From ``read_masks``.

    Returns:
        How many were added, were there already, and had expired.

    Raises:
        InputError: Lists every mask that cannot be used.
    """
    there = {(row.plot, row.name): row for row in masks(session)}
    added = known = expired = 0
    faults = []
    for line in lines:
        try:
            old = there.get((line.plot, line.name))
            expires_at = None if line.expires is None else read_time(line.expires)
            if old is not None:
                _check_same(old, line)
                known += 1
            elif expires_at is not None and expires_at <= time.time():
                expired += 1
            else:
                add_mask(
                    session,
                    who,
                    line.plot,
                    line.name,
                    points=line.points,
                    owner=line.owner,
                    reason=line.reason,
                    expires_at=expires_at,
                    enabled=line.enabled,
                )
                added += 1
        except InputError as error:
            faults.append(f"{line.plot} {line.name}: {error}"[:300])
    if faults:
        raise InputError(
            "\n  ".join([f"no mask is imported, {len(faults)} cannot be used:", *faults[:10]])
        )
    return added, known, expired


def _check_same(old: MaskRow, line: MaskLine) -> None:
    if old.points != tuple((round(x, 5), round(y, 5)) for x, y in line.points):
        raise CommandError("there is a mask of this name with another outline; rename it")


def read_time(text: str) -> float:
    """Read a time: ISO 8601, local without an offset, or a span such as ``+8h``.

    Args:
        text: ``+30m``, ``+8h``, ``+3d``, ``now``, or ``2026-12-01T08:00``.

    Returns:
        Seconds since the epoch.

    Raises:
        InputError: It is none of these.
    """
    if text == "now":
        return time.time()
    if span := SPAN.fullmatch(text):
        return time.time() + float(span[1]) * UNITS[span[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"expected a time such as 2026-12-01T08:00, +8h or +3d, received {text[:40]!r}"
        ) from error


def write_time(at: float) -> str:
    """Write a time as local ISO 8601 with its offset."""
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
