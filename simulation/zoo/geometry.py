"""Shapes of detectors: which cell lies where in a frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulation.zoo.dice import Floats
from simulation.zoo.shape import Whole

Locate = Callable[[Floats, Floats], Whole]
"""From places right and up, 0 to 1, to the index of the cell there; -1 outside."""
PROBE: Final = 200
"""Pixels along an edge of the picture from which the middles of cells are measured."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Cells of a detector in a frame."""

    count: int
    locate: Locate
    middles: Floats
    """(count, 2): middle of each cell, right and up, 0 to 1."""
    seen: Floats
    """(count,): share of the frame that each cell covers; 0 for cells outside."""

    def labels(self, height: int, width: int) -> Whole:
        """Give the index of the cell under each pixel, (height, width); -1 outside."""
        u = (np.arange(width) + 0.5) / width
        v = 1.0 - (np.arange(height) + 0.5) / height
        right, up = np.meshgrid(u, v)
        return self.locate(right, up)


def measured(count: int, locate: Locate) -> Geometry:
    """Make a geometry of a rule, measuring where its cells are."""
    ticks = (np.arange(PROBE) + 0.5) / PROBE
    right, up = np.meshgrid(ticks, ticks[::-1])
    labels = locate(right, up).ravel()
    inside = labels >= 0
    labels = labels[inside]
    covered = np.bincount(labels, minlength=count).astype(np.float64)
    some = np.maximum(covered, 1.0)
    parts = [
        np.bincount(labels, weights=place.ravel()[inside], minlength=count) / some
        for place in (right, up)
    ]
    return Geometry(count, locate, np.stack(parts, axis=1), covered / PROBE**2)


def _index(share: Floats, count: int) -> Whole:
    return np.asarray(np.clip(np.floor(share * count), 0, count - 1), np.int64)


def rectangle(rng: np.random.Generator) -> Geometry:
    """Rows and columns, sometimes cut to a disc or with a hole."""
    limit = 4.5 if rng.random() < 0.8 else 3.0
    nx, ny = (round(float(np.exp(rng.uniform(np.log(4), limit)))) for _ in range(2))
    disc = rng.random() < 0.15
    hole = rng.uniform(0.05, 0.2) if rng.random() < 0.25 else 0.0
    square = rng.random() < 0.6

    def locate(u: Floats, v: Floats) -> Whole:
        i, j = _index(u, nx), _index(v, ny)
        x, y = (i + 0.5) / nx - 0.5, (j + 0.5) / ny - 0.5
        radius = np.maximum(np.abs(x), np.abs(y)) if square else np.hypot(x, y)
        out = radius < hole
        if disc:
            out |= np.hypot(x, y) > 0.5
        return np.where(out, -1, j * nx + i)

    return measured(nx * ny, locate)


def panels(rng: np.random.Generator) -> Geometry:
    """Rectangular panels with gaps between them, each with rows and columns."""
    across, upwards = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    nx, ny = (int(rng.integers(3, 13)) for _ in range(2))
    gap = rng.uniform(0.02, 0.12)

    def locate(u: Floats, v: Floats) -> Whole:
        a, b = _index(u, across), _index(v, upwards)
        x = (u * across - a - gap) / (1 - 2 * gap)
        y = (v * upwards - b - gap) / (1 - 2 * gap)
        out = (x < 0) | (x >= 1) | (y < 0) | (y >= 1)
        cell = _index(y, ny) * nx + _index(x, nx)
        return np.where(out, -1, (b * across + a) * nx * ny + cell)

    return measured(across * upwards * nx * ny, locate)


def rings(rng: np.random.Generator) -> Geometry:
    """Rings of a disc or of some wedges of it, divided in angle."""
    layers = int(rng.integers(3, 25))
    inner = rng.uniform(0.0, 0.4)
    least = int(rng.integers(6, 40))
    growing = rng.random() < 0.5
    parts = np.array([least + (layer * least // 4 if growing else 0) for layer in range(layers)])
    first = np.concatenate([[0], np.cumsum(parts)])
    wedges = int(rng.choice([0, 0, 0, 2, 3, 6, 8]))
    open_share = rng.uniform(0.75, 0.95)
    turn = rng.uniform(0.0, 0.05)

    def locate(u: Floats, v: Floats) -> Whole:
        radius = np.hypot(u - 0.5, v - 0.5) / 0.49
        angle = (np.arctan2(v - 0.5, u - 0.5) / (2 * np.pi)) % 1.0
        layer = _index((radius - inner) / (1 - inner), layers)
        phi = (angle + turn * layer) % 1.0
        out = (radius < inner) | (radius >= 1.0)
        if wedges:
            out |= (angle * wedges) % 1.0 > open_share
        part = np.floor(phi * parts[layer]).astype(np.int64)
        return np.where(out, -1, first[layer] + np.minimum(part, parts[layer] - 1))

    return measured(int(first[-1]), locate)


def wedge(rng: np.random.Generator) -> Geometry:
    """One trapezoid or triangle, divided in rows and columns or in stripes."""
    rows = int(rng.integers(4, 60))
    columns = 1 if rng.random() < 0.3 else int(rng.integers(3, 40))
    narrow = rng.uniform(0.05, 0.6)
    down = rng.random() < 0.3

    def locate(u: Floats, v: Floats) -> Whole:
        up = 1.0 - v if down else v
        half = 0.48 * (narrow + (1.0 - narrow) * up)
        x = (u - 0.5) / (2 * half) + 0.5
        out = (x < 0.0) | (x >= 1.0) | (up < 0.02) | (up > 0.98)
        return np.where(out, -1, _index(up, rows) * columns + _index(x, columns))

    return measured(rows * columns, locate)


def hexagons(rng: np.random.Generator) -> Geometry:
    """Hexagonal cells, in a disc, a hexagon or a full frame."""
    across = int(rng.integers(5, 40))
    side = 1.0 / across
    outline = str(rng.choice(["disc", "hexagon", "frame"]))
    hole = rng.uniform(0.05, 0.2) if rng.random() < 0.3 else 0.0
    columns = across + 2

    def locate(u: Floats, v: Floats) -> Whole:
        height = side * np.sqrt(3.0) / 2.0
        best = np.full(u.shape, np.inf)
        found = np.full(u.shape, -1, np.int64)
        base = np.floor(v / height).astype(np.int64)
        for row in (base, base + 1):
            offset = (row % 2) * 0.5
            column = np.rint(u / side - offset).astype(np.int64)
            x, y = (column + offset) * side, row * height
            far = (u - x) ** 2 + (v - y) ** 2
            radius = np.hypot(x - 0.5, y - 0.5)
            if outline == "hexagon":
                slant = np.abs(x - 0.5) + np.abs(y - 0.5) / np.sqrt(3.0)
                inside = (slant < 0.49) & (np.abs(y - 0.5) < 0.43)
            else:
                inside = (radius < 0.48) | (outline == "frame")
            label = np.where(inside & (radius >= hole), row * columns + column, -1)
            nearer = far < best
            best = np.where(nearer, far, best)
            found = np.where(nearer, label, found)
        return found

    rows = int(np.ceil(2.0 / (side * np.sqrt(3.0)))) + 3
    return measured(rows * columns, locate)


def strips(rng: np.random.Generator) -> Geometry:
    """Layers of staggered bars, or slanted strips."""
    layers = int(rng.integers(2, 25))
    bars = int(rng.integers(6, 100))
    shift = float(rng.choice([0.5, 0.5, 0.33, 0.0]))
    slant = rng.uniform(-0.3, 0.3) if rng.random() < 0.35 else 0.0
    upright = rng.random() < 0.3

    def locate(u: Floats, v: Floats) -> Whole:
        a, b = (v, u) if upright else (u, v)
        layer = _index(b, layers)
        sign = 1 - 2 * (layer % 2)
        x = a + slant * sign * (b * layers - layer - 0.5) + shift * (layer % 2) / bars
        bar = np.floor(x * bars).astype(np.int64)
        return np.where((bar < 0) | (bar >= bars), -1, layer * bars + bar)

    return measured(layers * bars, locate)


KINDS: Final = (rectangle, rectangle, rectangle, panels, rings, rings, wedge, hexagons, strips)


def geometry(rng: np.random.Generator) -> Geometry:
    """Draw a geometry at random."""
    return KINDS[rng.integers(len(KINDS))](rng)
