"""Correlations of two quantities: bands over channels, position or energy."""

from dataclasses import dataclass, replace

import numpy as np

from simulation.zoo.dice import Floats, Moment, Trouble
from simulation.zoo.shape import efficiencies, falling, pick, scatter


@dataclass(frozen=True, slots=True)
class Band:
    """One band: where it runs in y for each column, how wide and how full."""

    centre: Floats
    width: Floats
    height: Floats

    def fill(self, y: Floats) -> Floats:
        """Evaluate it, (rows, columns)."""
        pull = (y[:, None] - self.centre) / self.width
        return np.asarray(self.height * np.exp(-0.5 * pull * pull))


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands above a floor on a grid; index of a bin: row times columns plus column."""

    columns: int
    rows: int
    bands: tuple[Band, ...]
    floor: float
    level: float
    drift: float
    """How far the bands move with the trend, as a share of the y axis."""
    module: int
    """Columns of a module."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        return (
            "shift",
            "double-peak",
            "width",
            "lost-signal",
            "dead-cells",
            "dead-block",
            "weak-block",
            "hot-cell",
            "hot-spot",
            "noise",
            "empty",
        )

    @property
    def tolerance(self) -> float:
        """Relative change of a bin from image to image that is natural."""
        return 0.05

    def expected(self, moment: Moment, trouble: Trouble | None) -> Floats:
        """Give expected counts at nominal statistics, (rows * columns,)."""
        y = (np.arange(self.rows) + 0.5) / self.rows
        moved = self.drift * moment.trend
        bands = [replace(band, centre=band.centre + moved) for band in self.bands]
        floor = self.floor
        if trouble is not None:
            if trouble.fault == "noise" and trouble.rng.random() < 0.6:
                floor += trouble.between(0.12, 1.0)
            bands = self._bend(bands, trouble)
        alive = self.bands[0].height > 0
        values = np.full((self.rows, self.columns), floor) * alive
        for band in bands:
            values += band.fill(y)
        values *= self.level
        if trouble is not None:
            values = self._spoil(values, trouble)
        return np.asarray(values.ravel())

    def _some(self, trouble: Trouble) -> slice:
        """Choose columns of one or more modules."""
        modules = max(1, self.columns // self.module)
        first = int(trouble.rng.integers(modules)) * self.module
        return slice(first, first + self.module * round(trouble.between(1, max(1, modules / 2))))

    def _bend(self, bands: list[Band], trouble: Trouble) -> list[Band]:
        """Apply the faults that act on bands."""
        rng = trouble.rng
        main = bands[0]
        everywhere = slice(0, self.columns)
        where = everywhere if rng.random() < 0.4 else self._some(trouble)
        wide = float(np.median(main.width))
        if trouble.fault in ("shift", "double-peak"):
            by = max(3 * self.drift, wide * trouble.between(1.2, 6.0), 0.03) * trouble.sign()
            middle = float(np.mean(main.centre[where]))
            by = by if 0.05 < middle + by < 0.95 else -by
            moved = main.centre.copy()
            moved[where] += by
            if trouble.fault == "shift":
                return [replace(main, centre=moved), *bands[1:]]
            second = np.zeros_like(main.height)
            second[where] = main.height[where] * trouble.between(0.15, 1.0)
            return [*bands, Band(moved, main.width, second)]
        if trouble.fault == "width":
            factor = np.ones_like(main.width)
            factor[where] = trouble.between(1.6, 5.0)
            return [Band(main.centre, main.width * factor, main.height / factor), *bands[1:]]
        if trouble.fault == "lost-signal":
            height = main.height.copy()
            height[where] *= trouble.between(0.4, 0.02)
            return [replace(main, height=height), *bands[1:]]
        return bands

    def _spoil(self, values: Floats, trouble: Trouble) -> Floats:
        """Apply the faults that act on bins."""
        rng = trouble.rng
        if trouble.fault == "dead-cells":
            count = round(trouble.between(1, max(1.0, self.columns / 15)))
            values[:, pick(rng, values.sum(axis=0), count)] = 0.0
        elif trouble.fault == "dead-block":
            values[:, self._some(trouble)] = 0.0
        elif trouble.fault == "weak-block":
            values[:, self._some(trouble)] *= trouble.between(0.7, 0.05)
        elif trouble.fault == "hot-cell":
            amount = values.max() * trouble.between(0.2, 3.0)
            if rng.random() < 0.7:
                values[:, rng.integers(self.columns)] += amount
            else:
                values[rng.integers(self.rows), :] += amount
        elif trouble.fault == "hot-spot":
            x = (np.arange(self.columns) + 0.5) / self.columns - rng.uniform(0.1, 0.9)
            y = (np.arange(self.rows) + 0.5) / self.rows - rng.uniform(0.1, 0.9)
            wide, long = rng.uniform(0.03, 0.12, 2)
            spot = np.exp(-0.5 * ((x / wide) ** 2 + (y[:, None] / long) ** 2))
            values += values.max() * trouble.between(0.3, 3.0) * spot
        elif trouble.fault == "empty":
            values *= 0.0 if rng.random() < 0.6 else 4.0 / max(values.sum(), 1.0)
        elif trouble.fault == "noise" and rng.random() < 0.5:
            values = scatter(trouble, values)
        return values


def bands(rng: np.random.Generator) -> Bands:
    """Draw a correlation at random."""
    columns, rows = (round(float(np.exp(rng.uniform(np.log(12), np.log(120))))) for _ in range(2))
    rows = max(rows, 25)
    x = (np.arange(columns) + 0.5) / columns
    module = min(columns // 3, int(rng.choice([4, 8, 16])))
    height = falling(rng, x) * efficiencies(rng, columns)
    if rng.random() < 0.3:
        height[rng.integers(0, columns, int(rng.integers(1, 3)))] = 0.0
    width = float(np.exp(rng.uniform(np.log(0.015), np.log(0.09))))
    wiggle = width * rng.choice([0.0, 0.2, 0.6]) * rng.standard_normal(columns)
    steps = width * rng.choice([0.0, 0.5, 1.0]) * rng.standard_normal(columns)
    wiggle += steps[np.arange(columns) // module]
    found = [Band(_course(rng, x) + wiggle, np.full(columns, width), height)]
    for _ in range(int(rng.choice([0, 0, 0, 1, 2]))):
        apart = rng.uniform(-0.35, 0.35)
        weak = height * rng.uniform(0.1, 0.7)
        found.append(Band(_course(rng, x) + apart, np.full(columns, width * 1.3), weak))
    floor = float(rng.choice([0.0, 0.005, 0.03, 0.1]))
    level = np.exp(rng.uniform(np.log(8), np.log(3000)))
    return Bands(columns, rows, tuple(found), floor, level, width * rng.uniform(0, 0.25), module)


def _course(rng: np.random.Generator, x: Floats) -> Floats:
    """Draw how a band runs over the columns."""
    choice = int(rng.integers(5))
    base = rng.uniform(0.3, 0.7)
    if choice <= 1:
        return np.full_like(x, base)
    if choice == 2:
        return np.asarray(base + rng.uniform(-0.5, 0.5) * (x - 0.5))
    if choice == 3:
        return np.asarray(0.15 + rng.uniform(0.05, 0.15) / (x + 0.15))
    return np.asarray(base + rng.uniform(0.05, 0.2) * np.sin(2 * np.pi * (x + rng.random())))
