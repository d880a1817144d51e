"""Names, titles and axis texts that no experiment has."""

import time
from typing import Final

import numpy as np

ONSETS: Final = ("B", "C", "D", "F", "G", "H", "K", "L", "M", "N", "P", "R", "S", "T", "V", "Z")
VOWELS: Final = ("A", "E", "I", "O", "U")
PLACES: Final = (
    *("north", "south", "east", "west", "top", "bottom", "left", "right", "inner", "outer"),
    *("upper", "lower", "front", "back", "plane", "layer", "side", "A", "B", "C", "1", "2", "3"),
)
CELLS: Final = (
    *("column", "strip", "wire", "pad", "cell", "tower", "fibre", "module", "channel", "pixel"),
    *("bar", "tile", "x", "chamber", "board", "paddle"),
)
TOPICS: Final = {
    "cells": ("occupancy", "hits", "hit map", "rate map", "N events", "pedestal RMS", "clusters"),
    "channels": ("occupancy", "hits per channel", "multiplicity", "entries", "scaler", "counts"),
    "bits": ("trigger bits", "triggers", "words", "error flags", "status bits", "L1 bits"),
    "peaks": ("time", "t - t0", "time difference", "mass", "residual", "vertex z", "delay"),
    "amplitudes": ("ADC", "charge", "amplitude", "pulse integral", "energy", "pulse height"),
    "wires": ("drift time", "time bin", "wire time", "TDC", "sample", "latency", "bunch"),
    "bands": ("time vs channel", "energy vs x", "ADC vs channel", "t0 by module", "dE/dx"),
    "trends": ("rate", "yield", "current", "live time", "counts per charge", "yield/charge"),
    "profile": ("efficiency", "mean time", "mean ADC", "resolution", "noise", "gain"),
}
KNOWN: Final = ("TOF", "HEL", "TAC")
"""Names that the simulated experiment or real ones have; a syllable is added to them."""
UNITS: Final = {
    "peaks": ("ns", "ps", "cm", "mm", "GeV", "MeV", ""),
    "amplitudes": ("ADC", "counts", "pC", "keV", "MeV", ""),
    "wires": ("bin", "clock", "ns", "25 ns", ""),
    "trends": ("s", "min", "bin", "run", "h", "file", "time"),
}


def acronym(rng: np.random.Generator) -> str:
    """Invent the name of a detector, such as ``KUV`` or ``Dolex``."""
    parts = [str(rng.choice(ONSETS)) + str(rng.choice(VOWELS)) for _ in range(2)]
    word = "".join(parts) + str(rng.choice(ONSETS))
    length = int(rng.integers(2, 6))
    name = word[:length] if rng.random() < 0.7 else word.capitalize()
    return f"{name}E" if name in KNOWN else name


def title(rng: np.random.Generator, kind: str) -> str:
    """Invent the title of a pad of a kind."""
    topic = str(rng.choice(TOPICS[kind]))
    name = acronym(rng)
    style = rng.random()
    if style < 0.5:
        return f"{name} {topic}"
    if style < 0.65:
        return f"h_{name}_{topic}".replace(" ", "_")
    if style < 0.8:
        return f"{name}: {topic}"
    return f"{name} {rng.choice(PLACES)} {topic}"


def axes(rng: np.random.Generator, kind: str) -> tuple[str, str]:
    """Invent the texts of the x and y axes; some axes have none."""
    topic = str(rng.choice(TOPICS[kind]))
    unit = str(rng.choice(UNITS[kind])) if kind in UNITS else ""
    if kind in ("cells", "channels", "profile"):
        x = str(rng.choice(CELLS))
    elif kind == "bits":
        x = "bit"
    elif kind == "trends":
        x = f"time ({unit})" if unit in ("s", "min", "h") else unit
    elif kind == "bands":
        x = str(rng.choice(CELLS))
    else:
        x = f"{topic} ({unit})" if unit else topic
    if kind in ("cells", "bands"):
        y = str(rng.choice([*CELLS, "y", "row", "layer", "time (ns)"]))
    elif kind in ("trends", "profile"):
        y = topic
    else:
        y = str(rng.choice(["entries", "counts", "events", "hits", "N", ""]))
    empty = rng.random(2) < 0.12
    return ("" if empty[0] else x), ("" if empty[1] else y)


def run_text(style: int, run: int) -> str:
    """Write a run number in one of eight manners; two of them say nothing."""
    manners = (
        f"Run {run}",
        f"run {run}",
        f"run={run:06d}",
        f"#{run}",
        f"(Run: {run})",
        f"R{run:06d}",
        "",
        "",
    )
    return manners[style % len(manners)]


def moment_text(style: int, seconds: float) -> str:
    """Write date and time in one of six manners; three of them say nothing."""
    formats = ("%Y-%m-%d %H:%M:%S", "%d %b %Y %H:%M", "%a %b %d %H:%M:%S %Y", "", "", "")
    return time.strftime(formats[style % len(formats)], time.gmtime(seconds))
