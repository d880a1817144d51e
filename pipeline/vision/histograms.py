"""How high the bars of a plot type are, to tell a new axis from a fault.

A single hot bar rescales the axis of its histogram: all others shrink. What most bars
were multiplied by tells what became of the axis; only a bar that does not follow stands
out. Bars are measured by how much colour there is in a column, so that numbers, ticks
and frames do not count.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE: Final = 9
"""Columns of a histogram, or pixels of a group of colours, that are looked at."""
GREY: Final = 20
"""Difference of the largest and smallest of red, green and blue below which a pixel is grey."""
FEWEST: Final = 2
"""Columns with bars that make a histogram."""
PARTS: Final = 256
"""Parts of a pixel in which heights are kept."""
Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Histograms:
    """The histograms of a plot type; colour is the difference of a pixel's largest and smallest."""

    index: NDArray[np.int32]
    """(h, w) index of the histogram; B where there is none."""
    rows: Picture
    """(B, h) 1 for the rows of a histogram."""
    usual: Picture
    """(B, w) colour of a column, summed over the rows; 0 where there is no bar."""
    samples: NDArray[np.int32]
    """(B, SAMPLE) columns with bars, evenly spread; indices into ``usual``, flattened."""
    fill: NDArray[np.uint8]
    """(h, w) colour of a bar; 0 where there is no histogram."""
    tall: NDArray[np.uint16]
    """(h, w) usual height of the bar of a column, ``PARTS`` to a pixel."""
    above: NDArray[np.int16]
    """(h, w) pixels between the lower edge of the bars and that of a pixel."""

    @property
    def there(self) -> NDArray[np.bool_]:
        """(h, w) whether a pixel is of a histogram."""
        return self.index < len(self.rows)


def histograms_of(colours: Picture, panel: NDArray[np.int32], bars: list[int]) -> Histograms:
    """Measure the bars.

    Args:
        colours: (h, w, 3) usual colours.
        panel: (h, w) number of the panel.
        bars: Numbers of the panels that are histograms.
    """
    colour = np.ptp(colours, axis=-1)
    height, width = colour.shape
    fill, tall, above = (np.zeros(colour.shape, np.float32) for _ in range(3))
    index = np.full(colour.shape, -1, np.int32)
    rows: list[NDArray[np.bool_]] = []
    usual: list[Picture] = []
    samples: list[NDArray[np.int64]] = []
    for one in bars:
        here = panel == one
        inside = np.where(here, colour, 0.0)
        level = float(np.median(inside[inside >= GREY]))
        column = inside.sum(axis=0)
        standing = np.flatnonzero(column > level)
        if len(standing) < FEWEST:
            continue
        own = len(rows)
        # Rows that a bar fills hold its colour; the lowest may share a pixel with the frame.
        row = inside.max(axis=1)
        bottom = int(np.flatnonzero(row > level / 2)[-1])
        row[:bottom] = level
        index[here] = own
        fill[here] = np.broadcast_to(np.minimum(row, level)[:, None], colour.shape)[here]
        tall[here] = np.broadcast_to(inside[: bottom + 1].sum(axis=0) / level, colour.shape)[here]
        above[here] = np.broadcast_to(bottom - np.arange(height)[:, None], colour.shape)[here]
        rows.append(here.any(axis=1))
        usual.append(np.where(column > level, column, 0.0))
        chosen = np.linspace(0, len(standing) - 1, SAMPLE).round().astype(np.int64)
        samples.append(own * width + standing[chosen])
    return Histograms(
        index=np.where(index < 0, len(rows), index),
        rows=np.array(rows, np.float32).reshape(-1, height),
        usual=np.array(usual, np.float32).reshape(-1, width),
        samples=np.array(samples, np.int32).reshape(-1, SAMPLE),
        fill=np.rint(fill).astype(np.uint8),
        tall=np.rint(PARTS * tall).astype(np.uint16),
        above=above.astype(np.int16),
    )
