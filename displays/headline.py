"""The state of the whole deployment in a few words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from displays.card_state import WORDS, Level


@dataclass(frozen=True, slots=True)
class Headline:
    """The state of the whole deployment in a few words."""

    level: Level
    text: str


HEADLINE_WORDS: Mapping[Level, str] = {
    Level.DISCONNECTED: "DISCONNECTED",
    Level.SILENT: "SILENT",
    Level.INVALID: "INVALID",
    Level.STALE: "STALE",
    Level.BAD: "BAD",
    Level.UNCONFIRMED: "unconfirmed",
    Level.WARNING: "warning",
    Level.NOTHING: "nothing yet",
    Level.UNALARMED: "without alarm",
}


def headline(levels: Iterable[Level]) -> Headline:
    """Sum up all plots, hidden ones too; the worst is named first.

    Args:
        levels: The level of every plot of the deployment.

    Returns:
        The level to paint and the words. No plot at all is never good.
    """
    counts: dict[Level, int] = {}
    for level in levels:
        counts[level] = counts.get(level, 0) + 1
    total = sum(counts.values())
    if not total:
        return Headline(Level.DISCONNECTED, "NO PLOTS")
    worst = max(counts)
    if worst >= Level.SILENT and counts[worst] == total:
        return Headline(worst, WORDS[worst])
    if worst <= Level.NO_MODEL:
        good = counts.get(Level.GOOD, 0)
        return Headline(worst, "ALL GOOD" if good == total else f"{good} GOOD OF {total}")
    least = Level.WARNING if worst >= Level.WARNING else Level.GOOD
    named = [level for level in HEADLINE_WORDS if level in counts and level >= least]
    # A bad detector leads, though a lost PV may be the higher level: crews act on it.
    named.sort(key=lambda level: level != Level.BAD)
    # Spaces inside an entry do not break, so that a number stays with its word.
    parts = [f"{counts[level]} {HEADLINE_WORDS[level]}".replace(" ", "\u00a0") for level in named]
    return Headline(named[0], "   ".join(parts))
