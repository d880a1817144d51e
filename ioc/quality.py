"""The worst of several plots, and how many are in which condition."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ioc.description import Kind, PvDescription, name_part
from ioc.value import EPICS_EPOCH, PvValue
from pipeline.alarm import Severity, Status
from pipeline.messages import PlotEntry, PlotState

STATES: Final = ("Good", "Unconfirmed", "Bad", "Stale", "Unknown")
COUNTS: Final = ("Good", "Bad", "Unconfirmed", "Stale")
_STATE: Final = {
    Severity.NO_ALARM: 0,
    Severity.MINOR: 1,
    Severity.MAJOR: 2,
    Severity.INVALID: 3,
}
UNKNOWN: Final = 4


def describe_quality(base: str, *, of: str) -> Iterator[PvDescription]:
    """Describe the PVs of a group of plots.

    Args:
        base: Prefix of their names: ``$(P)`` or ``$(P)<Group>:``.
        of: What the group is called in DESC.
    """
    yield PvDescription(
        f"{base}Quality",
        Kind.ENUM,
        f"Worst of the plots of {of}"[:40],
        choices=STATES,
        ackable=True,
        archive=True,
    )
    texts = {
        "Good": "Plots without alarm",
        "Bad": "Plots in alarm MAJOR",
        "Unconfirmed": "Plots in alarm MINOR",
        "Stale": "Plots that are INVALID",
    }
    for name, text in texts.items():
        yield PvDescription(f"{base}{name}", Kind.LONG, text, archive=True)


def group_base(prefix: str, group: str) -> str:
    """Give the prefix of a group's PV names."""
    return f"{prefix}{name_part(group)}:"


def quality_values(base: str, states: Iterable[PlotState]) -> dict[str, PvValue]:
    """Give what the PVs of a group show.

    Args:
        base: As for ``describe_quality``.
        states: Of all plots of the group that are not ignored. One that has never
            had an image has no verdict, and no verdict is no rank: it is left out.

    Returns:
        Quality with the worst severity, the reason naming the plot, and the
        time of the newest image; and the counts.
    """
    known = [state for state in states if state.status is not Status.UDF]
    time = max((state.image_time for state in known), default=0.0) or EPICS_EPOCH
    counts = dict.fromkeys(Severity, 0)
    for state in known:
        counts[state.severity] += 1
    numbers = {
        "Good": counts[Severity.NO_ALARM],
        "Bad": counts[Severity.MAJOR],
        "Unconfirmed": counts[Severity.MINOR],
        "Stale": counts[Severity.INVALID],
    }
    values = {f"{base}{name}": PvValue(number, time=time) for name, number in numbers.items()}
    values[f"{base}Quality"] = _worst(known, time)
    return values


def _worst(states: list[PlotState], time: float) -> PvValue:
    if not states:
        return PvValue(
            UNKNOWN, Severity.INVALID, Status.UDF, time, "no plot of this group has an image yet"
        )
    worst = max(states, key=lambda state: (state.severity, state.image_time))
    reason = f"{worst.plot}: {worst.reason}" if worst.severity else ""
    return PvValue(_STATE[worst.severity], worst.severity, worst.status, time, reason)


def by_group(entries: Iterable[PlotEntry]) -> Mapping[str, list[PlotEntry]]:
    """Sort plots by detector system, each in the order of the catalogue."""
    groups: dict[str, list[PlotEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(entry)
    return groups
