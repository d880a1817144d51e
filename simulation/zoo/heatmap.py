"""A pad whose bins or cells are coloured by what they count."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from simulation.drawing import Pixels
from simulation.zoo import axes
from simulation.zoo.axes import Axis, Box
from simulation.zoo.dice import Dice, Floats, Moment, Trouble
from simulation.zoo.drawn import Mask
from simulation.zoo.look import Look
from simulation.zoo.reading import Reading, changed, significance
from simulation.zoo.shape import Shape, Whole


class Rule(Protocol):
    """Tells which bin lies where in a frame."""

    def labels(self, height: int, width: int) -> Whole:
        """Give the bins under the pixels of a frame, (height, width); -1 for none."""
        ...


class Grid:
    """Bins of equal size in rows and columns."""

    def __init__(self, columns: int, rows: int) -> None:
        """Take how many there are."""
        self._columns, self._rows = columns, rows

    def labels(self, height: int, width: int) -> Whole:
        """Give the bins under the pixels of a frame."""
        column = np.arange(width) * self._columns // width
        row = np.arange(height)[::-1] * self._rows // height
        return np.asarray(row[:, None] * self._columns + column, np.int64)


class Tiles:
    """Which bin lies under which pixel of a frame, kept once it is known."""

    def __init__(self, rule: Rule) -> None:
        """Take the rule that tells the bins of a frame of a size."""
        self._rule = rule
        self._kept: dict[tuple[int, int], Whole] = {}

    def of(self, box: Box) -> Whole:
        """Give the bins under the pixels of a frame, (height, width); -1 for none."""
        size = (box.height, box.width)
        if size not in self._kept:
            self._kept[size] = self._rule.labels(*size)
        return self._kept[size]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Cells, coloured."""

    shape: Shape
    tiles: Tiles
    x: Axis
    y: Axis
    log: bool
    from_zero: bool
    """Whether the colour scale begins at zero or at the lowest content."""
    title: str
    x_title: str
    y_title: str

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that it can have."""
        return self.shape.faults

    @property
    def coloured(self) -> bool:
        """It has a colour bar."""
        return True

    def renamed(self, suffix: str) -> "HeatMap":
        """Give the same pad with something added to its title."""
        return replace(self, title=f"{self.title} {suffix}")

    def read(self, moment: Moment, dice: Dice, trouble: Trouble | None) -> Reading:
        """Draw the contents of the cells."""
        expected = self.shape.expected(moment, trouble) * moment.statistics
        return Reading(expected, dice.counts(expected))

    def prepare(self, image: Pixels, box: Box, look: Look) -> None:
        """Paint frame, both axes and titles."""
        axes.open_frame(image, box, look)
        axes.x_axis(image, box, look, self.x, self.x_title)
        axes.y_axis(image, box, look, self.y)
        axes.y_title(image, box, look, self.y_title)
        axes.pad_title(image, box, look, self.title)

    def paint(self, image: Pixels, box: Box, look: Look, reading: Reading, zoom: float) -> None:
        """Paint cells, colour bar and statistics."""
        axis = self._axis(reading.values, zoom)
        values = reading.values
        index = np.clip(axis.share(values) * 255.0, 0.0, 255.0).astype(np.uint8)
        colours = np.empty((values.size + 1, 3), np.uint8)
        colours[:-1] = look.table[index]
        if look.void is not None or self.log:
            colours[:-1][values <= 0] = look.inside if look.void is None else look.void
        colours[-1] = look.inside
        frame = image[box.top : box.bottom, box.left : box.right]
        np.take(colours, self.tiles.of(box), axis=0, out=frame, mode="wrap")
        axes.close_frame(image, box, look)
        if look.bar and values.any():
            axes.colour_bar(image, box, look, axis)
        if look.stats:
            lines = [("Entries", f"{values.sum():.7g}"), ("Mean", f"{values.mean():.4g}")]
            axes.stat_box(image, box, look, lines)

    def place(self, box: Box, look: Look, good: Reading, bad: Reading) -> Mask:  # noqa: ARG002
        """Tell where two readings differ: in these cells."""
        reached = np.append(changed(good, bad), False)
        return np.asarray(reached[self.tiles.of(box)])

    def significance(self, good: Reading, bad: Reading) -> float:
        """Tell by how many standard deviations two readings' expectations differ."""
        return significance(good, bad, 0.05)

    def _axis(self, values: Floats, zoom: float) -> Axis:
        top = float(values.max(initial=0.0))
        if top <= 0.0:
            return Axis(0.0, 1.0)
        filled = values[values > 0]
        low = float(filled.min())
        if self.log:
            return Axis(low * 0.8, max(top, low * 2.0) * zoom, log=True)
        if not self.from_zero and low < 0.9 * top:
            return Axis(low, top * zoom)
        return Axis(0.0, top * zoom)
