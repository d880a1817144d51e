"""A picture of how well a model did: accuracy with its interval, and confusion with time.

Needs the training extra (matplotlib).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

RIGHT: Final = ("#9ecae1", "#6baed6", "#4292c6", "#2171b5")
"""Verdicts that people shared: blues, one a label."""
WRONG: Final = ("#d62728", "#ff7f0e", "#9467bd", "#8c564b")
"""Verdicts that they did not share, hatched besides, for those who see no red."""
UNKNOWN: Final = "0.88"
"""Images that nobody has labelled."""
TOLD: Final = {
    "sample": "unbiased sample",
    "labelled": "labelled images, no sample of all",
    "new": "labels newer than the training, no sample of all",
}
MOST_DAYS: Final = 15
"""Days that are all named below the picture."""


def draw(found: dict[str, Any], path: Path, limit: float) -> None:
    """Draw what ``hydra-ioc performance --json`` tells.

    Args:
        found: As told.
        path: PNG, SVG or PDF by its ending.
        limit: Accuracy below which a training is asked for, 0..1.
    """
    from matplotlib.figure import Figure

    days = found["days"]
    figure = Figure(figsize=(9, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    _accuracy(above, days, limit)
    above.set_title(f"{found['plot']}: {TOLD[found['of']]}; grey: too few labels to know")
    _confusion(below, days)
    step = -(-len(days) // MOST_DAYS) or 1
    below.set_xticks(
        range(0, len(days), step), [day["day"] for day in days[::step]], rotation=45, ha="right"
    )
    below.set_xlim(-1, max(len(days), 1))
    figure.savefig(path, dpi=110)


def _accuracy(axes: Any, days: Sequence[dict[str, Any]], limit: float) -> None:
    known = [index for index, day in enumerate(days) if day["known"]]
    values = [days[index]["accuracy"] for index in known]
    spans = [days[index]["interval"] for index in known]
    errors = [
        [max(0.0, value - low) for value, (low, _) in zip(values, spans, strict=True)],
        [max(0.0, high - value) for value, (_, high) in zip(values, spans, strict=True)],
    ]
    axes.errorbar(known, values, yerr=errors, fmt="o", color="black", capsize=3)
    for index in range(len(days)):
        if index not in known:
            axes.axvspan(index - 0.5, index + 0.5, color="0.9")
    axes.axhline(limit, color="#d62728", linestyle="--", linewidth=1)
    axes.annotate(
        f"asks for a training\nbelow {limit:g}",
        (1, limit),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        va="center",
        textcoords="offset points",
        color="#d62728",
        fontsize="small",
    )
    axes.set_ylabel("accuracy, 95 % interval")
    axes.set_ylim(-0.04, 1.04)


def _confusion(axes: Any, days: Sequence[dict[str, Any]]) -> None:
    """Stack what was right below what was wrong, and what nobody labelled on top."""
    pairs = {(t, v) for day in days for t, row in day["confusion"].items() for v in row}
    bottom = [0] * len(days)

    def stack(counts: list[int], name: str, **look: Any) -> None:
        axes.bar(range(len(days)), counts, 0.7, bottom=list(bottom), label=name, **look)
        bottom[:] = [low + count for low, count in zip(bottom, counts, strict=True)]

    for wrong, colours in ((False, RIGHT), (True, WRONG)):
        some = sorted(pair for pair in pairs if (pair[0] != pair[1]) == wrong)
        for number, (truth, verdict) in enumerate(some):
            counts = [day["confusion"].get(truth, {}).get(verdict, 0) for day in days]
            look = {"hatch": "//", "edgecolor": "white"} if wrong else {}
            name = f"{truth} judged {verdict}"
            stack(counts, name, color=colours[number % len(colours)], **look)
    if any(day["sampled"] > day["labelled"] for day in days):
        stack([day["sampled"] - day["labelled"] for day in days], "not labelled", color=UNKNOWN)
    axes.set_ylabel("images of the sample")
    if days:
        axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
