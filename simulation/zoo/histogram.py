"""A pad with a one-dimensional histogram."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from simulation.drawing import Pixels
from simulation.zoo import axes
from simulation.zoo.axes import Axis, Box
from simulation.zoo.colours import Colour
from simulation.zoo.dice import Dice, Floats, Moment, Trouble
from simulation.zoo.drawn import Mask
from simulation.zoo.look import Look
from simulation.zoo.reading import Reading, moved, significance
from simulation.zoo.shape import Shape

HEADROOM = 1.07
"""Top of the axis relative to the fullest bin; ROOT and matplotlib both take about this."""
LEAST = 5.0
"""Rows, of a canvas of 480, that a region extends beyond what changes."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bins, filled or as a line or as points with errors."""

    shape: Shape
    x: Axis
    log: bool
    manner: str
    """step, bars or points."""
    overlay: Colour | None
    """Colour of a smooth line through what was expected, as of a fit; none draws none."""
    title: str
    x_title: str
    y_title: str

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        return self.shape.faults

    @property
    def coloured(self) -> bool:
        """Histograms have no colour bar."""
        return False

    def renamed(self, suffix: str) -> "Histogram":
        """Give the same pad with something added to its title."""
        return replace(self, title=f"{self.title} {suffix}")

    def untitled(self) -> "Histogram":
        """Give the same pad without its title."""
        return replace(self, title="")

    def read(self, moment: Moment, dice: Dice, trouble: Trouble | None) -> Reading:
        """Draw the contents of the bins."""
        expected = self.shape.expected(moment, trouble) * moment.statistics
        return Reading(expected, dice.counts(expected))

    def prepare(self, image: Pixels, box: Box, look: Look) -> None:
        """Paint frame, lower axis and titles."""
        axes.open_frame(image, box, look)
        axes.x_axis(image, box, look, self.x, self.x_title)
        axes.y_title(image, box, look, self.y_title)
        axes.pad_title(image, box, look, self.title)

    def paint(self, image: Pixels, box: Box, look: Look, reading: Reading, zoom: float) -> None:
        """Paint bins, left axis and statistics."""
        axis = self._axis(reading.values, look, zoom)
        axes.y_grid(image, box, look, axis)
        rows = box.bottom - np.clip(axis.share(reading.values), 0.0, 1.0) * box.height
        if self.manner == "points":
            self._points(image, box, look, axis, reading.values)
        else:
            base = box.bottom - round(float(axis.share(np.zeros(1))[0]) * box.height)
            self._steps(image, box, look, rows, box.bottom if self.log else base)
        if self.overlay is not None:
            self._smooth(image, box, axis, reading.expected)
        axes.close_frame(image, box, look)
        axes.y_axis(image, box, look, axis)
        if look.stats:
            axes.stat_box(image, box, look, self._stats(reading.values)[: look.stats])

    def place(self, box: Box, look: Look, good: Reading, bad: Reading) -> Mask:
        """Tell where two readings differ: between the heights of their bins."""
        axis = self._axis(np.maximum(bad.values, 0), look, 1.0)
        shares = [np.clip(axis.share(r.expected), 0.0, 1.0) for r in (good, bad)]
        reached = moved(*shares)
        low = np.minimum(*shares) * box.height - LEAST
        high = np.maximum(*shares) * box.height + LEAST
        column = np.arange(box.width) * reached.size // box.width
        height = np.arange(box.height)[::-1, None]
        inside = (height >= low[column]) & (height <= high[column])
        return np.asarray(inside & reached[column])

    def significance(self, good: Reading, bad: Reading) -> float:
        """Tell by how many standard deviations two readings' expectations differ."""
        return significance(good, bad, self.shape.tolerance)

    def _axis(self, values: Floats, look: Look, zoom: float) -> Axis:
        top = float(values.max(initial=0.0))
        if self.log:
            return Axis(0.5, max(top, 1.0) * 2.0 * zoom**2, log=True)
        if top <= 0.0:
            return Axis(-0.05, 0.05) if look.style == "mpl" else Axis(0.0, 1.0)
        return Axis(0.0, top * HEADROOM * zoom)

    def _steps(self, image: Pixels, box: Box, look: Look, rows: Floats, base: int) -> None:
        edges = np.linspace(box.left, box.right, rows.size + 1)
        x = np.repeat(edges, 2)[1:-1]
        y = np.repeat(rows, 2)
        if self.manner == "bars":
            width = (edges[1] - edges[0]) * 0.15
            x[0::2] += width
            x[1::2] -= width
            x = np.repeat(x, 2)
            y = np.stack([np.full_like(rows, base), rows, rows], axis=1)
            y = np.concatenate([y, np.full((rows.size, 1), base)], axis=1).ravel()
        line = np.stack([x, y], axis=1)
        if look.fill is not None:
            ends = [[box.right, base], [box.left, base]]
            area = np.concatenate([line, ends])
            cv2.fillPoly(image, [np.rint(area).astype(np.int32)], look.fill)
        corners = np.concatenate([[[x[0], base]], line, [[x[-1], base]]])
        pixels = np.rint(corners).astype(np.int32)
        cv2.polylines(image, [pixels], False, look.line, look.thickness)

    def _smooth(self, image: Pixels, box: Box, axis: Axis, values: Floats) -> None:
        if self.overlay is not None:
            x = box.left + (np.arange(values.size) + 0.5) / values.size * box.width
            y = box.bottom - np.clip(axis.share(values), 0.0, 1.0) * box.height
            line = np.rint(np.stack([x, y], axis=1)).astype(np.int32)
            cv2.polylines(image, [line], False, self.overlay, 2, cv2.LINE_AA)

    def _points(self, image: Pixels, box: Box, look: Look, axis: Axis, values: Floats) -> None:
        error = np.sqrt(values)
        rows, lower, upper = (
            np.rint(box.bottom - np.clip(axis.share(v), 0.0, 1.0) * box.height).astype(int).tolist()
            for v in (values, values - error, values + error)
        )
        step = box.width / values.size
        radius = max(1, min(look.marker, round(step / 2)))
        for i, filled in enumerate((values > 0).tolist()):
            if filled:
                x = round(box.left + (i + 0.5) * step)
                cv2.line(image, (x, lower[i]), (x, upper[i]), look.line, 1)
                cv2.circle(image, (x, rows[i]), radius, look.line, -1, cv2.LINE_AA)

    def _stats(self, values: Floats) -> list[tuple[str, str]]:
        total = float(values.sum())
        places = np.linspace(self.x.low, self.x.high, values.size * 2 + 1)[1::2]
        mean = float(values @ places) / total if total else 0.0
        spread = float(values @ (places - mean) ** 2) / total if total else 0.0
        return [
            ("Entries", f"{total:.7g}"),
            ("Mean", f"{mean:.4g}"),
            ("Std Dev", f"{spread**0.5:.4g}"),
            ("Underflow", "0"),
            ("Overflow", "0"),
        ]
