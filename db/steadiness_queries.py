"""How plots are judged over time: read and changed with the audit line."""

import math
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue_queries import plot_type
from db.performance import PlotSteadiness
from pipeline.errors import CommandError

DAY_S: Final = 86_400.0
RANGES: Final = {
    "consecutive": (1, 20),
    "hysteresis": (0.0, 1.0),
    "hold_s": (0.0, DAY_S),
    "delay_s": (0.0, DAY_S),
    "count": (0, 50),
}
"""Lowest and highest value by setting; whole numbers where both are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadinessRow:
    """How a plot is judged over time."""

    consecutive: int = 1
    hysteresis: float = 0.0
    hold_s: float = 0.0
    delay_s: float = 0.0
    count: int = 0


def steadiness_of_all(session: Session) -> dict[int, SteadinessRow]:
    """Read how plots are judged over time, by plot type; default where there is none."""
    return {row.plot_type_id: _row(row) for row in session.scalars(select(PlotSteadiness))}


def set_steadiness(
    session: Session, actor: Actor, plot: str, setting: str, value: float
) -> tuple[float, float]:
    """Change one setting of how a plot is judged over time.

    Args:
        session: A session of a transaction that writes.
        actor: Who, from where and why.
        plot: Name of the plot type.
        setting: One of ``RANGES``.
        value: The new value.

    Returns:
        The value before and the value now.

    Raises:
        CommandError: There is no such plot or setting, or the value is out of range.
    """
    target = plot_type(session, plot)
    new = check_setting(setting, value)
    row = session.get(PlotSteadiness, target.id)
    if row is None:
        row = PlotSteadiness(plot_type_id=target.id, **asdict(SteadinessRow()))
        session.add(row)
    old = getattr(row, setting)
    setattr(row, setting, new)
    session.flush()
    audit(session, actor, "set-steadiness", f"{plot} {setting}", old=old, new=new)
    return old, new


def check_setting(setting: str, value: float) -> float:
    """Give a value back, whole where it has to be.

    Raises:
        CommandError: There is no such setting, or the value is out of its range.
    """
    if setting not in RANGES:
        raise CommandError(f"expected one of {', '.join(RANGES)}, received {setting!r:.40}")
    low, high = RANGES[setting]
    if not (math.isfinite(value) and low <= value <= high):
        raise CommandError(f"expected a {setting} of {low:g} to {high:g}, received {value}")
    if isinstance(low, int):
        if value != int(value):
            raise CommandError(f"expected a whole {setting}, received {value:g}")
        return int(value)
    return float(value)


def _row(row: PlotSteadiness) -> SteadinessRow:
    return SteadinessRow(
        consecutive=row.consecutive,
        hysteresis=row.hysteresis,
        hold_s=row.hold_s,
        delay_s=row.delay_s,
        count=row.count,
    )
