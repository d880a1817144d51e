"""A picture of a shadow beside the model that judges, for people who would rather look.

Needs the training extra (matplotlib).
"""

from pathlib import Path
from typing import Any, Final

SHOWN: Final = 4
"""Images on which they differ, in the picture."""


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw what ``hydra-ioc models compare --json`` tells.

    Args:
        found: As told.
        path: PNG, SVG or PDF by its ending.
    """
    from matplotlib.figure import Figure

    shown = [one for one in found["images"] if one["file"]][:SHOWN]
    figure = Figure(figsize=(10, 4.4 + 3.2 * bool(shown)), layout="constrained")
    top: Any = figure
    if shown:
        parts: Any = figure.subfigures(2, 1, height_ratios=[4.4, 3.2])
        top, below = parts
        _draw_images(below, shown)
    left, right = top.subplots(1, 2, width_ratios=[1.2, 1.0])
    _draw_table(left, found["table"])
    _draw_rates(right, found)
    low, high = found["interval"]
    share = found["disagreement"]
    told = "nothing compared yet" if share is None else f"{share:.2%} ({low:.2%} to {high:.2%})"
    top.suptitle(
        f"{found['plot']}: other labels on {told} of {found['compared']} images\n"
        f"judges: {found['active'][:12]}    shadow: {found['shadow'][:12]}"
    )
    figure.savefig(path, dpi=110)


def _draw_images(part: Any, shown: list[dict[str, Any]]) -> None:
    from matplotlib.image import imread

    part.suptitle("newest kept images on which they differ")
    for place, axes in enumerate(part.subplots(1, SHOWN)):
        if place >= len(shown):
            axes.set_axis_off()
            continue
        # With its axis off, no room would be left for a title.
        axes.set_xticks([])
        axes.set_yticks([])
        one = shown[place]
        axes.imshow(imread(one["file"]))
        axes.set_title(
            f"run {one['run']} chunk {one['chunk']}\njudges {one['active']}, shadow {one['shadow']}"
            f"\npeople: {one['truth'] or 'no label'}",
            fontsize=9,
        )


def _draw_table(axes: Any, table: dict[str, dict[str, int]]) -> None:
    labels = sorted({*table, *(label for row in table.values() for label in row)})
    axes.set_title("images by label; framed: they differ")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("shadow")
    axes.set_ylabel("model that judges")
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    for y, active in enumerate(labels):
        for x, shadow in enumerate(labels):
            count = table.get(active, {}).get(shadow, 0)
            differ = active != shadow and count > 0
            axes.text(
                x,
                y,
                str(count),
                ha="center",
                va="center",
                fontsize=15 if count else 10,
                color="black" if count else "0.6",
                weight="bold" if differ else "normal",
                bbox={"edgecolor": "#c04000", "facecolor": "white", "lw": 2} if differ else None,
            )


def _draw_rates(axes: Any, found: dict[str, Any]) -> None:
    axes.set_title("right, where people gave a label (95 %)")
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of right labels")
    names = []
    parts = (("all labelled", "right"), ("where they differ", "right_where_they_differ"))
    for group, (words, key) in enumerate(parts):
        counts = found[key]
        for place, (who, mark) in enumerate((("active", "o"), ("shadow", "s"))):
            row = 2 * group + place
            total = counts["labelled"]
            title = "judges" if who == "active" else "shadow"
            names.append(f"{title}, {words}\n{counts[who]} of {total}")
            if not total:
                axes.text(0.5, row, "no labels", ha="center", va="center", color="0.4")
                continue
            value = counts[who] / total
            low, high = counts[f"{who}_interval"]
            error = [[max(0.0, value - low)], [max(0.0, high - value)]]
            axes.errorbar([value], [row], xerr=error, fmt=mark, color="black", capsize=4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
