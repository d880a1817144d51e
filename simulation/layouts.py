"""Which channel reads which bin: the geometries that several plots share."""

import numpy as np

from simulation.cells import Cells, MapPad, grid
from simulation.detector import Floats, Ints
from simulation.histogram import BLUE, BarsPad, Colours
from simulation.pads import Axes


def blocks(rows: int, columns: int, high: int, wide: int, first: int = 0) -> Ints:
    """Let each channel read a block of bins.

    Args:
        rows: Bins up the map.
        columns: Bins across.
        high: Bins of one channel up the map.
        wide: Bins of one channel across.
        first: Number of the first channel.

    Returns:
        (rows, columns), channel numbers growing across, then up.
    """
    row, column = np.mgrid[0:rows, 0:columns]
    across = -(-columns // wide)
    return np.asarray(first + (row // high) * across + column // wide, dtype=np.intp)


def slope(rows: int, columns: int, middle: float, edge: float) -> Floats:
    """Give counts that fall from the middle column to the edge rows and columns."""
    y, x = np.mgrid[0:rows, 0:columns]
    far = np.hypot((x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5) / 0.7071
    return np.asarray(middle + (edge - middle) * far, dtype=np.float64)


def bars(
    axes: Axes,
    counts: Floats,
    *,
    per_channel: int = 1,
    first: int = 0,
    colours: Colours = BLUE,
) -> BarsPad:
    """Make a histogram of counts by channel number.

    Args:
        axes: Title and axes.
        counts: Expected counts of each bin.
        per_channel: Bins that one read-out channel serves.
        first: Channel of the first bin.
        colours: Line and fill.
    """
    channel = first + np.arange(len(counts)) // per_channel
    return BarsPad(axes, grid(channel[None, :], counts[None, :]), colours)


def colour_map(axes: Axes, channel: Ints, counts: Floats, palette: str = "rainbow") -> MapPad:
    """Make a map of counts; arrays (rows, columns), first row at the bottom."""
    rows, columns = channel.shape
    return MapPad(axes, grid(channel, counts), (rows, columns), palette)


def rings(
    per_ring: tuple[int, ...], group_rings: int, arc: int, inner: float, sectors: int
) -> tuple[Ints, Floats, Ints, Ints]:
    """Group the cells of concentric rings into read-out channels.

    Args:
        per_ring: Cells of each ring, from inside.
        group_rings: Rings that one channel spans.
        arc: About how many cells along the ring one channel spans.
        inner: Inner radius relative to the outer.
        sectors: Wedges; a channel lies in one wedge only.

    Returns:
        Channel of each cell; x and y of each cell, (2, cells), 0 to 1; and of
        each channel its wedge and its layer.
    """
    channels: list[Ints] = []
    places: list[Floats] = []
    wedge: list[int] = []
    layer: list[int] = []
    first = 0
    for start in range(0, len(per_ring), group_rings):
        group = per_ring[start : start + group_rings]
        per_wedge = max(1, round(group[0] / sectors / arc))
        for offset, count in enumerate(group):
            turn = (np.arange(count) + 0.5) / count
            channels.append(first + (turn * per_wedge * sectors).astype(np.intp))
            radius = inner + (1.0 - inner) * (start + offset + 0.5) / len(per_ring)
            angle = 2.0 * np.pi * turn
            places.append(0.5 + 0.47 * radius * np.stack([np.cos(angle), np.sin(angle)]))
        wedge.extend(np.repeat(np.arange(sectors), per_wedge).tolist())
        layer.extend([start // group_rings] * (per_wedge * sectors))
        first += per_wedge * sectors
    return (
        np.concatenate(channels),
        np.concatenate(places, axis=1),
        np.array(wedge),
        np.array(layer),
    )


def ring_cells(channel: Ints, places: Floats, counts: Floats) -> Cells:
    """Make cells of a ring pad from what ``rings`` gave and the counts of each cell."""
    return Cells(channel, counts, places[0], places[1])
