"""How the pretrained backbone does over all simulated plot types of the few-shot benchmark."""

from collections import defaultdict
from typing import Any, Final

import numpy as np

from hydra_ioc.bench.fewshot_summary import SHIPPED

ENOUGH: Final = 0.97
"""Balanced accuracy asked for."""
CALIBRATED: Final = 0.02
"""Expected calibration error allowed."""
Result = dict[str, Any]


def overview_table(results: list[Result]) -> str:
    """Lay out how many simulated plot types reach what is asked, for each size.

    Args:
        results: Of the benchmark; those of other methods and of real plots do not count.
    """
    mine = [r for r in results if r["method"] == SHIPPED and not r["real"]]
    if not mine:
        return "Not measured."
    sizes = sorted({result["size"] for result in mine})
    columns = [_column([r for r in mine if r["size"] == size]) for size in sizes]
    lines = [["simulated plot types", *(f"{size} per class" for size in sizes)]]
    lines.append(["---"] * len(lines[0]))
    lines += [[row, *(column[row] for column in columns)] for row in columns[0]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _column(results: list[Result]) -> dict[str, str]:
    accuracy, error = _by_task(results, "balanced"), _by_task(results, "calibration_error")
    lowest, highest = min(accuracy, key=accuracy.__getitem__), max(error, key=error.__getitem__)
    return {
        "measured": str(len(accuracy)),
        "reach 97 % balanced accuracy": str(sum(value >= ENOUGH for value in accuracy.values())),
        "lowest": f"{lowest} {100 * accuracy[lowest]:.1f} %",
        "reach a calibration error of 0.02": str(sum(e <= CALIBRATED for e in error.values())),
        "highest": f"{highest} {error[highest]:.3f}",
        "calibration error of all images together": _pooled(results),
        "Bad taken for something else": _missed(results),
    }


def _by_task(results: list[Result], field: str) -> dict[str, float]:
    """Average over repeats."""
    found: dict[str, list[float]] = defaultdict(list)
    for result in results:
        found[result["task"]].append(result[field])
    return {task: float(np.mean(values)) for task, values in found.items()}


def _pooled(results: list[Result]) -> str:
    kept = [np.array(r["reliability"]) for r in results if "reliability" in r]
    if not kept:
        return "-"
    count, confidence, accuracy = np.moveaxis(np.stack(kept), -1, 0)
    gaps = np.abs((count * (confidence - accuracy)).sum(axis=0))
    return f"{gaps.sum() / count.sum():.4f}"


def _missed(results: list[Result]) -> str:
    missed = sum((1 - r["recalls"]["Bad"]) * r["tested"]["Bad"] for r in results)
    tested = sum(r["tested"]["Bad"] for r in results)
    return f"{missed:.0f} of {tested}"
