"""What every pad of a canvas can do, and the places where pads stand."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation import canvas
from simulation.canvas import Frame
from simulation.detector import Detector, Floats
from simulation.drawing import Box, Conditions, Fault, Pixels

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axes:
    """Title and axes of a pad."""

    title: str
    x: str = ""
    y: str = ""
    low: float = 0.0
    """Value at the left end."""
    high: float = 1.0
    """Value at the right end."""
    y_high: float = 1.0
    """Value at the upper end, where it does not follow the data."""
    y_low: float = 0.0
    divisions: int = 8
    """About how many numbers along the lower axis."""


@dataclass(frozen=True, slots=True)
class World:
    """What a pad needs to fill itself."""

    conditions: Conditions
    detector: Detector
    rng: np.random.Generator
    """Source of the data's randomness; faults have one of their own."""


class Pad(Protocol):
    """One coordinate system of a canvas and the data in it."""

    @property
    def axes(self) -> Axes:
        """Title and axes."""
        ...

    @property
    def coloured(self) -> bool:
        """Whether a colour scale stands at its right."""
        ...

    def fill(self, world: World) -> Floats:
        """Draw the data of a healthy detector, one number per bin."""
        ...

    def spoil(self, fault: Fault, values: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
        """Apply a fault.

        Args:
            fault: Resolved, of a kind that this pad knows.
            values: What ``fill`` gave, not changed.
            rng: Source of randomness.

        Returns:
            The new values, and which bins the fault reached.
        """
        ...

    def prepare(self, image: Pixels, frame: Frame) -> None:
        """Paint what never changes."""
        ...

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """Paint the data and the numbers that follow it."""
        ...

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """Enclose the bins of a mask in boxes, in pixels of the canvas."""
        ...


def frames(rows: int, columns: int, pads: list[Pad]) -> list[Frame]:
    """Place pads on the canvas as ``TCanvas::Divide`` does.

    Args:
        rows: Rows of pads.
        columns: Pads in each row.
        pads: At most ``rows * columns`` of them, row by row.

    Returns:
        The box of each pad.
    """
    width = 1600 // columns
    height = (1200 - canvas.HEADER_PX) // rows
    text = {1: 26, 2: 20, 3: 18}.get(max(rows, columns), 15)
    if rows == 2 and columns == 1:
        text = 24
    result = []
    for index, pad in enumerate(pads):
        x = (index % columns) * width
        y = canvas.HEADER_PX + (index // columns) * height
        left = round(text * (4.8 if pad.axes.y else 3.4))
        right = round(text * 4.6) if pad.coloured else round(text * 1.6)
        top = round(text * 1.9)
        bottom = round(text * 3.0)
        result.append(Frame(x + left, y + top, width - left - right, height - top - bottom, text))
    return result


def prepare_axes(image: Pixels, frame: Frame, axes: Axes) -> None:
    """Paint a frame with its title, its labels and its lower axis."""
    size = frame.text
    cv2.rectangle(image, (frame.left, frame.top), (frame.right, frame.bottom), canvas.BLACK, 2)
    middle = frame.left + frame.width / 2
    canvas.write(image, axes.title, middle, frame.top - size * 0.6, size, align=0.5)
    canvas.write(image, axes.x, frame.right, frame.bottom + size * 2.5, size, align=1.0)
    if axes.y:
        canvas.write_upwards(image, axes.y, max(0, frame.left - round(size * 4.7)), frame.top, size)
    canvas.numbers_x(image, frame, axes.low, axes.high, divisions(frame, axes))


def divisions(frame: Frame, axes: Axes) -> int:
    """Give about how many numbers fit the lower axis."""
    return axes.divisions if frame.width > 350 else min(5, axes.divisions)


def outline(image: Pixels, frame: Frame, axes: Axes) -> None:
    """Paint the frame's line and the lower ticks over the data."""
    cv2.rectangle(image, (frame.left, frame.top), (frame.right, frame.bottom), canvas.BLACK, 2)
    canvas.ticks_x(image, frame, axes.low, axes.high, divisions(frame, axes))


def column_boxes(frame: Frame, mask: Mask) -> list[Box]:
    """Enclose runs of bins of a one-dimensional histogram, over the full height."""
    padded = np.concatenate(([False], mask, [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded))
    scale = frame.width / len(mask)
    return [
        (
            int(frame.left + first * scale),
            frame.top,
            max(1, round((last - first) * scale)),
            frame.height,
        )
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
