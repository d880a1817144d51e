"""Kinds of pads, drawn at random."""

from typing import Final

import numpy as np

from simulation.zoo import bands, channels, course, geometry, rates, spectra, words
from simulation.zoo.axes import Axis
from simulation.zoo.graph import Graph
from simulation.zoo.heatmap import Grid, HeatMap, Tiles
from simulation.zoo.histogram import Histogram
from simulation.zoo.reading import Pad
from simulation.zoo.shape import Shape

KINDS: Final = {
    "cells": 0.30,
    "channels": 0.13,
    "bits": 0.04,
    "peaks": 0.14,
    "amplitudes": 0.10,
    "wires": 0.06,
    "bands": 0.08,
    "trends": 0.10,
    "profile": 0.05,
}
"""Kinds of pads and their shares among the species."""


OVERLAYS: Final = ((255, 0, 0), (214, 39, 40), (0, 150, 0), (255, 127, 14), (130, 130, 130))


def kind(rng: np.random.Generator) -> str:
    """Choose a kind of pad at random."""
    return str(rng.choice(list(KINDS), p=list(KINDS.values())))


def pad(rng: np.random.Generator, kind: str) -> Pad:
    """Draw a pad of a kind at random.

    Args:
        rng: Source of chance.
        kind: One of KINDS.
    """
    if kind in ("cells", "bands"):
        return _map(rng, kind)
    if kind in ("trends", "profile"):
        return _graph(rng, kind)
    return _histogram(rng, kind)


def _texts(rng: np.random.Generator, kind: str) -> tuple[str, str, str]:
    return words.title(rng, kind), *words.axes(rng, kind)


def _span(rng: np.random.Generator) -> Axis:
    """Draw a range of a quantity: round numbers, from zero or around it."""
    length = float(rng.choice([1, 2, 2.5, 4, 5, 8])) * 10.0 ** int(rng.integers(-1, 5))
    choice = rng.random()
    if choice < 0.5:
        return Axis(0.0, length)
    if choice < 0.75:
        return Axis(-length / 2, length / 2)
    low = round(rng.uniform(-2, 3), 1) * length
    return Axis(low, low + length)


def _map(rng: np.random.Generator, kind: str) -> HeatMap:
    shape: Shape
    if kind == "cells":
        found = geometry.geometry(rng)
        shape, tiles = rates.rates(rng, found), Tiles(found)
        x, y = _span(rng), _span(rng)
    else:
        band = bands.bands(rng)
        shape, tiles = band, Tiles(Grid(band.columns, band.rows))
        x, y = Axis(0.0, float(band.columns)), _span(rng)
    log = bool(rng.random() < (0.18 if kind == "cells" else 0.25))
    from_zero = bool(rng.random() < 0.75)
    count = found.count if kind == "cells" else 10_000
    outlined = bool(count < 1200 and rng.random() < 0.2)
    numbered = bool(count < 70 and rng.random() < 0.4)
    texts = _texts(rng, kind)
    return HeatMap(shape, tiles, x, y, log, from_zero, outlined, numbered, *texts)


def _histogram(rng: np.random.Generator, kind: str) -> Histogram:
    shape: Shape
    log = rng.random() < {"peaks": 0.25, "amplitudes": 0.55, "bits": 0.2}.get(kind, 0.06)
    manner = str(rng.choice(["step", "step", "step", "step", "points"]))
    if kind in ("channels", "bits"):
        shape = channels.bits(rng) if kind == "bits" else channels.channels(rng)
        first = float(rng.choice([0.0, 0.5, 1.0]))
        x = Axis(first, first + shape.usual.size)
        if shape.usual.size < 70 and rng.random() < (0.6 if kind == "bits" else 0.15):
            manner = "bars"
    else:
        draw = {"peaks": spectra.peaks, "amplitudes": spectra.amplitudes, "wires": spectra.wires}
        found = draw[kind](rng)
        shape = found
        x = Axis(0.0, float(found.bins)) if kind == "wires" else _span(rng)
    shown = kind not in ("channels", "bits") and rng.random() < 0.2
    overlay = OVERLAYS[rng.integers(len(OVERLAYS))] if shown else None
    return Histogram(shape, x, bool(log), manner, overlay, *_texts(rng, kind))


def _graph(rng: np.random.Generator, kind: str) -> Graph:
    found = course.profile(rng) if kind == "profile" else course.trend(rng)
    reach = None
    if kind == "profile" or rng.random() < 0.6:
        high = 1.0 + float(np.exp(rng.uniform(np.log(0.08), np.log(1.0))))
        high = max(high, 1.1 * float(found.pattern[: found.longest].max()))
        reach = (0.0 if rng.random() < 0.8 else -0.1 * (high - 1.0), high)
    x = Axis(0.0, float(found.longest) * float(rng.choice([1, 1, 1, 2, 5, 10])))
    lines = rng.random() < 0.25
    errors = rng.random() < 0.35
    from_zero = bool(rng.random() < 0.5)
    headroom = rng.uniform(1.05, 1.7)
    limits = float(rng.choice([0.05, 0.1, 0.2])) if rng.random() < 0.15 else 0.0
    flags = (bool(errors), bool(lines))
    return Graph(found, x, reach, from_zero, headroom, limits, *flags, *_texts(rng, kind))
