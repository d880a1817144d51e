"""Bins on concentric rings, seen along the beam."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation import canvas
from simulation.canvas import Frame
from simulation.cells import Cells, components, levels
from simulation.detector import Floats
from simulation.drawing import Box, Fault, Pixels
from simulation.pads import Axes, Mask, World, outline, prepare_axes
from simulation.palette import PALETTES


@dataclass(frozen=True, eq=False)
class RingPad:
    """Cells on concentric rings, seen along the beam."""

    axes: Axes
    cells: Cells
    per_ring: tuple[int, ...]
    """Cells of each ring, from inside."""
    inner: float
    """Inner radius of the first ring as a share of the outer radius of the last."""
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

    def _spread(self, frame: Frame, colours: Pixels) -> Pixels:
        """Colour each pixel as its cell; ``colours`` has one entry more, for no cell."""
        rows = -(-len(colours) // 64)
        strip = np.zeros((rows * 64, *colours.shape[1:]), np.uint8)
        strip[: len(colours)] = colours
        source = strip.reshape(rows, 64, *colours.shape[1:])
        places = ring_map(frame, self.per_ring, self.inner)
        spread: Pixels = cv2.remap(source, places, None, cv2.INTER_NEAREST)
        return spread

    def paint(self, image: Pixels, frame: Frame, values: Floats) -> None:
        """See ``Pad.paint``."""
        table = PALETTES[self.palette]
        high = float(values.max(initial=0.0)) or 1.0
        colours = np.full((len(values) + 1, 3), 255, np.uint8)
        colours[:-1] = table[levels(values, high)]
        image[frame.top : frame.bottom, frame.left : frame.right] = self._spread(frame, colours)
        outline(image, frame, self.axes)
        canvas.ticks_y(image, frame, self.axes.y_low, self.axes.y_high, 6)
        canvas.colour_bar(image, frame, table, high)

    def area(self, frame: Frame, mask: Mask) -> Pixels:
        """Mark the pixels of some cells with 1, in the frame's size."""
        return self._spread(frame, np.append(mask, False).astype(np.uint8))

    def boxes(self, frame: Frame, mask: Mask) -> list[Box]:
        """See ``Pad.boxes``."""
        area = self._spread(frame, np.append(mask, False).astype(np.uint8))
        return [(frame.left + x, frame.top + y, w, h) for x, y, w, h in components(area)]


@lru_cache(maxsize=4)
def ring_map(frame: Frame, per_ring: tuple[int, ...], inner: float) -> NDArray[np.int16]:
    """Find the cell under each pixel.

    Args:
        frame: The pad's box; the rings fill 94 % of its lower side.
        per_ring: Cells of each ring, from inside.
        inner: Inner radius of the first ring relative to the outermost.

    Returns:
        (height, width, 2), column and row of the cell in a strip 64 cells wide;
        pixels outside point to the entry after the last cell.
    """
    y, x = np.mgrid[0 : frame.height, 0 : frame.width].astype(np.float64)
    half = 0.47 * min(frame.width, frame.height)
    dx, dy = x - frame.width / 2, frame.height / 2 - y
    radius = np.hypot(dx, dy) / half
    turn = (np.arctan2(dy, dx) / (2 * np.pi)) % 1.0
    ring = np.floor((radius - inner) / (1.0 - inner) * len(per_ring)).astype(int)
    counts = np.array(per_ring)
    starts = np.concatenate(([0], np.cumsum(counts)))
    inside = (ring >= 0) & (ring < len(per_ring))
    safe = np.clip(ring, 0, len(per_ring) - 1)
    index = starts[safe] + np.minimum((turn * counts[safe]).astype(int), counts[safe] - 1)
    index = np.where(inside, index, starts[-1])
    return np.stack([index % 64, index // 64], axis=2).astype(np.int16)
