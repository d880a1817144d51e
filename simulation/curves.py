"""Pads without channels: timing peaks, spectra, profiles and rates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from simulation import canvas
from simulation.canvas import Frame
from simulation.detector import Floats, seed_of
from simulation.drawing import Box, Conditions, Fault, Pixels
from simulation.histogram import BLUE, Colours, paint_histogram
from simulation.pads import Axes, Mask, World, column_boxes, outline, prepare_axes

SHIFT: Final = (0.16, 0.30)
"""Smallest and largest timing shift, as shares of the axis."""
DRIFT: Final = 0.006
"""Spread of a peak's place from run to run, as a share of the axis."""

Shape = Callable[[Floats, float], Floats]
"""Density over the axis (0 to 1) for a drift around 0 in units of its spread."""


@dataclass(frozen=True, eq=False)
class SpectrumPad:
    """A one-dimensional spectrum, such as a timing peak."""

    axes: Axes
    name: str
    """Makes the drift of this pad its own."""
    shape: Shape
    entries: float
    """Of a nominal chunk."""
    bins: int = 100
    colours: Colours = BLUE
    coloured: bool = False

    def fill(self, world: World) -> Floats:
        """See ``Pad.fill``."""
        conditions = world.conditions
        if not conditions.beam_on:
            stray = np.full(self.bins, 6.0 / self.bins * conditions.statistics)
            return np.asarray(world.rng.poisson(stray), dtype=np.float64)
        rate = self._rate(conditions) * world.detector.gain(conditions.run)
        return np.asarray(world.rng.poisson(rate), dtype=np.float64)

    def _rate(self, conditions: Conditions) -> Floats:
        rng = np.random.default_rng(seed_of(self.name, "drift", conditions.run))
        drift = float(np.clip(rng.normal(), -2.0, 2.0))
        places = (np.arange(self.bins) + 0.5) / self.bins
        density = self.shape(places, drift)
        scale = self.entries * conditions.statistics / float(density.sum())
        return np.asarray(density * scale)

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """See ``Pad.spoil``."""
        strength = fault.strength or 0.0
        everywhere = np.ones(values.shape, bool)
        match fault.kind:
            case "timing-shift":
                return self._shift(fault, values)
            case "double-peak":
                return self._double(fault, values, rng)
            case "empty":
                return np.zeros_like(values), everywhere
            case "noise":
                floor = values.max(initial=1.0) * (0.35 + 0.3 * strength)
                rate = floor * rng.lognormal(0.0, 0.35, values.shape)
                return values + rng.poisson(rate), everywhere
        raise ValueError(f"a spectrum knows no fault {fault.kind}")

    def _steps(self, fault: Fault, values: Floats) -> int:
        """Give the shift of a fault in bins, away from the nearer end."""
        low, high = SHIFT
        share = low + (high - low) * (fault.strength or 0.0)
        peak = int(values.argmax()) / self.bins
        sign = 1 if (fault.position or 0.0) < 0.5 else -1
        if not 0.05 < peak + sign * share < 0.95:
            sign = -sign
        return sign * round(share * self.bins)

    def _around(self, peak: int) -> Mask:
        reach = max(3, self.bins // 25)
        return np.abs(np.arange(self.bins) - peak) <= reach

    def _shift(self, fault: Fault, values: Floats) -> tuple[Floats, Mask]:
        steps = self._steps(fault, values)
        peak = int(values.argmax())
        reached = self._around(peak) | self._around(peak + steps)
        return np.roll(values, steps), reached

    def _double(
        self, fault: Fault, values: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Mask]:
        steps = self._steps(fault, values)
        peak = int(values.argmax())
        share = 0.45 + 0.4 * (fault.strength or 0.0)
        near = self._around(peak) * values
        second = rng.poisson(np.roll(near, steps) * share)
        return values + second, self._around(peak + steps)

    def prepare(self, image: Pixels, frame: Frame) -> None:
        """See ``Pad.prepare``."""
        prepare_axes(image, frame, self.axes)

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """See ``Pad.paint``."""
        paint_histogram(image, frame, values, self.axes, self.colours)

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """See ``Pad.boxes``."""
        return column_boxes(frame, mask)


def peak(centre: float, width: float, background: float = 0.01) -> Shape:
    """Make a Gaussian timing peak on a flat background.

    Args:
        centre: Place on the axis, 0 to 1.
        width: Standard deviation as a share of the axis.
        background: Height of the background relative to the peak.

    Returns:
        The shape; its centre drifts by ``DRIFT`` of the axis.
    """

    def shape(places: Floats, drift: float) -> Floats:
        middle = centre + DRIFT * drift
        return np.exp(-0.5 * ((places - middle) / width) ** 2) + background

    return shape


@dataclass(frozen=True, eq=False)
class ProfilePad:
    """Efficiency per bin with error bars; each bin is served by many channels."""

    axes: Axes
    weights: Floats
    """(bins, channels), part of each channel in the hits of a bin; rows sum to 1."""
    level: float
    """Efficiency of a healthy bin."""
    tries: float
    """Tracks through each bin in a nominal chunk."""
    coloured: bool = False

    def fill(self, world: World) -> Floats:
        """See ``Pad.fill``; NaN where no track went through."""
        conditions = world.conditions
        bins = len(self.weights)
        if not conditions.beam_on:
            some = world.rng.random(bins) < 0.06
            return np.where(some, np.round(world.rng.random(bins)), np.nan)
        part = self.weights @ (world.detector.efficiency > 0.0)
        drift = np.random.default_rng(seed_of(self.axes.title, "drift", conditions.run))
        level = self.level + 0.008 * float(np.clip(drift.normal(), -2.0, 2.0))
        tracks = max(1, round(self.tries * conditions.statistics))
        found = world.rng.binomial(tracks, np.clip(level * part, 0.0, 1.0))
        return found / tracks

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """See ``Pad.spoil``."""
        match fault.kind:
            case "dead-slot" | "dead-crate" | "hv-off":
                lost = np.minimum(self.weights[:, list(fault.channels)].sum(axis=1), 1.0)
                return values * (1.0 - lost), lost > 0.05
            case "empty":
                return np.full_like(values, np.nan), np.ones(values.shape, bool)
            case "noise":
                depth = 0.5 + 0.3 * (fault.strength or 0.0)
                return values * (1.0 - depth * rng.random(values.shape)), np.ones(
                    values.shape, bool
                )
        raise ValueError(f"a profile knows no fault {fault.kind}")

    def prepare(self, image: Pixels, frame: Frame) -> None:
        """See ``Pad.prepare``."""
        prepare_axes(image, frame, self.axes)
        canvas.numbers_y(image, frame, 0.0, self.axes.y_high, 6)

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """See ``Pad.paint``."""
        scale = frame.height / self.axes.y_high
        step = frame.width / len(values)
        for index in np.flatnonzero(np.isfinite(values)):
            value = float(values[index])
            x = round(frame.left + (index + 0.5) * step)
            y = round(frame.bottom - value * scale)
            error = max(3, round(scale * (value * (1.0 - value) / self.tries) ** 0.5))
            cv2.line(image, (x, y - error), (x, y + error), (0, 0, 153), 2)
            half = round(step / 2)
            cv2.line(image, (x - half, y), (x + half, y), (0, 0, 153), 4)
            cv2.circle(image, (x, y), 9, (0, 0, 153), -1)
        outline(image, frame, self.axes)
        canvas.ticks_y(image, frame, 0.0, self.axes.y_high, 6)

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """See ``Pad.boxes``."""
        return column_boxes(frame, mask)


@dataclass(frozen=True, eq=False)
class RatePad:
    """A rate against time as a line of points."""

    axes: Axes
    name: str
    level: float
    """Mean rate in the unit of the axis."""
    points: int = 80
    colour: tuple[int, int, int] = (0, 102, 0)
    coloured: bool = False

    def fill(self, world: World) -> Floats:
        """See ``Pad.fill``."""
        conditions = world.conditions
        if not conditions.beam_on:
            return np.abs(world.rng.normal(0.0, 0.002 * self.level, self.points))
        drift = np.random.default_rng(seed_of(self.name, "drift", conditions.run))
        level = self.level * float(np.clip(1.0 + 0.04 * drift.normal(), 0.9, 1.1))
        wave = np.cumsum(world.rng.normal(0.0, 0.003, self.points))
        jitter = world.rng.normal(0.0, 0.01, self.points)
        return level * (1.0 + np.clip(wave, -0.05, 0.05) + jitter)

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """See ``Pad.spoil``."""
        everywhere = np.ones(values.shape, bool)
        match fault.kind:
            case "empty":
                return np.full_like(values, np.nan), everywhere
            case "noise":
                depth = 0.6 + 0.4 * (fault.strength or 0.0)
                return values * (1.0 - depth * rng.random(values.shape)), everywhere
        raise ValueError(f"a rate knows no fault {fault.kind}")

    def prepare(self, image: Pixels, frame: Frame) -> None:
        """See ``Pad.prepare``."""
        prepare_axes(image, frame, self.axes)
        canvas.numbers_y(image, frame, 0.0, self.axes.y_high, 6)

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """See ``Pad.paint``."""
        known = np.isfinite(values)
        x = frame.left + (np.arange(len(values)) + 0.5) * (frame.width / len(values))
        y = frame.bottom - np.minimum(values / self.axes.y_high, 1.0) * frame.height
        line = np.round(np.stack([x[known], y[known]], axis=1)).astype(np.int32)
        if len(line):
            cv2.polylines(image, [line], isClosed=False, color=self.colour, thickness=3)
        for point in line:
            cv2.circle(image, (int(point[0]), int(point[1])), 5, self.colour, -1)
        outline(image, frame, self.axes)
        canvas.ticks_y(image, frame, 0.0, self.axes.y_high, 6)

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """See ``Pad.boxes``."""
        return column_boxes(frame, mask)
