"""What trials of references show: tables in Markdown."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.bench.similarity_sets import GOOD

PROMISES: Final = (0.01, 0.002)
"""Thresholds, each the rate of false alarms that it promises; the second is the default."""
DRAWS: Final = 400
"""Bootstrap draws of an interval."""
SHOWN: Final = 20
"""References of the table that lists every plot type."""
COLUMNS: Final = ("label", "run", "similarity", "surprise", "pixels")
"""What a trial holds of every image."""
Result = dict[str, Any]
Figure = Callable[[Result, NDArray[np.bool_]], float]
Interval = tuple[float, float, float]


def tables(results: list[Result]) -> str:
    """Make the tables.

    Args:
        results: From ``hydra_ioc.bench.similarity.run``.

    Returns:
        Markdown.
    """
    counts = sorted({one["references"] for one in results})
    shown = SHOWN if SHOWN in counts else counts[-1]
    parts = []
    if simulated := [one for one in results if not one["real"]]:
        types = len({one["set"] for one in simulated})
        parts += [
            f"{types} simulated plot types; interval: bootstrap over plot types.",
            promise_table(simulated, counts, by_set=True),
        ]
    for name in dict.fromkeys(one["set"] for one in results if one["real"]):
        mine = [one for one in results if one["set"] == name]
        parts += [f"{name}; interval: bootstrap over runs.", promise_table(mine, counts)]
    chosen = [one for one in results if one["references"] == shown]
    if real := [one for one in chosen if one["real"]]:
        parts += [f"Area under the ROC curve, {shown} references:", area_table(real)]
    if simulated := [one for one in chosen if not one["real"]]:
        parts += [f"Each simulated plot type, {shown} references:", type_table(simulated)]
    return "\n\n".join(parts) + "\n"


def promise_table(results: list[Result], counts: Iterable[int], *, by_set: bool = False) -> str:
    """Compare the promised rates of false alarms with those found, by number of references."""
    labels = _labels(results) if not by_set else [""]
    head = "| references | " + " | ".join(f"Good below {limit:g}" for limit in PROMISES)
    head += " | worst type" if by_set else ""
    head += "".join(f" | {label or 'faulty'} below {PROMISES[0]:g}" for label in labels) + " |"
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    for count in counts:
        mine = [one for one in results if one["references"] == count]
        cells = [percent(interval(mine, alarms(limit), by_set=by_set)) for limit in PROMISES]
        if by_set:
            cells.append(_worst(mine))
        cells += [
            percent(interval(mine, recall(PROMISES[0], label), by_set=by_set)) for label in labels
        ]
        lines.append(f"| {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def area_table(results: list[Result]) -> str:
    """Compare the similarity with the nearest neighbour in pixels on real sets."""
    lines = [
        "| set | good, odd | similarity | nearest neighbour in pixels | difference |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(one["set"] for one in results):
        mine = [one for one in results if one["set"] == name]
        for label in _labels(mine):
            lines.append(area_row(name, label, mine))
    return "\n".join(lines)


def area_row(name: str, label: str, results: list[Result]) -> str:
    """Compare one label of one set, next to ``GOOD``; a line of ``area_table``."""
    good = round(float(np.mean([one["label"].count(GOOD) for one in results])))
    odd = results[0]["label"].count(label)
    ours, pixels = area("surprise", label), area("pixels", label)
    cells = [_area(interval(results, figure)) for figure in (ours, pixels)]
    apart = _area(interval(results, _difference(ours, pixels)), sign="+")
    return f"| {name} {label} | {good}, {odd} | {cells[0]} | {cells[1]} | {apart} |"


def type_table(results: list[Result]) -> str:
    """Give the figures of every plot type, and their mean."""
    lines = [
        "| plot type | area | Good below 0.01 | faulty below 0.01 | area, pixels |",
        "|---|---|---|---|---|",
    ]
    figures = (area("surprise"), alarms(0.01), recall(0.01), area("pixels"))
    rows = []
    for name in dict.fromkeys(one["set"] for one in results):
        mine = [one for one in results if one["set"] == name]
        rows.append([_mean(mine, figure) for figure in figures])
        lines.append(_type_line(name, rows[-1]))
    return "\n".join([*lines, _type_line("mean", list(np.mean(rows, axis=0)))])


def _type_line(name: str, row: list[float]) -> str:
    return f"| {name} | {row[0]:.3f} | {row[1]:.1%} | {row[2]:.1%} | {row[3]:.3f} |"


def alarms(limit: float) -> Figure:
    """Make the share of Good images whose similarity is below a limit."""
    return lambda one, chosen: _share(one, chosen, _is(one, GOOD), limit)


def recall(limit: float, label: str = "") -> Figure:
    """Make the share of odd images, or of those with a label, below a limit."""
    return lambda one, chosen: _share(one, chosen, _odd(one, label), limit)


def area(score: str, label: str = "") -> Figure:
    """Make the area under the ROC curve of a score, Good against odd."""

    def figure(one: Result, chosen: NDArray[np.bool_]) -> float:
        values = np.asarray(one[score])
        odd, good = values[_odd(one, label) & chosen], values[_is(one, GOOD) & chosen]
        if not len(odd) or not len(good):
            return float("nan")
        ordered = np.sort(good)
        below = np.searchsorted(ordered, odd, "left") + np.searchsorted(ordered, odd, "right")
        return float(below.mean() / 2 / len(good))

    return figure


def interval(results: list[Result], figure: Figure, *, by_set: bool = False) -> Interval:
    """Give the mean of a figure over trials with its 95 % interval.

    Args:
        results: Trials of the same number of references.
        figure: Of a trial and the images that count.
        by_set: Draw plot types, not runs.

    Returns:
        Mean, low and high.

    Source:
        Efron 1979, Ann. Statist. 7, 1: bootstrap; whole runs or plot types are drawn.
    """
    rng = np.random.default_rng(1)
    if by_set:
        names = dict.fromkeys(one["set"] for one in results)
        means = np.array(
            [_mean([one for one in results if one["set"] == name], figure) for name in names]
        )
        draws = rng.choice(means, (DRAWS, len(means))).mean(axis=1)
        return float(means.mean()), *_ends(draws)
    mine = [{name: np.asarray(one[name]) for name in COLUMNS} for one in results]
    runs = np.unique(np.concatenate([one["run"] for one in mine]))
    found = [
        _mean(mine, figure, dict(zip(runs.tolist(), drawn.tolist(), strict=True)))
        for drawn in rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), DRAWS)
    ]
    return _mean(results, figure), *_ends(np.array(found))


def _ends(draws: NDArray[Any]) -> tuple[float, float]:
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _mean(results: list[Result], figure: Figure, drawn: dict[int, int] | None = None) -> float:
    """Average a figure over trials; ``drawn`` says how often each run counts."""
    values = []
    for one in results:
        if drawn is None:
            values.append(figure(one, np.ones(len(one["run"]), bool)))
            continue
        chosen = np.repeat(np.arange(len(one["run"])), [drawn[run] for run in one["run"].tolist()])
        again = {name: one[name][chosen] for name in COLUMNS}
        values.append(figure(again, np.ones(len(chosen), bool)))
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _difference(one: Figure, other: Figure) -> Figure:
    return lambda result, chosen: one(result, chosen) - other(result, chosen)


def _share(one: Result, chosen: NDArray[np.bool_], mine: NDArray[np.bool_], limit: float) -> float:
    values = np.asarray(one["similarity"])[mine & chosen]
    return float((values < limit).mean()) if len(values) else float("nan")


def _is(one: Result, label: str) -> NDArray[np.bool_]:
    return np.asarray(np.asarray(one["label"]) == label)


def _odd(one: Result, label: str) -> NDArray[np.bool_]:
    return _is(one, label) if label else ~_is(one, GOOD)


def _labels(results: list[Result]) -> list[str]:
    return sorted({label for one in results for label in one["label"]} - {GOOD})


def _worst(results: list[Result]) -> str:
    names = dict.fromkeys(one["set"] for one in results)
    rates = {
        name: _mean([one for one in results if one["set"] == name], alarms(PROMISES[0]))
        for name in names
    }
    name = max(rates, key=rates.__getitem__)
    return f"{rates[name]:.1%} {name}"


def percent(found: Interval) -> str:
    """Write a rate, such as ``0.8 % (0.5..1.1)``."""
    return f"{100 * found[0]:.1f} % ({100 * found[1]:.1f}..{100 * found[2]:.1f})"


def _area(found: Interval, sign: str = "") -> str:
    return f"{found[0]:{sign}.3f} ({found[1]:{sign}.3f}..{found[2]:{sign}.3f})"


def write_report(results: list[Result], file: Path | None) -> str:
    """Make the tables, and write them to a file if one is given."""
    text = tables(results)
    if file is not None:
        file.write_text(text, encoding="utf-8")
    return text
