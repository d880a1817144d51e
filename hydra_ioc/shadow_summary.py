"""How a shadow compares with the model that judges, in numbers."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from db.shadow_comparison import Compared, Comparison
from pipeline.keeper.trends import wilson


def summary(found: Comparison) -> dict[str, Any]:
    """Count a comparison.

    Args:
        found: What both models said.

    Returns:
        Numbers for JSON: disagreement with its 95 % interval (Wilson), the table
        of labels, how often each was right where people gave a label, and the
        images with different labels, the newest first.
    """
    both = [one for one in found.images if one.active and one.shadow]
    differ = [one for one in both if one.active != one.shadow]
    table: dict[str, dict[str, int]] = {}
    for (active, shadow), count in sorted(Counter((o.active, o.shadow) for o in both).items()):
        table.setdefault(active, {})[shadow] = count
    labelled = [one for one in both if one.truth is not None]
    return {
        "plot": found.plot,
        "active": found.active,
        "shadow": found.shadow,
        "begun_at": found.begun_at,
        "ended": found.ended,
        "compared": len(both),
        "disagreed": len(differ),
        "disagreement": len(differ) / len(both) if both else None,
        "interval": list(wilson(len(differ), len(both))),
        "failed": sum(not one.shadow for one in found.images),
        "last_failure": next((one.error for one in reversed(found.images) if one.error), ""),
        "table": table,
        "right": _right(labelled),
        "right_where_they_differ": _right([one for one in labelled if one.active != one.shadow]),
        "kept_for_it": sum(one.kept_for == "shadow" for one in differ),
        "images": [asdict(one) for one in reversed(differ)],
    }


def _right(images: list[Compared]) -> dict[str, Any]:
    active = sum(one.active == one.truth for one in images)
    shadow = sum(one.shadow == one.truth for one in images)
    return {
        "labelled": len(images),
        "active": active,
        "active_interval": list(wilson(active, len(images))),
        "shadow": shadow,
        "shadow_interval": list(wilson(shadow, len(images))),
    }
