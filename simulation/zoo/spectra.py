"""Peaks, amplitude spectra and wire times: what each bin of a quantity counts."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulation.zoo.dice import Floats, Moment, Trouble
from simulation.zoo.shape import scatter

FAULTS: Final = (
    "shift",
    "double-peak",
    "width",
    "empty",
    "noise",
    "hot-cell",
    "wrong-scale",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One structure of a spectrum; places in shares of the axis."""

    at: float
    width: float
    height: float
    form: str
    """gauss, moyal (long tail upwards), tail (exponential from ``at``) or plateau."""

    def curve(self, x: Floats) -> Floats:
        """Evaluate it at places ``x``.

        Source:
            Moyal 1955, Phil. Mag. 46, 263: approximation of the Landau distribution.
        """
        pull = (x - self.at) / self.width
        if self.form == "gauss":
            values = np.exp(-0.5 * pull * pull)
        elif self.form == "moyal":
            values = np.exp(0.5 - 0.5 * (pull + np.exp(-np.clip(pull, -5.0, 50.0))))
        elif self.form == "tail":
            values = np.where(x >= self.at, np.exp(-np.maximum(pull, 0.0)), 0.0)
        else:
            edge = np.clip(np.abs(pull) * 20.0 - 20.0, -40.0, 40.0)
            values = 1.0 / (1.0 + np.exp(edge))
        return np.asarray(self.height * values)


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Lines above a floor."""

    bins: int
    lines: tuple[Line, ...]
    floor: float
    slope: float
    """Fall of the floor over the axis."""
    level: float
    """Counts of the highest bin, roughly."""
    drift: float
    """How far all lines move with the trend, as a share of the axis."""
    gain: bool
    """Places scale with the gain, as amplitudes do; else they only move."""
    jitter: float
    """How much the heights of the lines change relative to each other from image to image."""
    pedestal: bool
    """The first line is a pedestal: it stays when the signal is lost."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        more = ("gain-drift",) if self.gain else ()
        if self.pedestal or self.floor > 0.01:
            more = (*more, "lost-signal")
        return FAULTS + more

    @property
    def tolerance(self) -> float:
        """Relative change of a bin from image to image that is natural."""
        return 0.04 + 1.5 * self.jitter

    def expected(self, moment: Moment, trouble: Trouble | None) -> Floats:
        """Give expected counts at nominal statistics."""
        x = (np.arange(self.bins) + 0.5) / self.bins
        moved = moment.trend * self.drift + 0.15 * self.drift * moment.wobble
        lines = [self._moved(line, moved) for line in self.lines]
        for i, line in enumerate(lines):
            height = line.height * math.exp(self.jitter * moment.wobble * math.cos(2.4 * i))
            lines[i] = replace(line, height=height)
        floor = self.floor
        if trouble is not None:
            lines, floor = self._bend(lines, floor, trouble)
        values = np.full(self.bins, 0.0) + floor * np.exp(-self.slope * x)
        for line in lines:
            values += line.curve(x)
        values *= self.level
        return values if trouble is None else _spoil(values, trouble, self.level)

    def _moved(self, line: Line, by: float) -> Line:
        if self.gain:
            return Line(line.at * (1 + 3 * by), line.width * (1 + 3 * by), line.height, line.form)
        return Line(line.at + by, line.width, line.height, line.form)

    def _bend(self, lines: list[Line], floor: float, trouble: Trouble) -> tuple[list[Line], float]:
        """Apply the faults that act on lines."""
        rng = trouble.rng
        main = max(range(len(lines)), key=lambda i: lines[i].height)
        width = lines[main].width
        if trouble.fault == "shift":
            by = max(2.5 * self.drift, width * trouble.between(0.7, 5.0), 0.015) * trouble.sign()
            by = min(by, 0.35) if by > 0 else max(by, -0.35)
            if not 0.03 < lines[main].at + by < 0.97:
                by = -by
            chosen = range(len(lines)) if rng.random() < 0.7 else (main,)
            for i in chosen:
                line = lines[i]
                lines[i] = Line(line.at + by, line.width, line.height, line.form)
        elif trouble.fault == "double-peak":
            line = lines[main]
            by = max(3.0 * width, 0.03) * rng.uniform(0.8, 1.6) * trouble.sign()
            by = by if 0.03 < line.at + by < 0.97 else -by
            height = line.height * trouble.between(0.12, 0.9)
            lines.append(Line(line.at + by, line.width, height, line.form))
        elif trouble.fault == "width":
            factor = trouble.between(1.35, 4.0)
            factor = factor if rng.random() < 0.7 else 1.0 / factor
            line = lines[main]
            height = line.height / (factor if rng.random() < 0.6 else 1.0)
            lines[main] = Line(line.at, line.width * factor, height, line.form)
        elif trouble.fault in ("wrong-scale", "gain-drift"):
            wide = trouble.fault == "wrong-scale"
            factor = trouble.between(1.6, 3.5) if wide else trouble.between(1.12, 1.6)
            factor = factor if rng.random() < 0.4 else 1.0 / factor
            lines = [
                Line(line.at * factor, line.width * factor, line.height / factor, line.form)
                for line in lines
            ]
        elif trouble.fault == "lost-signal":
            keep = trouble.between(0.4, 0.02)
            for i in range(1 if self.pedestal else 0, len(lines)):
                line = lines[i]
                if line.form == "tail":
                    lines[i] = Line(line.at, line.width * keep, line.height, line.form)
                else:
                    lines[i] = Line(line.at, line.width, line.height * keep, line.form)
        elif trouble.fault == "noise" and rng.random() < 0.5:
            floor += trouble.between(0.08, 1.0)
        return lines, floor


def _spoil(values: Floats, trouble: Trouble, level: float) -> Floats:
    """Apply the faults that act on bins."""
    rng = trouble.rng
    if trouble.fault == "empty":
        values = values * (0.0 if rng.random() < 0.6 else 3.0 / max(values.sum(), 1.0))
    elif trouble.fault == "hot-cell":
        values[rng.integers(values.size)] += level * trouble.between(0.5, 8.0)
    elif trouble.fault == "noise":
        values = scatter(trouble, values)
    return values


def peaks(rng: np.random.Generator) -> Spectrum:
    """Draw a spectrum of one to four peaks at random, such as a time or a mass."""
    count = int(rng.choice([1, 1, 1, 1, 2, 2, 3, 4]))
    centres = rng.uniform(0.2, 0.8, count) if count > 1 else [rng.uniform(0.3, 0.7)]
    width = float(np.exp(rng.uniform(np.log(0.008), np.log(0.12))))
    lines = [
        Line(
            float(at),
            width * rng.uniform(0.7, 1.5),
            1.0 if i == 0 else rng.uniform(0.1, 0.9),
            "gauss" if rng.random() < 0.85 else "moyal",
        )
        for i, at in enumerate(centres)
    ]
    if rng.random() < 0.3:
        lines.append(Line(lines[0].at, width * rng.uniform(2, 5), rng.uniform(0.03, 0.3), "gauss"))
    floor = float(rng.choice([0.0, 0.0, 0.005, 0.03, 0.1, 0.4]))
    bins = round(np.exp(rng.uniform(np.log(40), np.log(300))))
    level = np.exp(rng.uniform(np.log(80), np.log(20_000)))
    drift = width * rng.uniform(0.0, 0.25)
    slope = float(rng.choice([0.0, 0.0, 1.0, 3.0]))
    jitter = float(rng.choice([0.0, 0.0, 0.08, 0.2])) if len(lines) > 1 else 0.0
    return Spectrum(bins, tuple(lines), floor, slope, level, drift, False, jitter, False)


def amplitudes(rng: np.random.Generator) -> Spectrum:
    """Draw an amplitude spectrum at random: pedestal, minimum ionising peak, tail."""
    lines = []
    pedestal = rng.random() < 0.6
    start = rng.uniform(0.01, 0.12)
    if pedestal:
        lines.append(Line(start, rng.uniform(0.004, 0.02), rng.uniform(0.5, 1.0), "gauss"))
    choice = rng.random()
    if choice < 0.55:
        at = rng.uniform(0.25, 0.5)
        lines.append(Line(at, at * rng.uniform(0.08, 0.25), rng.uniform(0.15, 1.0), "moyal"))
    if choice > 0.35:
        fall = np.exp(rng.uniform(np.log(0.03), np.log(0.25)))
        lines.append(Line(start * 0.6, fall, rng.uniform(0.15, 1.0), "tail"))
        if rng.random() < 0.4:
            lines.append(Line(start * 0.6, fall * 3, lines[-1].height * 0.1, "tail"))
    bins = round(np.exp(rng.uniform(np.log(50), np.log(300))))
    level = np.exp(rng.uniform(np.log(300), np.log(60_000)))
    drift = rng.uniform(0.0, 0.012)
    jitter = float(rng.choice([0.0, 0.05, 0.2]))
    return Spectrum(bins, tuple(lines), 0.0, 0.0, level, drift, True, jitter, pedestal)


def wires(rng: np.random.Generator) -> Spectrum:
    """Draw a time spectrum of few bins at random: a plateau, often with a peak on it."""
    centre, half = rng.uniform(0.35, 0.65), rng.uniform(0.12, 0.35)
    lines = [Line(centre, half, rng.uniform(0.3, 1.0), "plateau")]
    if rng.random() < 0.7:
        lines.append(Line(centre, half * rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.8), "gauss"))
    if rng.random() < 0.5:
        at = centre + rng.uniform(-0.5, 0.5) * half
        lines.append(Line(at, 0.02, rng.uniform(0.3, 1.2), "gauss"))
    if rng.random() < 0.3:
        lines.append(Line(centre - half, half * rng.uniform(0.3, 1.0), rng.uniform(0.3, 1), "tail"))
    bins = int(rng.integers(10, 60))
    level = np.exp(rng.uniform(np.log(200), np.log(500_000)))
    drift = rng.uniform(0.0, 0.008)
    floor = rng.uniform(0.0, 0.1)
    jitter = float(rng.choice([0.0, 0.05, 0.15, 0.3]))
    return Spectrum(bins, tuple(lines), floor, 0.0, level, drift, False, jitter, False)
