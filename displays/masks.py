"""Masks as a PV lists them. No Qt: widgets only paint them."""

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

MOST: Final = 50
"""Masks of a plot that are drawn; the Keeper allows eight."""
POINTS: Final = 200
TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask in force."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Corners in fractions of the picture."""
    owner: str = ""
    reason: str = ""
    expires: float | None = None
    """Seconds since the epoch; None never."""

    def line(self) -> str:
        """Tell owner, reason and expiry."""
        until = "no end"
        if self.expires is not None:
            moment = datetime.fromtimestamp(self.expires).astimezone()
            until = f"until {moment:%Y-%m-%d %H:%M}"
        return f"{self.name}: {self.reason} ({self.owner}, {until})"


def parse(text: str) -> tuple[Mask, ...]:
    """Read the masks that a PV lists; what is malformed is left out.

    Args:
        text: JSON, or anything else.
    """
    try:
        entries = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return ()
    if not isinstance(entries, list):
        return ()
    found = (_mask(entry) for entry in entries[:MOST])
    return tuple(mask for mask in found if mask is not None)


def _mask(entry: Any) -> Mask | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("points"), list):
        return None
    points = [_point(one) for one in entry["points"][:POINTS]]
    if len(points) < 3 or None in points:
        return None
    expires = _number(entry.get("expires"))
    texts = [str(entry.get(key, ""))[:TEXT] for key in ("name", "owner", "reason")]
    return Mask(
        name=texts[0],
        owner=texts[1],
        reason=texts[2],
        points=tuple(point for point in points if point is not None),
        expires=expires if expires is not None and 0 <= expires < 4e9 else None,
    )


def _point(one: Any) -> tuple[float, float] | None:
    if not isinstance(one, list) or len(one) != 2:
        return None
    x, y = (_number(value) for value in one)
    if x is None or y is None:
        return None
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
