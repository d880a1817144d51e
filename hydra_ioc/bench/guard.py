"""Whether the figures of a benchmark are worse than those kept from before."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import HydraError

GOALS = {
    "throughput_vs_bound": (">=", 0.7),
    "throughput_vs_original": (">=", 10.0),
    "burst_92_s": ("<=", 10.0),
    "latency_p99_ms": ("<=", 500.0),
    "map_overhead": ("<=", 0.05),
}
TOLERANCE = 0.2
"""How much worse a figure may be: rounds on an idle machine lie within half of it."""
LEAST = {"map_overhead": 0.05}
"""Differences below this are noise, whatever they are in proportion."""


def read_figures(file: Path) -> dict[str, Any]:
    """Read the figures that ``hydra-ioc bench --json`` wrote.

    Raises:
        HydraError: The file cannot be read or holds something else.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise HydraError(f"{file}: expected figures of 'hydra-ioc bench': {error}") from error


def regressions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say which ratios have become worse by more than ``TOLERANCE``.

    Args:
        before: Figures kept from an earlier run.
        now: Figures of this run.

    Returns:
        A line for each; a figure that was measured before and is missing now counts.
    """
    found = []
    for name, (sign, _) in GOALS.items():
        old, new = before.get(name), now.get(name)
        if old is None:
            continue
        if new is None:
            found.append(f"{name}: {old:.3g} before, not measured now")
            continue
        worse = old - new if sign == ">=" else new - old
        if worse > max(TOLERANCE * abs(old), LEAST.get(name, 0.0)):
            found.append(f"{name}: {old:.3g} before, {new:.3g} now")
    return found


def check(file: Path, now: Mapping[str, Any]) -> None:
    """Refuse figures that are worse than those of a file.

    Raises:
        HydraError: They are, or the file cannot be read.
    """
    if found := regressions(read_figures(file), now):
        raise HydraError("worse than before: " + "; ".join(found))


def write_figures(file: Path, figures: Mapping[str, Any]) -> None:
    """Keep figures for the next time."""
    file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
