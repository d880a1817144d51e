"""Means and intervals of the few-shot benchmark, and the tables made of them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

SIMULATED: Final = "simulated"
"""Name under which all simulated plot types are taken together."""
TINY: Final = "tiny-logistic"
SHIPPED: Final = "domain-pretrained"
UNLABELLED: Final = "unlabelled"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over repeats with its 95 % interval."""

    value: float
    margin: float
    """Half of the interval; infinite with one repeat."""
    repeats: int

    @property
    def percent(self) -> str:
        """Such as ``97.1 ± 0.4 (10)``, repeats in brackets; no interval for a single repeat."""
        if not np.isfinite(self.margin):
            return f"{100 * self.value:.1f} (once)"
        return f"{100 * self.value:.1f} ± {100 * self.margin:.1f} ({self.repeats})"

    @property
    def area(self) -> str:
        """Such as ``0.981 ± 0.004``."""
        return f"{self.value:.3f}" + (
            f" ± {self.margin:.3f}" if np.isfinite(self.margin) else " (once)"
        )


def mean_of(values: list[float]) -> Mean:
    """Give a mean with its interval.

    Args:
        values: One of each repeat.

    Source:
        Student 1908: the mean's error, with repeats - 1 degrees of freedom.
    """
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return Mean(float(np.mean(values)), float("inf"), count)
    error = float(np.std(values, ddof=1)) / count**0.5
    return Mean(float(np.mean(values)), float(t.ppf(0.975, count - 1)) * error, count)


Grouped = dict[tuple[str, str, int], dict[int, float]]


def grouped(results: list[dict[str, Any]], field: str) -> Grouped:
    """Collect a figure by task, method and size, then by repeat.

    Args:
        results: Of the benchmark.
        field: Name of the figure; results without it are left out.

    Returns:
        The figures of every task, and under ``SIMULATED`` the mean over the
        simulated tasks of the repeats that all of them have.
    """
    out: Grouped = defaultdict(dict)
    simulated: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for result in results:
        if field in result:
            key, repeat = (result["method"], result["size"]), result["repeat"]
            out[(result["task"], *key)][repeat] = result[field]
            if not result["real"]:
                simulated[(*key, repeat)].append(result[field])
    tasks = {result["task"] for result in results if not result["real"]}
    for (method, size, repeat), values in simulated.items():
        if len(values) == len(tasks):
            out[(SIMULATED, method, size)][repeat] = float(np.mean(values))
    return dict(out)


def accuracy_table(results: list[dict[str, Any]], tasks: list[str], methods: list[str]) -> str:
    """Lay out balanced accuracies, in percent with 95 % intervals, as a Markdown table."""
    found = grouped(results, "balanced")
    sizes = sorted({size for _, method, size in found if method != UNLABELLED})
    lines = _head(["plot type", "method", *(f"{size} per class" for size in sizes)])
    for task in tasks:
        for method in methods:
            cells = [found.get((task, method, size)) for size in sizes]
            if any(cells):
                shown = [mean_of(list(c.values())).percent if c else "-" for c in cells]
                lines.append(_line([task, method, *shown]))
    return "\n".join(lines)


def calibration_table(results: list[dict[str, Any]], tasks: list[str], methods: list[str]) -> str:
    """Lay out expected calibration errors, with 95 % intervals, as a Markdown table."""
    found = grouped(results, "calibration_error")
    sizes = sorted({size for _, _, size in found})
    lines = _head(["plot type", "method", *(f"{size} per class" for size in sizes)])
    for task in tasks:
        for method in methods:
            cells = [found.get((task, method, size)) for size in sizes]
            if any(cells):
                shown = [mean_of(list(c.values())).area if c else "-" for c in cells]
                lines.append(_line([task, method, *shown]))
    return "\n".join(lines)


def gain_table(results: list[dict[str, Any]], tasks: list[str]) -> str:
    """Lay out the gain over tiny images, repeat by repeat, in percentage points."""
    found = grouped(results, "balanced")
    sizes = sorted({size for _, method, size in found if method == SHIPPED})
    lines = _head(["plot type", *(f"{size} per class" for size in sizes)])
    for task in tasks:
        shown = []
        for size in sizes:
            ours, theirs = found.get((task, SHIPPED, size), {}), found.get((task, TINY, size), {})
            gains = [ours[repeat] - theirs[repeat] for repeat in sorted(ours.keys() & theirs)]
            shown.append(mean_of(gains).percent if gains else "-")
        lines.append(_line([task, *shown]))
    return "\n".join(lines)


def time_table(results: list[dict[str, Any]], methods: list[str]) -> str:
    """Lay out the seconds of a training: median and longest over all tasks."""
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    for result in results:
        if "seconds" in result:
            times[(result["method"], result["size"])].append(result["seconds"])
    sizes = sorted({size for _, size in times})
    lines = _head(["method", *(f"{size} per class" for size in sizes)])
    for method in methods:
        cells = [times.get((method, size)) for size in sizes]
        if any(cells):
            shown = [f"{np.median(c):.1f} s (at most {max(c):.1f})" if c else "-" for c in cells]
            lines.append(_line([method, *shown]))
    return "\n".join(lines)


def area_table(results: list[dict[str, Any]], tasks: list[str]) -> str:
    """Lay out the areas under the ROC curve without any Bad example."""
    rows: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    pooled: dict[tuple[str, int], list[float]] = defaultdict(list)
    for result in results:
        for name, value in result.get("areas", {}).items():
            score, _, label = name.partition(": ")
            if label and not result["real"]:
                continue
            row = f"{result['task']}: {label}" if label else result["task"]
            rows[row][score][result["repeat"]] = value
            if not result["real"]:
                pooled[(score, result["repeat"])].append(value)
    most = max(map(len, pooled.values()), default=0)
    for (score, repeat), values in pooled.items():
        if len(values) == most:
            rows[SIMULATED][score][repeat] = float(np.mean(values))
    scores = list(dict.fromkeys(score for row in rows.values() for score in row))
    lines = _head(["plot type", *scores])
    chosen = [row for task in tasks for row in rows if row == task or row.startswith(f"{task}: ")]
    for row in chosen:
        cells = [mean_of(list(rows[row][s].values())).area if rows[row][s] else "-" for s in scores]
        lines.append(_line([row, *cells]))
    return "\n".join(lines)


def _head(names: list[str]) -> list[str]:
    return [_line(names), _line(["---"] * len(names))]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
