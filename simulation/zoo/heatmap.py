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
from simulation.zoo.reading import Reading, moved, significance
from simulation.zoo.shape import Shape, Whole
from simulation.zoo.text import write


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
        self._edges: dict[tuple[int, int], Mask] = {}

    def of(self, box: Box) -> Whole:
        """Give the bins under the pixels of a frame, (height, width); -1 for none."""
        size = (box.height, box.width)
        if size not in self._kept:
            self._kept[size] = self._rule.labels(*size)
        return self._kept[size]

    def borders(self, box: Box) -> Mask:
        """Tell which pixels of a frame lie on a border of a cell, (height, width)."""
        size = (box.height, box.width)
        if size not in self._edges:
            tiles = self.of(box)
            edges = np.zeros(size, bool)
            edges[1:] |= tiles[1:] != tiles[:-1]
            edges[:, 1:] |= tiles[:, 1:] != tiles[:, :-1]
            self._edges[size] = edges
        return self._edges[size]

    def middles(self, box: Box) -> list[tuple[float, float, int]]:
        """Give column, row and index of each cell's middle."""
        tiles = self.of(box)
        found = []
        for index in np.unique(tiles[tiles >= 0]).tolist():
            rows, columns = np.nonzero(tiles == index)
            found.append((float(columns.mean()), float(rows.mean()), index))
        return found


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
    outlined: bool
    """Whether the borders of the cells are drawn."""
    numbered: bool
    """Whether the contents are written into the cells."""
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

    def untitled(self) -> "HeatMap":
        """Give the same pad without its title."""
        return replace(self, title="")

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
        if self.outlined:
            frame[self.tiles.borders(box)] = look.ink
        if self.numbered:
            self._write(image, box, look, values)
        axes.close_frame(image, box, look)
        if look.bar and values.any():
            axes.colour_bar(image, box, look, axis)
        if look.stats:
            lines = [("Entries", f"{values.sum():.7g}"), ("Mean", f"{values.mean():.4g}")]
            axes.stat_box(image, box, look, lines)

    def place(self, box: Box, look: Look, good: Reading, bad: Reading) -> Mask:
        """Tell where two readings differ: in these cells."""
        axis = self._axis(bad.values, 1.0)
        reached = moved(axis.share(good.expected), axis.share(bad.expected))
        if look.void is not None or self.log:
            few, many = np.sort(np.stack([good.expected, bad.expected]), axis=0)
            reached |= (few < 0.2) & (many > 2.0)
        return np.asarray(np.append(reached, False)[self.tiles.of(box)])

    def _write(self, image: Pixels, box: Box, look: Look, values: Floats) -> None:
        """Write the contents into the cells."""
        for x, y, index in self.tiles.middles(box):
            text = f"{values[index]:.0f}"
            at = (box.left + x, box.top + y)
            size = max(7, look.text * 2 // 3)
            write(image, text, *at, font=look.font, size=size, colour=look.ink, align=0.5)

    def significance(self, good: Reading, bad: Reading) -> float:
        """Tell by how many standard deviations two readings' expectations differ."""
        return significance(good, bad, self.shape.tolerance)

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
