"""Two-dimensional occupancies: what each cell of a detector counts."""

from dataclasses import dataclass

import numpy as np

from simulation.zoo.dice import Floats, Moment, Trouble
from simulation.zoo.geometry import Geometry
from simulation.zoo.shape import Whole, efficiencies, falling, pick, scatter


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts of cells that are served by modules."""

    geometry: Geometry
    usual: Floats
    """What each cell counts, (n,); 0 for what was never there or died long ago."""
    modules: tuple[Whole, ...]
    """Cells of each module, small and large ones."""
    slope: Floats
    """(2,): how the trend tilts the counts, right and up."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        return (
            "dead-cells",
            "dead-block",
            "weak-block",
            "hot-cell",
            "hot-spot",
            "empty",
            "noise",
            "gain-drift",
        )

    @property
    def tolerance(self) -> float:
        """Relative change of a bin from image to image that is natural."""
        return 0.05

    def expected(self, moment: Moment, trouble: Trouble | None) -> Floats:
        """Give expected counts at nominal statistics."""
        tilt = (self.geometry.middles - 0.5) @ self.slope
        values = self.usual * np.maximum(1.0 + moment.trend * tilt, 0.1)
        return values if trouble is None else self._spoil(values, trouble)

    def _spoil(self, values: Floats, trouble: Trouble) -> Floats:
        rng = trouble.rng
        size = values.size
        if trouble.fault == "dead-cells":
            most = max(1.5, size / 50)
            values[pick(rng, values, round(trouble.between(1, most)))] *= rng.choice([0, 0, 0.04])
        elif trouble.fault in ("dead-block", "weak-block"):
            weak = trouble.between(0.75, 0.05) if trouble.fault == "weak-block" else 0.0
            values[self._module(values, trouble)] *= weak
        elif trouble.fault == "hot-cell":
            count = 1 if rng.random() < 0.7 else int(rng.integers(2, 6))
            chosen = pick(rng, values, count)
            values[chosen] = values.max() * trouble.between(1.3, 12.0)
        elif trouble.fault == "hot-spot":
            middle = self.geometry.middles[pick(rng, values, 1)[0]]
            apart = self.geometry.middles - middle
            wide, long = rng.uniform(0.03, 0.15, 2)
            near = np.exp(-0.5 * ((apart[:, 0] / wide) ** 2 + (apart[:, 1] / long) ** 2))
            near = np.where(values > 0, near, 0.0)
            values += values.max() * trouble.between(0.4, 4.0) * near
        elif trouble.fault == "noise":
            values = scatter(trouble, values)
        elif trouble.fault == "gain-drift":
            angle = rng.uniform(0.0, 2 * np.pi)
            way = (self.geometry.middles - 0.5) @ np.array([np.cos(angle), np.sin(angle)]) + 0.5
            values *= trouble.between(0.55, 0.08) ** np.clip(way, 0.0, 1.0)
        else:
            values *= 0.0 if rng.random() < 0.6 else 4.0 / max(values.sum(), 1.0)
        return values

    def _module(self, values: Floats, trouble: Trouble) -> Whole:
        """Choose a module that counts; a stronger fault takes a larger one."""
        alive = [cells for cells in self.modules if values[cells].sum() > 0]
        if not alive:
            return np.arange(values.size)
        total = float(values.sum())
        shares = np.array([float(values[cells].sum()) / total for cells in alive])
        distance = np.abs(np.log(shares / trouble.between(0.006, 0.35)))
        near = np.argsort(distance, kind="stable")[: max(3, len(alive) // 6)]
        return alive[int(trouble.rng.choice(near))]


def rates(rng: np.random.Generator, shape: Geometry) -> Rates:
    """Draw what the cells of a geometry count at random."""
    x, y = shape.middles.T
    there = shape.seen > 0
    usual = np.where(there, _pattern(rng, x, y), 0.0) * efficiencies(rng, shape.count)
    modules = _modules(rng, shape)
    if rng.random() < 0.3:
        for cells in modules:
            usual[cells] *= np.exp(0.08 * rng.standard_normal())
    if rng.random() < 0.45:
        few = max(1, round(shape.count * rng.uniform(0.0, 0.015)))
        usual[rng.integers(0, shape.count, few)] = 0.0
    if rng.random() < 0.2:
        usual[modules[rng.integers(len(modules))]] *= rng.choice([0.0, 0.0, 0.3])
    if not usual.any():
        usual = there.astype(np.float64)
    level = np.exp(rng.uniform(np.log(6), np.log(8000)))
    slope = rng.uniform(-0.12, 0.12, 2)
    return Rates(shape, usual / usual.max() * level, modules, slope)


def _pattern(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Draw how the counts fall over the frame."""
    choice = rng.random()
    radius = np.clip(np.hypot(x - 0.5, y - 0.5) * 2.0, 0.0, 1.0)
    if choice < 0.15:
        return np.ones_like(x)
    if choice < 0.4:
        return 1.0 / (0.1 + radius) ** rng.uniform(0.3, 2.5)
    if choice < 0.55:
        a, b = rng.uniform(0.3, 0.7, 2)
        return np.asarray(
            np.exp(-0.5 * (((x - a) / rng.uniform(0.12, 0.5)) ** 2))
            * np.exp(-0.5 * ((y - b) / rng.uniform(0.12, 0.5)) ** 2)
            + rng.uniform(0.02, 0.3)
        )
    if choice < 0.85:
        return falling(rng, x) * falling(rng, y)
    ring = np.exp(-0.5 * ((radius - rng.uniform(0.3, 0.8)) / rng.uniform(0.05, 0.2)) ** 2)
    return np.asarray(ring + rng.uniform(0.1, 0.5))


def _modules(rng: np.random.Generator, shape: Geometry) -> tuple[Whole, ...]:
    """Group the cells as read-out and supply do: by place, by number and by angle."""
    x, y = shape.middles.T
    there = shape.seen > 0
    across, upwards = int(rng.integers(2, 13)), int(rng.integers(2, 13))
    length = max(2, min(int(rng.choice([8, 16, 32, 64])), shape.count // 3))
    sectors = int(rng.choice([2, 3, 4, 6, 8]))
    angle = (np.arctan2(y - 0.5, x - 0.5) / (2 * np.pi)) % 1.0
    keys = [
        np.floor(x * across) * 100 + np.floor(y * upwards),
        np.arange(shape.count) // length,
        np.floor(angle * sectors),
        np.floor(x * across),
        np.floor(y * upwards),
    ]
    used = rng.choice(len(keys), 3, replace=False)
    found: list[Whole] = []
    for key in (keys[i] for i in used):
        found.extend(np.flatnonzero((key == value) & there) for value in np.unique(key[there]))
    return tuple(found)
