"""One-dimensional histograms in the manner of ROOT."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from simulation import canvas
from simulation.canvas import Frame
from simulation.cells import Cells
from simulation.detector import Floats
from simulation.drawing import Box, Fault, Pixels
from simulation.pads import Axes, Mask, World, column_boxes, outline, prepare_axes


@dataclass(frozen=True, slots=True)
class Colours:
    """Line and fill of a histogram, red, green and blue."""

    line: tuple[int, int, int]
    fill: tuple[int, int, int]


BLUE: Final = Colours((0, 0, 153), (153, 153, 255))
"""Source: ROOT's kBlue+2, its default line colour, and kBlue-9."""
RED: Final = Colours((153, 0, 0), (255, 153, 153))
GREEN: Final = Colours((0, 102, 0), (153, 255, 153))


@dataclass(frozen=True, eq=False)
class BarsPad:
    """A one-dimensional histogram with one or a few bins per channel."""

    axes: Axes
    cells: Cells
    colours: Colours = BLUE
    coloured: bool = False

    def fill(self, world: World) -> Floats:
        """See ``Pad.fill``."""
        return self.cells.fill(world)

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """See ``Pad.spoil``."""
        return self.cells.spoil(fault, values, rng)

    def prepare(self, image: Pixels, frame: Frame) -> None:
        """See ``Pad.prepare``."""
        prepare_axes(image, frame, self.axes)

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """See ``Pad.paint``."""
        paint_histogram(image, frame, values, self.axes, self.colours)

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """See ``Pad.boxes``."""
        return column_boxes(frame, mask)


def paint_histogram(
    image: Pixels,
    frame: Frame,
    values: Floats,
    axes: Axes,
    colours: Colours,
) -> None:
    """Paint a one-dimensional histogram with its left axis and its stat box.

    Source:
        ROOT ``THistPainter``: 5 % of room above the fullest bin; ours is below
        the stat box, which would else hide bins.
    """
    size = len(values)
    lines = statistics(values, axes) if frame.text >= 18 else statistics(values, axes)[:1]
    room = 1.0 - canvas.stat_height(frame, len(lines)) / frame.height
    high = 1.05 / room * (float(values.max(initial=0.0)) or 1.0)
    edges = np.round(frame.left + np.arange(size + 1) * (frame.width / size)).astype(np.int32)
    tops = np.round(frame.bottom - values / high * frame.height).astype(np.int32)
    line = np.empty((2 * size + 2, 2), np.int32)
    line[:, 0] = np.repeat(edges, 2)
    line[1:-1, 1] = np.repeat(tops, 2)
    line[[0, -1], 1] = frame.bottom
    cv2.fillPoly(image, [line], colours.fill)
    cv2.polylines(image, [line], isClosed=False, color=colours.line, thickness=2)
    outline(image, frame, axes)
    wanted = 6 if frame.height > 300 else 4
    canvas.ticks_y(image, frame, 0.0, high, wanted)
    canvas.numbers_y(image, frame, 0.0, high, wanted)
    canvas.stat_box(image, frame, lines)


def statistics(values: Floats, axes: Axes) -> list[tuple[str, str]]:
    """Give entries, mean and standard deviation as the stat box says them."""
    size = len(values)
    entries = float(values.sum())
    centres = axes.low + (np.arange(size) + 0.5) * ((axes.high - axes.low) / size)
    mean = float(values @ centres) / entries if entries else 0.0
    spread = float(values @ (centres - mean) ** 2) / entries if entries else 0.0
    return [
        ("Entries", f"{entries:.0f}"),
        ("Mean", f"{mean:.4g}"),
        ("Std Dev", f"{spread**0.5:.4g}"),
    ]
