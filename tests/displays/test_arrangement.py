"""Which card lies where, as tables."""

import pytest

from displays.arrangement import Entry, arrange
from displays.card_state import Level
from displays.catalogue import Plot

G, W, S, U, B, D = (
    Level.GOOD,
    Level.WARNING,
    Level.STALE,
    Level.UNCONFIRMED,
    Level.BAD,
    Level.DISCONNECTED,
)


def entries(*levels, bad=(), groups="aaaaaaa"):
    return [
        Entry(Plot(f"p{i}", groups[i]), level, i in bad or level in (B, U))
        for i, level in enumerate(levels)
    ]


@pytest.mark.parametrize(
    ("plots", "group", "hidden", "main", "bad", "counts"),
    [
        ((), "", (), "", "", (0, 0, 0, 0)),
        (entries(G, G, G), "", (), "p0 p1 p2", "", (3, 3, 0, 0)),
        (entries(G, W, S), "", (), "p2 p1 p0", "", (3, 3, 0, 0)),
        (entries(G, B, G), "", (), "p0 p1 p2", "p1", (2, 2, 1, 1)),
        (entries(U, B, G), "", (), "p0 p1 p2", "p1 p0", (1, 1, 2, 2)),
        (entries(D, D, D), "", (), "p0 p1 p2", "", (3, 3, 0, 0)),
        (entries(G, B, G), "", ("p1",), "p0 p2", "", (2, 2, 0, 1)),
        (entries(G, G, G), "", ("p0",), "p1 p2", "", (2, 3, 0, 0)),
        (entries(G, B, G, groups="aab"), "a", (), "p0 p1", "p1", (1, 2, 1, 1)),
        (entries(S, B, G, bad=(0,)), "", (), "p0 p1 p2", "p1 p0", (1, 1, 2, 2)),
    ],
)
def test_given_plots_when_arranged_then_places_and_counters_follow(  # noqa: PLR0917 - a table
    plots, group, hidden, main, bad, counts
):
    layout = arrange(plots, group, hidden)
    assert " ".join(layout.main) == main
    assert " ".join(layout.bad) == bad
    assert (*layout.plots, *layout.bads) == counts
