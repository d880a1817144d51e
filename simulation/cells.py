"""Bins that are read by channels, and the map that shows them."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation import canvas
from simulation.canvas import Frame
from simulation.detector import Floats, Ints, seed_of
from simulation.drawing import Box, Fault, Pixels
from simulation.pads import Axes, Mask, World, outline, prepare_axes
from simulation.palette import PALETTES

COSMIC: Final = 0.012
"""Mean content of a bin that noise and cosmic rays make without beam."""
TILT: Final = 0.05
"""Relative spread of the slope that the beam position makes across a pad."""
HV_LEAK: Final = 0.01
"""Share of the counts that remains when a HV board is off."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Bins of a pad, which channel reads each, and what is expected there.

    All arrays are flat, one entry per bin.
    """

    channel: Ints
    """Channel of the detector, -1 where there is none."""
    expected: Floats
    """Counts of a nominal chunk with a channel of efficiency 1."""
    x: Floats
    """Place of the bin across the pad, 0 to 1."""
    y: Floats
    """Place of the bin up the pad, 0 to 1."""

    def fill(self, world: World) -> Floats:
        """Draw the counts of a healthy detector."""
        conditions = world.conditions
        exists = self.channel >= 0
        if not conditions.beam_on:
            rate = COSMIC * conditions.statistics * exists
            return np.asarray(world.rng.poisson(rate), dtype=np.float64)
        drift = np.random.default_rng(seed_of(world.detector.name, "tilt", conditions.run))
        slope_x, slope_y = np.clip(drift.normal(0.0, TILT, 2), -2.5 * TILT, 2.5 * TILT)
        tilt = 1.0 + slope_x * (self.x - 0.5) + slope_y * (self.y - 0.5)
        efficiency = np.where(exists, world.detector.efficiency[self.channel], 0.0)
        gain = world.detector.gain(conditions.run)
        rate = self.expected * efficiency * tilt * (gain * conditions.statistics)
        return np.asarray(world.rng.poisson(rate), dtype=np.float64)

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """Apply a fault; see ``Pad.spoil``."""
        reached = np.isin(self.channel, fault.channels) & (self.expected > 0)
        strength = fault.strength or 0.0
        match fault.kind:
            case "dead-channel" | "dead-slot" | "dead-crate":
                return np.where(reached, 0.0, values), reached
            case "hv-off":
                left = rng.binomial(values.astype(np.int64), HV_LEAK).astype(float)
                return np.where(reached, left, values), reached
            case "hot-channel":
                rate = values.max(initial=1.0) * (6.0 + 14.0 * strength)
                return np.where(reached, rng.poisson(rate, values.shape), values), reached
            case "empty":
                return np.zeros_like(values), np.ones(values.shape, bool)
            case "noise":
                factor = rng.lognormal(0.0, 0.65 + 0.35 * strength, values.shape)
                noisy = np.round(values * factor)
                return noisy, self.expected > 0
            case "light-leak":
                return self._leak(fault, values, rng)
        raise ValueError(f"a pad of channels knows no fault {fault.kind}")

    def _leak(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        exists = np.flatnonzero(self.expected > 0)
        centre = exists[int((fault.position or 0.0) * (len(exists) - 1))]
        width = 0.06 + 0.03 * (fault.strength or 0.0)
        flat = bool(np.ptp(self.y) == 0.0)
        distance = np.hypot(self.x - self.x[centre], 0.0 if flat else self.y - self.y[centre])
        shape = np.exp(-0.5 * (distance / width) ** 2) * (self.expected > 0)
        height = values.max(initial=1.0) * (2.5 + 2.0 * (fault.strength or 0.0))
        return values + rng.poisson(shape * height), shape > 0.2


def grid(channel: Ints, expected: Floats) -> Cells:
    """Make cells of a regular map.

    Args:
        channel: (rows, columns), channel of each bin, -1 where there is none.
        expected: Same shape, counts of a nominal chunk.

    Returns:
        The cells, row by row from the bottom.
    """
    rows, columns = channel.shape
    y, x = np.mgrid[0:rows, 0:columns]
    counts = np.where(channel >= 0, expected, 0.0)
    return Cells(
        channel.ravel(),
        counts.ravel(),
        ((x + 0.5) / columns).ravel(),
        ((y + 0.5) / rows).ravel() if rows > 1 else np.zeros(columns),
    )


@dataclass(frozen=True, eq=False)
class MapPad:
    """A two-dimensional histogram drawn with colours."""

    axes: Axes
    cells: Cells
    shape: tuple[int, int]
    """Rows and columns of bins."""
    palette: str = "rainbow"
    coloured: bool = True

    def fill(self, world: World) -> Floats:
        """See ``Pad.fill``."""
        return self.cells.fill(world)

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """See ``Pad.spoil``."""
        return self.cells.spoil(fault, values, rng)

    def prepare(self, image: Pixels, frame: Frame) -> None:
        """See ``Pad.prepare``."""
        prepare_axes(image, frame, self.axes)
        canvas.numbers_y(image, frame, self.axes.y_low, self.axes.y_high, 6)

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """See ``Pad.paint``."""
        table = PALETTES[self.palette]
        high = float(values.max(initial=0.0)) or 1.0
        colours = table[levels(values, high)].reshape(*self.shape, 3)[::-1]
        image[frame.top : frame.bottom, frame.left : frame.right] = cv2.resize(
            np.ascontiguousarray(colours),
            (frame.width, frame.height),
            interpolation=cv2.INTER_NEAREST,
        )
        outline(image, frame, self.axes)
        canvas.ticks_y(image, frame, self.axes.y_low, self.axes.y_high, 6)
        canvas.colour_bar(image, frame, table, high)

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """See ``Pad.boxes``."""
        rows, columns = self.shape
        area = mask.reshape(self.shape)[::-1].astype(np.uint8)
        scale_x, scale_y = frame.width / columns, frame.height / rows
        return [
            (
                int(frame.left + x * scale_x),
                int(frame.top + y * scale_y),
                max(1, round(w * scale_x)),
                max(1, round(h * scale_y)),
            )
            for x, y, w, h in components(area)
        ]


def levels(values: Floats, high: float) -> NDArray[np.intp]:
    """Give the place of each value in a colour scale: 0 for an empty bin, 1 and up else."""
    steps = len(PALETTES["bird"]) - 1
    place = np.minimum((values * (steps / high)).astype(np.intp), steps - 1) + 1
    return np.where(values > 0, place, 0)


def components(area: Pixels) -> list[Box]:
    """Give the box of each connected area of ones."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(area, connectivity=8)
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h, _ in stats[1:]]
