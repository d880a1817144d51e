"""Stretches of the monitoring log: rows of consecutive chunks with one verdict.

A stretch breaks when the label, the confirmation or the row of consecutive
chunk numbers changes. Whether a row is joined to its neighbours depends on the
neighbours alone, so images may arrive in any order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Transition(IntEnum):
    """Place of a row in its stretch, as the monitoring log codes it."""

    MIDDLE = 0
    START = 1
    END = 2
    SINGLE = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log, within one plot type, period and run."""

    chunk: int
    label: str
    confirmed: bool


def continues(earlier: Entry, later: Entry) -> bool:
    """Tell whether two rows lie in one stretch, the second right behind the first."""
    return (later.chunk, later.label, later.confirmed) == (
        earlier.chunk + 1,
        earlier.label,
        earlier.confirmed,
    )


def code(*, before: bool, after: bool) -> Transition:
    """Give the code of a row.

    Args:
        before: Whether the row before it is of the same stretch.
        after: Whether the row behind it is.
    """
    if before:
        return Transition.MIDDLE if after else Transition.END
    return Transition.START if after else Transition.SINGLE


def joined_behind(transition: Transition) -> Transition:
    """Give the new code of a row that got a row of its stretch behind it."""
    return code(before=transition in (Transition.MIDDLE, Transition.END), after=True)


def joined_before(transition: Transition) -> Transition:
    """Give the new code of a row that got a row of its stretch before it."""
    return code(before=True, after=transition in (Transition.MIDDLE, Transition.START))


def codes(entries: Iterable[Entry]) -> list[Transition]:
    """Code a whole log at once.

    Args:
        entries: In any order.

    Returns:
        One code each, in the given order.
    """
    rows = list(entries)
    there = set(rows)
    return [
        code(
            before=Entry(row.chunk - 1, row.label, row.confirmed) in there,
            after=Entry(row.chunk + 1, row.label, row.confirmed) in there,
        )
        for row in rows
    ]
