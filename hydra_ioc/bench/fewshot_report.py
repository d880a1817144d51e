"""What the few-shot benchmark shows: one Markdown text and a picture."""

from pathlib import Path
from typing import Any

from hydra_ioc.bench.fewshot_figure import LOOKS, draw
from hydra_ioc.bench.fewshot_methods import STEPS
from hydra_ioc.bench.fewshot_overview import overview_table
from hydra_ioc.bench.fewshot_summary import (
    SHIPPED,
    SIMULATED,
    accuracy_table,
    area_table,
    calibration_table,
    gain_table,
    time_table,
)

TITLE_TESTS = ("titles-blanked", "titles-exchanged")


def write_report(found: dict[str, Any], tables: Path | None, picture: Path | None) -> str:
    """Write the tables and the picture of a benchmark.

    Args:
        found: What the benchmark holds.
        tables: Markdown file, if wanted.
        picture: PNG, if wanted.

    Returns:
        The Markdown.
    """
    results = found["results"]
    simulated = list(dict.fromkeys(r["task"] for r in results if not r["real"]))
    real = list(dict.fromkeys(r["task"] for r in results if r["real"]))
    groups = [*([SIMULATED] if simulated else []), *real]
    methods = list(LOOKS)
    fresh = {r["task"] for r in results if r["method"] in STEPS}
    tried = [task for task in simulated if task in fresh]
    parts = [
        _origin(found),
        "Balanced accuracy on unseen runs, percent, mean and 95 % interval over the repeats,"
        " their number in brackets (`simulated`: mean of the simulated plot types):",
        accuracy_table(results, groups, methods),
        "The same on the simulated plot types where networks were trained from fresh weights:",
        accuracy_table(results, tried, methods) if tried else "Not measured.",
        "What the pretrained backbone reaches, means over the repeats:",
        overview_table(results),
        "Gain of the pretrained backbone over tiny images, repeat by repeat, percentage points:",
        gain_table(results, groups),
        "The pretrained backbone on each simulated plot type:",
        accuracy_table(results, simulated, [SHIPPED]),
        "Expected calibration error of the pretrained backbone on unseen runs:",
        calibration_table(results, [*groups, *simulated], [SHIPPED]),
        "With the title blanked in all images, and with the title of another test image:",
        accuracy_table(results, groups, [SHIPPED, *TITLE_TESTS]),
        "Time of a training:",
        time_table(results, methods),
        "No Bad example at all: area under the ROC curve against 20 Good references:",
        area_table(results, [*groups, *simulated]),
    ]
    text = "\n\n".join(parts) + "\n"
    if tables is not None:
        tables.write_text(text, encoding="utf-8")
    if picture is not None and groups:
        draw(results, [*groups, *tried], picture)
    return text


def _origin(found: dict[str, Any]) -> str:
    drawn = f" Simulated images of the draw `{found['draw']}`." if found.get("draw") else ""
    return f"Backbone {found['backbone'][:12]}.{drawn}"
