"""What a quantity does along a run or over channels."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulation.zoo.dice import Floats, Moment, Trouble
from simulation.zoo.shape import Whole, efficiencies

MOST: Final = 300
"""No graph has more points."""


@dataclass(frozen=True, slots=True)
class Course:
    """Values of a quantity, point by point."""

    level: float
    pattern: Floats
    """(MOST,) relative to the level, cut to the number of points."""
    noise: float
    """Scatter of a point relative to the level."""
    shortest: int
    longest: int
    grows: bool
    """Runs differ in length, and the points with them."""
    sway: float
    """Change of everything with the trend, relative."""
    start: float
    """Excess at the start of a run that decays, relative."""
    trips: float
    """Probability that the beam trips, as is usual for this plot, per point."""
    module: int
    channels: bool
    """Points are channels, not times."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have on any axis."""
        if self.channels:
            return ("dead-cells", "dead-block", "weak-block", "noise", "gain-drift")
        return ("outliers", "step", "gain-drift", "noise")

    def expected(self, moment: Moment, luck: Floats, trouble: Trouble | None) -> Floats:
        """Give the values without chance of one run.

        Args:
            moment: Conditions of the run.
            luck: (MOST,) numbers 0 to 1, for the length of the run and for trips.
            trouble: What is wrong.
        """
        count = self.longest
        if self.grows:
            count = round(self.shortest * (self.longest / self.shortest) ** float(luck[0]))
        values = self.level * self.pattern[:count] * (1.0 + self.sway * moment.trend)
        values += self.level * self.start * np.exp(-np.arange(count) / 2.0)
        if trouble is not None:
            values = self._spoil(values, trouble)
        if self.trips:
            begins = np.flatnonzero(luck[1:count] < self.trips)
            for first in begins.tolist():
                values[first : first + 1 + int(luck[first] * 1e6) % 4] *= 0.02
        return values

    def spread(self, expected: Floats, trouble: Trouble | None) -> Floats:
        """Give the scatter of each point, same shape as ``expected``."""
        noise = self.noise * self.level * np.clip(expected / self.level, 0.05, 1.0) ** 0.5
        if trouble is not None and trouble.fault == "noise":
            noise = np.maximum(noise, 0.02 * self.level) * trouble.between(2.5, 12.0)
        return np.asarray(noise)

    def _spoil(self, values: Floats, trouble: Trouble) -> Floats:
        rng, size = trouble.rng, values.size
        if trouble.fault == "outliers":
            self._outliers(values, trouble)
        elif trouble.fault == "step":
            first = int(rng.integers(1, max(2, size - 1)))
            least = max(2, size // 12)
            last = (
                size if rng.random() < 0.6 else min(size, first + least + int(rng.integers(size)))
            )
            first = min(first, size - min(least, size - 1))
            low = 1.0 - max(trouble.between(0.08, 1.0), 3 * self.noise)
            factor = max(low, 0.02) if rng.random() < 0.85 else 2.0 - max(low, 0.3)
            values[first:last] *= factor
        elif trouble.fault == "gain-drift":
            end = trouble.between(0.85, 0.25)
            end = end if rng.random() < 0.75 else 2.0 - end
            values *= np.linspace(1.0, end, size)
        elif trouble.fault == "wrong-scale":
            factor = trouble.between(0.75, 0.03)
            values *= factor if rng.random() < 0.75 else 2.0 - factor
        elif trouble.fault == "empty":
            values *= 0.0
        elif trouble.fault == "dead-cells":
            count = round(trouble.between(1, max(1.0, size / 15)))
            values[rng.integers(0, size, count)] *= rng.choice([0.0, 0.3])
        elif trouble.fault in ("dead-block", "weak-block"):
            where = self._block(size, trouble)
            values[where] *= trouble.between(0.85, 0.2) if trouble.fault == "weak-block" else 0.0
        return values

    def _block(self, size: int, trouble: Trouble) -> slice:
        first = int(trouble.rng.integers(size)) // self.module * self.module
        length = self.module * round(trouble.between(1, max(1.0, size / self.module / 3)))
        return slice(first, first + length)

    def _outliers(self, values: Floats, trouble: Trouble) -> None:
        """Move single points, anywhere or at the end as runs end."""
        rng, size = trouble.rng, values.size
        count = 1 if rng.random() < 0.5 else int(rng.integers(1, max(2, min(8, size // 5))))
        where: Whole = rng.integers(0, size, count)
        if rng.random() < 0.3:
            where = np.arange(size - min(count, 3), size)
        away = max(trouble.between(0.12, 1.0), 7 * self.noise)
        signs = np.where(rng.random(where.size) < 0.75, -1.0, 1.0)
        values[where] *= np.maximum(1.0 + signs * away * rng.uniform(0.9, 1.1, where.size), 0.0)


def trend(rng: np.random.Generator) -> Course:
    """Draw at random what a rate or a yield does along a run."""
    x = np.linspace(0.0, 1.0, MOST)
    pattern = np.ones(MOST)
    if rng.random() < 0.3:
        pattern += rng.uniform(-0.15, 0.15) * x
    if rng.random() < 0.15:
        pattern += rng.uniform(0.03, 0.15) * np.sin(2 * np.pi * x * rng.uniform(1.0, 6.0))
    longest = round(float(np.exp(rng.uniform(np.log(20), np.log(MOST)))))
    grows = rng.random() < 0.6
    return Course(
        level=float(10 ** rng.uniform(-2, 5)),
        pattern=pattern,
        noise=float(np.exp(rng.uniform(np.log(0.003), np.log(0.08)))),
        shortest=max(8, round(longest * rng.uniform(0.05, 0.8))) if longest > 12 else longest,
        longest=longest,
        grows=grows,
        sway=rng.uniform(0.0, 0.06),
        start=rng.uniform(-0.3, 0.3) if rng.random() < 0.15 else 0.0,
        trips=rng.uniform(0.002, 0.03) if rng.random() < 0.25 else 0.0,
        module=8,
        channels=False,
    )


def profile(rng: np.random.Generator) -> Course:
    """Draw at random an efficiency or a mean by channel."""
    count = round(float(np.exp(rng.uniform(np.log(10), np.log(120)))))
    pattern = np.ones(MOST)
    pattern[:count] *= np.clip(efficiencies(rng, count), 0.5, 1.5)
    if rng.random() < 0.4:
        x = np.linspace(-1.0, 1.0, count)
        pattern[:count] *= 1.0 - rng.uniform(0.0, 0.4) * np.abs(x) ** rng.uniform(1, 6)
    module = min(count // 3, int(rng.choice([4, 8, 16])))
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        first = int(rng.integers(count))
        pattern[first : first + int(rng.integers(1, 3))] *= rng.uniform(0.0, 0.9)
    return Course(
        level=float(rng.choice([1.0, 1.0, 0.95, 10 ** rng.uniform(-1, 3)])),
        pattern=pattern,
        noise=float(np.exp(rng.uniform(np.log(0.003), np.log(0.05)))),
        shortest=count,
        longest=count,
        grows=False,
        sway=rng.uniform(0.0, 0.03),
        start=0.0,
        trips=0.0,
        module=module,
        channels=True,
    )
