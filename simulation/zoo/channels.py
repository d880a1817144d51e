"""One-dimensional occupancies and bar charts: what each channel counts."""

from dataclasses import dataclass

import numpy as np

from simulation.zoo.dice import Floats, Moment, Trouble
from simulation.zoo.shape import efficiencies, falling, pick, scatter


@dataclass(frozen=True, slots=True)
class Channels:
    """Counts of channels in modules of equal size."""

    usual: Floats
    """What each channel counts, (n,); 0 for what was never connected or died long ago."""
    module: int
    """Channels of a module."""
    slope: float
    """How much the trend tilts the counts."""
    bits: bool
    """Separate lines that need not be alike, such as trigger bits."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        if self.bits:
            return ("dead-cells", "weak-block", "hot-cell", "empty", "noise")
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
        return 0.04 + self.slope / 2

    def expected(self, moment: Moment, trouble: Trouble | None) -> Floats:
        """Give expected counts at nominal statistics."""
        x = np.linspace(-1.0, 1.0, self.usual.size)
        values = self.usual * (1.0 + self.slope * moment.trend * x)
        return values if trouble is None else self._spoil(values, trouble)

    def _spoil(self, values: Floats, trouble: Trouble) -> Floats:
        rng = trouble.rng
        size = values.size
        if trouble.fault == "dead-cells":
            most = max(1.0, size / 20)
            values[pick(rng, values, round(trouble.between(1, most)))] *= rng.choice([0, 0, 0.05])
        elif trouble.fault in ("dead-block", "weak-block"):
            first = int(pick(rng, values, 1)[0]) // self.module * self.module
            length = self.module * round(trouble.between(1, max(1.0, size / self.module / 3)))
            weak = trouble.between(0.75, 0.1) if trouble.fault == "weak-block" else 0.0
            values[first : first + length] *= weak
        elif trouble.fault == "hot-cell":
            values[rng.integers(size)] = values.max() * trouble.between(1.5, 15.0)
        elif trouble.fault == "hot-spot":
            x = np.arange(size) - rng.integers(size)
            width = max(1.5, size * rng.uniform(0.02, 0.12))
            values += values.max() * trouble.between(0.5, 4.0) * np.exp(-0.5 * (x / width) ** 2)
        elif trouble.fault == "noise":
            values = scatter(trouble, values)
        elif trouble.fault == "gain-drift":
            values *= np.linspace(1.0, trouble.between(0.6, 0.15), size)[:: int(trouble.sign())]
        else:
            values *= 0.0 if rng.random() < 0.6 else 2.0 / max(values.sum(), 1.0)
        return values


def channels(rng: np.random.Generator) -> Channels:
    """Draw an occupancy at random."""
    count = round(np.exp(rng.uniform(np.log(8), np.log(300))))
    usual = falling(rng, np.linspace(0.0, 1.0, count)) * efficiencies(rng, count)
    module = min(max(1, count // 3), int(rng.choice([4, 8, 16, 32])))
    if rng.random() < 0.2:
        usual *= 1.0 + rng.uniform(0.1, 0.6) * (np.arange(count) % module) / module
    if rng.random() < 0.35:
        usual[rng.integers(0, count, int(rng.integers(1, 4)))] = 0.0
    if rng.random() < 0.12 and count > 4 * module:
        first = int(rng.integers(count // module)) * module
        usual[first : first + module] = 0.0
    level = np.exp(rng.uniform(np.log(60), np.log(20_000)))
    return Channels(usual * level, module, rng.uniform(0.0, 0.12), bits=False)


def bits(rng: np.random.Generator) -> Channels:
    """Draw a bar chart of trigger bits at random: some of the lines are in use."""
    count = int(rng.choice([8, 16, 24, 32, 64]))
    used = rng.random(count) < rng.uniform(0.2, 0.9)
    used[rng.integers(count)] = True
    usual = np.where(used, np.exp(rng.normal(0.0, rng.uniform(0.2, 1.2), count)), 0.0)
    level = np.exp(rng.uniform(np.log(100), np.log(50_000)))
    return Channels(usual / usual.max() * level, 1, 0.0, bits=True)
