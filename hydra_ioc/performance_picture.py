"""A picture of how well a model did: accuracy with its interval, and confusion with time.

Needs the training extra (matplotlib).
"""

from pathlib import Path
from typing import Any


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw what ``hydra-ioc performance --json`` tells.

    Args:
        found: As told.
        path: PNG, SVG or PDF by its ending.
    """
    from matplotlib.figure import Figure

    days = found["days"]
    figure = Figure(figsize=(9, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    ticks = list(range(len(days)))
    known = [index for index in ticks if days[index]["known"]]
    values = [days[index]["accuracy"] for index in known]
    spans = [days[index]["interval"] for index in known]
    errors = [
        [max(0.0, value - low) for value, (low, _) in zip(values, spans, strict=True)],
        [max(0.0, high - value) for value, (_, high) in zip(values, spans, strict=True)],
    ]
    above.errorbar(known, values, yerr=errors, fmt="o", color="black", capsize=3)
    for index in ticks:
        if index not in known:
            above.axvspan(index - 0.5, index + 0.5, color="0.9")
    above.set_ylabel("accuracy, 95 % interval")
    above.set_ylim(0.0, 1.02)
    above.set_title(f"{found['plot']}: unbiased sample; grey: too few labels to know")
    pairs = sorted({(t, v) for day in days for t, row in day["confusion"].items() for v in row})
    bottom = [0] * len(days)
    for truth, verdict in pairs:
        counts = [day["confusion"].get(truth, {}).get(verdict, 0) for day in days]
        name = f"{truth} judged {verdict}"
        hatch = None if truth == verdict else "//"
        below.bar(ticks, counts, bottom=bottom, label=name, hatch=hatch, edgecolor="white")
        bottom = [low + count for low, count in zip(bottom, counts, strict=True)]
    below.set_ylabel("labelled images")
    below.set_xticks(ticks, [day["day"] for day in days], rotation=45, ha="right")
    if pairs:
        below.legend(fontsize="small")
    figure.savefig(path, dpi=110)
