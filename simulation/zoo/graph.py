"""Points against time, run or channel: rates, yields, efficiencies."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation.drawing import Pixels
from simulation.zoo import axes
from simulation.zoo.axes import Axis, Box
from simulation.zoo.course import MOST, Course
from simulation.zoo.dice import Dice, Floats, Moment, Trouble
from simulation.zoo.drawn import Mask
from simulation.zoo.look import Look
from simulation.zoo.reading import Reading

Places = NDArray[np.int32]
RED: Final = (214, 39, 40)
REACH: Final = 7
"""Rows and columns, of a canvas of 640 x 480, that a region extends beyond a point."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Points with or without errors and lines."""

    course: Course
    x: Axis
    """For graphs that grow with the run, of the longest run."""
    reach: tuple[float, float] | None
    """Fixed range of the y axis relative to the level; none follows the points."""
    from_zero: bool
    headroom: float
    """Top of an axis that follows the points, relative to the highest or the usual one."""
    limits: float
    """Limit lines so far above and below the level, relative; 0 draws none."""
    errors: bool
    lines: bool
    title: str
    x_title: str
    y_title: str

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have; a wrong scale shows on a fixed axis only."""
        fixed = self.reach is not None and self.reach[0] <= 0.0
        return self.course.faults + (("wrong-scale", "empty") if fixed else ())

    @property
    def coloured(self) -> bool:
        """Graphs have no colour bar."""
        return False

    def renamed(self, suffix: str) -> "Graph":
        """Give the same pad with something added to its title."""
        return replace(self, title=f"{self.title} {suffix}")

    def untitled(self) -> "Graph":
        """Give the same pad without its title."""
        return replace(self, title="")

    def read(self, moment: Moment, dice: Dice, trouble: Trouble | None) -> Reading:
        """Draw the points."""
        chance = dice.normal(MOST)
        luck = dice.uniform(MOST)
        expected = self.course.expected(moment, luck, trouble)
        spread = self.course.spread(expected, trouble)
        return Reading(expected, np.maximum(expected + spread * chance[: expected.size], 0.0))

    def prepare(self, image: Pixels, box: Box, look: Look) -> None:
        """Paint the inside and the titles."""
        axes.open_frame(image, box, look)
        axes.y_title(image, box, look, self.y_title)
        axes.pad_title(image, box, look, self.title)
        if not self.course.grows:
            axes.x_axis(image, box, look, self.x, self.x_title)

    def paint(self, image: Pixels, box: Box, look: Look, reading: Reading, zoom: float) -> None:
        """Paint axes and points."""
        if self.course.grows:
            axes.x_axis(image, box, look, self._x_axis(reading.values.size), self.x_title)
        axis = self._y_axis(reading.values, zoom)
        axes.y_grid(image, box, look, axis)
        axes.close_frame(image, box, look)
        axes.y_axis(image, box, look, axis)
        self._limits(image, box, axis)
        x, y, inside = self._pixels(box, axis, reading.values)
        if self.lines:
            line = np.stack([x, np.clip(y, box.top, box.bottom)], axis=1)
            cv2.polylines(image, [line], False, look.line, max(1, look.thickness - 1), cv2.LINE_AA)
        if self.errors:
            half = self.course.noise * self.course.level
            _, low, _ = self._pixels(box, axis, np.maximum(reading.values - half, 0.0))
            _, high, _ = self._pixels(box, axis, reading.values + half)
            ends = np.clip(np.stack([low, high]), box.top, box.bottom).T.tolist()
            for column, (a, b), shown in zip(x.tolist(), ends, inside.tolist(), strict=True):
                if shown:
                    cv2.line(image, (column, a), (column, b), look.line, 1)
        if not self.lines or look.marker > 4:
            for column, row in zip(x[inside].tolist(), y[inside].tolist(), strict=True):
                _mark(image, (column, row), look)

    def _limits(self, image: Pixels, box: Box, axis: Axis) -> None:
        """Paint the limits between which the quantity should be."""
        if self.limits:
            level = self.course.level * np.array([1 - self.limits, 1 + self.limits])
            for share in axis.share(level).tolist():
                if 0.0 < share < 1.0:
                    y = round(box.bottom - share * box.height)
                    cv2.line(image, (box.left, y), (box.right, y), RED, 1)

    def place(self, box: Box, look: Look, good: Reading, bad: Reading) -> Mask:  # noqa: ARG002
        """Tell where two readings differ: from where the points should be to where they are."""
        mask = np.zeros((box.height, box.width), bool)
        axis = self._y_axis(bad.values, 1.0)
        frame = Box(0, 0, box.width, box.height)
        x, was, _ = self._pixels(frame, axis, good.values)
        _, now, _ = self._pixels(frame, axis, bad.values)
        gap = np.abs(bad.values - good.values)
        reached = gap > max(0.1 * gap.max(initial=0.0), 1e-9)
        for i in np.flatnonzero(reached).tolist():
            low, high = sorted((int(was[i]), int(now[i])))
            rows = slice(max(0, low - REACH), max(0, high + REACH))
            mask[rows, max(0, int(x[i]) - REACH) : max(0, int(x[i]) + REACH)] = True
        return mask

    def significance(self, good: Reading, bad: Reading) -> float:
        """Tell by how many standard deviations of a point two readings differ."""
        sigma = self.course.noise * self.course.level + 0.01 * self.course.level
        return float(np.sqrt(np.sum(((bad.values - good.values) / sigma) ** 2)))

    def _x_axis(self, count: int) -> Axis:
        if not self.course.grows:
            return self.x
        length = (self.x.high - self.x.low) * count / self.course.longest
        return Axis(self.x.low - 0.04 * length, self.x.low + 1.04 * length)

    def _y_axis(self, values: Floats, zoom: float) -> Axis:
        level = self.course.level
        if self.reach is not None:
            low, high = self.reach
            return Axis(low * level, (low + (high - low) * zoom) * level)
        top = float(values.max(initial=0.0)) if values.size else level
        top = top if top > 0 else 1.0
        if self.from_zero:
            return Axis(0.0, top * self.headroom * zoom)
        low = float(values.min(initial=top))
        margin = max(0.06 * (top - low), 0.01 * level)
        return Axis(low - margin * zoom, top + margin * zoom**3)

    def _pixels(self, box: Box, axis: Axis, values: Floats) -> tuple[Places, Places, Mask]:
        """Give columns, rows, and which points lie inside the frame."""
        places = (np.arange(values.size) + 0.5) / max(values.size, 1)
        if self.course.grows:
            places = (places + 0.04) / 1.08
        x = np.rint(box.left + places * box.width).astype(np.int32)
        share = axis.share(values)
        y = np.rint(box.bottom - np.clip(share, -2.0, 3.0) * box.height).astype(np.int32)
        return x, y, (share >= -0.01) & (share <= 1.01)


def _mark(image: Pixels, at: tuple[int, int], look: Look) -> None:
    """Paint one point."""
    radius = look.marker
    if look.mark == "disc":
        cv2.circle(image, at, radius, look.line, -1, cv2.LINE_AA)
    elif look.mark == "ring":
        cv2.circle(image, at, radius, look.line, 1, cv2.LINE_AA)
    elif look.mark == "square":
        corner = (at[0] - radius, at[1] - radius)
        cv2.rectangle(image, corner, (at[0] + radius, at[1] + radius), look.line, -1)
    else:
        shape = cv2.MARKER_CROSS if look.mark == "cross" else cv2.MARKER_TRIANGLE_UP
        cv2.drawMarker(image, at, look.line, shape, radius * 2 + 1, 1)
