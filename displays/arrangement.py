"""Which card lies where: main column or Bad column, and in which order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from displays.card_state import VEILED, Level
from displays.catalogue import Plot


@dataclass(frozen=True, slots=True)
class Entry:
    """What the arrangement needs to know of a plot."""

    plot: Plot
    level: Level
    bad: bool
    """Whether it belongs into the Bad column."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where everything lies; names of plots, in order."""

    main: tuple[str, ...]
    """The main column. A name that is in ``bad`` too is a notice here."""
    bad: tuple[str, ...]
    plots: tuple[int, int]
    """Cards of the main column: shown, in all."""
    bads: tuple[int, int]
    """Cards of the Bad column: shown, in all."""


def arrange(entries: Sequence[Entry], group: str, hidden: Collection[str]) -> Arrangement:
    """Lay out the plots.

    The main column keeps the order of the catalogue, so that eyes find a plot
    where it always is; only plots that want attention come before it, the
    worst first. A bad plot leaves a notice in its place.

    Args:
        entries: All plots, in the order of the catalogue.
        group: Show this group only; empty for all.
        hidden: Names of plots not to be shown.
    """
    shown = [
        entry
        for entry in entries
        if entry.plot.name not in hidden and group in ("", entry.plot.group)
    ]
    urgent = [entry for entry in shown if not entry.bad and entry.level >= Level.WARNING]
    if len(urgent) == len([entry for entry in shown if not entry.bad]):
        # All are alike, as when the IOC is lost: nothing is gained by moving them.
        urgent = []
    urgent.sort(key=lambda entry: -entry.level)
    rest = [entry for entry in shown if entry not in urgent]
    bad = sorted((entry for entry in shown if entry.bad), key=_bad_rank)
    bad_in_all = sum(entry.bad for entry in entries)
    return Arrangement(
        main=tuple(entry.plot.name for entry in (*urgent, *rest)),
        bad=tuple(entry.plot.name for entry in bad),
        plots=(len(shown) - len(bad), len(entries) - bad_in_all),
        bads=(len(bad), bad_in_all),
    )


def _bad_rank(entry: Entry) -> tuple[bool, int]:
    # Confirmed before unconfirmed; a verdict that is no longer live comes last.
    return entry.level in VEILED, -entry.level
