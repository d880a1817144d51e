"""The picture of the few-shot benchmark."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from hydra_ioc.bench.fewshot_summary import grouped, mean_of

LOOKS: Final = {
    "domain-pretrained": ("#0072b2", "o", "pretrained backbone"),
    "domain-cbam": ("#e69f00", "s", "small net from scratch"),
    "inceptionv3-cbam": ("#cc79a7", "D", "InceptionV3 from scratch"),
    "tiny-logistic": ("#666666", "^", "logistic regression, tiny images"),
}
"""Colour, marker and name; colours that the colour-blind tell apart.

Source: Okabe and Ito 2008, https://jfly.uni-koeln.de/color/.
"""
LOWEST: Final = 30
"""Percent at the foot of the axis: worse than guessing between three labels."""
COLUMNS: Final = 4
"""Panels side by side."""
NUDGE: Final = 1.04
"""Factor between the places of two methods at one size, so that bars do not cover each other."""


def draw(results: list[dict[str, Any]], tasks: list[str], file: Path) -> None:
    """Draw balanced accuracy against labels per class, a panel for each task.

    Args:
        results: Of the benchmark.
        tasks: Names of the panels.
        file: PNG to write.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    found = grouped(results, "balanced")
    sizes = sorted({size for _, method, size in found if method in LOOKS})
    columns = min(COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(3.6 * columns, 3.9 * rows + 0.5), sharey=True, squeeze=False
    )
    panels = list(axes.flat)
    for panel in panels[len(tasks) :]:
        panel.remove()
    for panel, task in zip(panels, tasks, strict=False):
        for number, (method, (colour, marker, name)) in enumerate(LOOKS.items()):
            given = [(size, found.get((task, method, size))) for size in sizes]
            means = [(size, mean_of(list(one.values()))) for size, one in given if one]
            if means:
                panel.errorbar(
                    [size * NUDGE ** (number - 1.5) for size, _ in means],
                    [100 * mean.value for _, mean in means],
                    [100 * mean.margin if np.isfinite(mean.margin) else 0 for _, mean in means],
                    color=colour, marker=marker, label=name, capsize=3, linewidth=1.4,
                )  # fmt: skip
        panel.set_xscale("log")
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.set_xlabel("labels per class (at most)")
        panel.set_title(task, fontsize=11)
        panel.grid(alpha=0.3)
    panels[0].set_ylim(LOWEST, 101)
    for row in axes:
        row[0].set_ylabel("balanced accuracy on unseen runs / %")
    shown: dict[str, Any] = {}
    for panel in panels[: len(tasks)]:
        handles, names = panel.get_legend_handles_labels()
        shown |= dict(zip(names, handles, strict=True))
    names = [name for _, _, name in LOOKS.values() if name in shown]
    figure.legend(
        [shown[name] for name in names], names, loc="lower center", ncols=len(names), frameon=False
    )
    figure.tight_layout(rect=(0, 0.07 / rows, 1, 1))
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
