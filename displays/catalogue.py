"""The deployment's plots as the IOC tells them in ``$(P)Catalogue``.

The PV is a long string (char waveform) that holds JSON::

    {"serial": 7, "plots": [{"name": "CDC_occupancy", "group": "CDC",
      "description": "", "cadence_s": 60.0, "ignored": false, "labels": [
      {"name": "Bad", "colour": "#d62728", "confirmed": 2, "unconfirmed": 1}]}]}

Severities are numbers of ``pipeline.alarm``; further fields are for others.

What comes from a PV is text from outside: it is checked here and shown as
plain text, never as markup and never as a macro.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from pipeline.alarm import Severity

UNSAFE = re.compile(r"[^A-Za-z0-9_\-]+")
NAME_LIMIT = 60
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
NO_COLOUR = "#808080"
PLOT_LIMIT = 500
LABEL_LIMIT = 16


class CatalogueError(ValueError):
    """The catalogue PV does not hold what was agreed."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a plot's palette."""

    name: str
    colour: str = NO_COLOUR
    confirmed: Severity = Severity.NO_ALARM
    """Severity that a confirmed verdict raises."""

    @property
    def pv_part(self) -> str:
        """The label as it stands in PV names."""
        return name_part(self.name)

    @property
    def is_bad(self) -> bool:
        """Whether a verdict of this label belongs into the Bad column."""
        return self.confirmed >= Severity.MAJOR


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot type."""

    name: str
    group: str = "Other"
    labels: tuple[Label, ...] = ()
    description: str = ""
    cadence_s: float = 60.0
    ignored: bool = False
    unit: str | None = None
    """Of the number that its model gives; None where it gives labels."""
    references: bool = False
    """Whether its images are compared with references."""
    judged_by_references: bool = False
    """Whether nothing else judges it: there is no model."""
    shadow: bool = False
    """Whether another model is compared with the one that judges."""
    novelty: bool = False
    """Whether it tells how novel an image is."""

    @property
    def pv_part(self) -> str:
        """The plot's name as it stands in PV names."""
        return name_part(self.name)

    def label(self, name: str) -> Label | None:
        """Find a label of the palette by name."""
        return next((label for label in self.labels if label.name == name), None)

    def is_bad(self, name: str | None) -> bool:
        """Tell whether a label means that the detector needs somebody."""
        label = self.label(name) if name else None
        return label.is_bad if label else name in ("Bad", "OutOfRange")


def name_part(text: str) -> str:
    """Turn a name into a part of a PV name.

    Args:
        text: Name of a plot or label.

    Returns:
        The text with every run of other characters than letters, digits,
        ``_`` and ``-`` replaced by an underscore.

    Source:
        ``name_part`` of ``ioc.description``, which screens do not import.
    """
    return UNSAFE.sub("_", text)


def parse(text: str) -> tuple[Plot, ...]:
    """Read the catalogue.

    Args:
        text: JSON from the PV.

    Returns:
        The plots in the order of the catalogue.

    Raises:
        CatalogueError: Not JSON, or not the agreed fields.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"expected JSON in the catalogue PV, received: {error}") from error
    entries = document.get("plots") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise CatalogueError("expected a list of plots in the catalogue PV, found none")
    if len(entries) > PLOT_LIMIT:
        raise CatalogueError(f"expected at most {PLOT_LIMIT} plots, received {len(entries)}")
    plots = tuple(_plot(entry) for entry in entries)
    names = [plot.name for plot in plots]
    if len(set(names)) != len(names):
        raise CatalogueError("expected every plot once in the catalogue PV")
    return plots


def palette(plots: tuple[Plot, ...]) -> tuple[Label, ...]:
    """Give every label that occurs, once, Good and Bad first: the legend."""
    seen: dict[str, Label] = {}
    for plot in plots:
        for label in plot.labels:
            seen.setdefault(label.name, label)
    first = {"Good": 0, "Acceptable": 1, "Bad": 2, "NoData": 3}
    return tuple(sorted(seen.values(), key=lambda label: first.get(label.name, 9)))


def _plot(entry: Any) -> Plot:
    if not isinstance(entry, dict):
        raise CatalogueError(f"expected a plot as an object, received {type(entry).__name__}")
    name = _text(entry, "name")
    if not 0 < len(name) <= NAME_LIMIT:
        raise CatalogueError(
            f"expected a plot name of 1 to {NAME_LIMIT} characters, received {name[:80]!r}"
        )
    labels = entry.get("labels", [])
    if not isinstance(labels, list) or len(labels) > LABEL_LIMIT:
        raise CatalogueError(f"plot {name}: expected at most {LABEL_LIMIT} labels in a list")
    cadence = entry.get("cadence_s", 60.0)
    if isinstance(cadence, bool) or not isinstance(cadence, int | float) or not cadence > 0:
        raise CatalogueError(f"plot {name}: expected cadence_s in seconds, received {cadence!r}")
    return Plot(
        name=name,
        group=_text(entry, "group") or "Other",
        labels=tuple(_label(name, label) for label in labels),
        description=_text(entry, "description"),
        cadence_s=float(cadence),
        ignored=entry.get("ignored") is True,
        unit=_text(entry, "unit") if entry.get("unit") is not None else None,
        references=entry.get("references") is True,
        judged_by_references=entry.get("judged_by_references") is True,
        novelty=entry.get("novelty") is True,
        shadow=entry.get("shadow") is True,
    )


def _label(plot: str, entry: Any) -> Label:
    if not isinstance(entry, dict) or not _text(entry, "name"):
        raise CatalogueError(f"plot {plot}: expected labels as objects with a name")
    colour = _text(entry, "colour") or NO_COLOUR
    name = _text(entry, "name")
    if not COLOUR.match(colour) or len(name) > NAME_LIMIT:
        raise CatalogueError(f"plot {plot}: label {name[:40]!r} or its colour is malformed")
    return Label(name=name, colour=colour, confirmed=_severity(plot, name, entry))


def _severity(plot: str, label: str, entry: dict[str, Any]) -> Severity:
    value = entry.get("confirmed", 2 if label == "Bad" else 0)
    try:
        return Severity(value)
    except ValueError as error:
        raise CatalogueError(
            f"plot {plot}: label {label}: expected a severity, received {value!r}"
        ) from error


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise CatalogueError(f"expected text as {key}, received {type(value).__name__}")
    return value
