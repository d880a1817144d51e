"""The picture of the trials of references: what is promised, what is found, what it costs."""

from pathlib import Path
from typing import Any, Final

from hydra_ioc.bench.similarity_report import (
    PROMISES,
    Interval,
    alarms,
    interval,
    recall,
)
from hydra_ioc.bench.similarity_sets import GOOD

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours that the colour-blind tell apart.

Source: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/.
"""
LOWEST: Final = 5e-4
"""Foot of the axis of rates; a rate of none is drawn there."""
NUDGE: Final = 1.05
"""Factor between neighbouring points, so that bars do not cover each other."""
Series = dict[int, Interval]


def draw(results: list[dict[str, Any]], file: Path) -> None:
    """Draw false alarms and recall against the number of references.

    Args:
        results: From ``hydra_ioc.bench.similarity.run``.
        file: PNG to write.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    counts = sorted({one["references"] for one in results})
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10.5, 4.8))
    left.axhline(PROMISES[0], color="black", linestyle="--", linewidth=1)
    left.annotate(
        "promised", (counts[-1], PROMISES[0]), (-42, 4), textcoords="offset points", fontsize=9
    )
    _lines(left, _false_alarms(results, counts))
    _lines(right, _recalls(results, counts))
    left.set_yscale("log")
    left.set_ylim(LOWEST, 0.2)
    ticks = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
    left.set_yticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    right.set_ylim(-0.02, 1.02)
    right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    left.set_title(f"Good images below {PROMISES[0]:g}: false alarms", fontsize=11)
    right.set_title(f"odd images below {PROMISES[0]:g}: found", fontsize=11)
    for panel in (left, right):
        panel.set_xscale("log")
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
        panel.set_xlabel("references")
        panel.grid(alpha=0.3)
        panel.legend(
            fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3
        )
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _lines(panel: Any, series: dict[str, Series]) -> None:
    sets = list(dict.fromkeys(name.split()[0] for name in series))
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[sets.index(name.split()[0]) % len(COLOURS)]
        before = list(series)[number - 1].split()[0]
        middle = NUDGE ** (number - (len(series) - 1) / 2)
        panel.errorbar(
            [count * middle for count in points],
            [max(mean, LOWEST) for mean, _, _ in points.values()],
            [
                [max(mean, LOWEST) - max(low, LOWEST) for mean, low, _ in points.values()],
                [max(high, LOWEST) - max(mean, LOWEST) for mean, _, high in points.values()],
            ],
            color=colour, marker="osD^v"[number % 5], label=name, capsize=3, linewidth=1.4,
            linestyle="--" if number and name.split()[0] == before else "-",
        )  # fmt: skip


def _false_alarms(results: list[dict[str, Any]], counts: list[int]) -> dict[str, Series]:
    return {
        name: {
            count: interval(
                [one for one in mine if one["references"] == count],
                alarms(PROMISES[0]),
                by_set=name == "simulated",
            )
            for count in counts
        }
        for name, mine in _sets(results).items()
    }


def _recalls(results: list[dict[str, Any]], counts: list[int]) -> dict[str, Series]:
    found = {}
    for name, mine in _sets(results).items():
        labels = [""]
        if name != "simulated":
            labels = sorted({label for one in mine for label in one["label"]} - {GOOD})
        for label in labels:
            found[f"{name} {label}".strip()] = {
                count: interval(
                    [one for one in mine if one["references"] == count],
                    recall(PROMISES[0], label),
                    by_set=name == "simulated",
                )
                for count in counts
            }
    return found


def _sets(results: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    sets: dict[str, list[dict[str, Any]]] = {}
    for one in results:
        sets.setdefault(one["set"] if one["real"] else "simulated", []).append(one)
    return sets
