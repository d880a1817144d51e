"""Emulated faults in a pad with a histogram."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.channel_map import Pad
from pipeline.vision.emulation_pixels import (
    Pixels,
    Region,
    bounds,
    boxes,
    commonest,
    fluctuations,
    is_dark,
    is_like,
    owners,
    rescaling,
)

HOT: Final = (6.0, 20.0)
"""How far a hot channel is above the fullest bin: least and most."""
LEAK_WIDTH: Final = (0.06, 0.09)
LEAK_HEIGHT: Final = (2.5, 4.5)
"""Width of a light leak as a share of the pad, height in units of the fullest bin."""
SHOWN_FROM: Final = 0.2
HV_LEFT: Final = 0.01
"""Share of the counts that is left without high voltage."""
SHIFT: Final = (0.16, 0.30)
"""Least and largest shift of a peak, as shares of the axis."""
RIM: Final = 3
"""Pixels beside the frame's lines that are not looked at."""
WIDEST: Final = 4
"""Most pixels of the outline of bars."""


@dataclass(frozen=True, slots=True)
class _Bars:
    """A histogram as it was read from its pixels."""

    edges: NDArray[np.int64]
    """(bins + 1,) columns within the pad."""
    cells: NDArray[np.int32]
    """(bins,) number of the cell in the map, -1 where the map has none."""
    tops: NDArray[np.float64]
    """(bins,) heights in pixels above the axis."""
    data: NDArray[np.bool_]
    """(h, w), pixels of bars."""
    fill: Pixels | None
    line: Pixels
    paper: Pixels
    width: int
    """Of the line, in pixels."""


def change_bars(
    image: Pixels,
    pad: Pad,
    reached: NDArray[np.bool_],
    *,
    kind: str,
    strength: float,
    position: float,
) -> list[Region]:
    """Change a histogram in place; arguments and result as of ``change_map``.

    Raises:
        InputError: There are no bars where the map says.
    """
    rows, columns = bounds(pad.box, image.shape)
    region = image[rows, columns]
    bars = _read(region, pad, image)
    hit, tops = _change(bars, reached, kind, strength, position)
    _paint(region, bars, tops)
    area = np.zeros(region.shape[:2], bool)
    for number in np.flatnonzero(hit):
        area[:, bars.edges[number] : bars.edges[number + 1]] = True
    return boxes(area, pad, image.shape)


def _read(region: Pixels, pad: Pad, image: Pixels) -> _Bars:
    paper = commonest(image)
    inner = np.zeros(region.shape[:2], bool)
    inner[RIM:-RIM, RIM:-RIM] = True
    plain = is_like(region, paper)
    grey = region.max(axis=-1).astype(int) - region.min(axis=-1) < RIM * 4
    candidates = inner & ~plain & ~(is_dark(region) & grey) & ~grey
    if not candidates.any():
        raise InputError(f"pad {pad.number}: expected coloured bars in its box, found none")
    first = commonest(region[candidates])
    rest = candidates & ~is_like(region, first)
    second = commonest(region[rest]) if rest.mean() > 0.0005 else first
    data = is_like(region, first) | is_like(region, second)
    heights = np.where(data.any(axis=0), region.shape[0] - data.argmax(axis=0), 0)
    below = np.arange(region.shape[0])[:, None] >= region.shape[0] - heights[None, :]
    filled = float(data[below].mean()) > 0.6 if below.any() else False
    edges, cells = _edges(pad, image, region.shape[1])
    tops = np.array([float(np.median(heights[_middle(a, b)])) for a, b in pairwise(edges)])
    line = second if filled and second is not first else first
    # Smoothed lines have a rim of mixed colours.
    rim = cv2.dilate(data.astype(np.uint8), np.ones((RIM, RIM), np.uint8)).astype(bool)
    data |= rim & ~plain & ~(is_dark(region) & grey)
    width = _line_width(is_like(region, line), edges)
    return _Bars(edges, cells, tops, data, first if filled else None, line, paper, width)


def _line_width(lines: NDArray[np.bool_], edges: NDArray[np.int64]) -> int:
    """Give how many pixels the outline of bars is wide, from the middles of their tops."""
    middles = lines[:, np.clip((edges[:-1] + edges[1:]) // 2, 0, lines.shape[1] - 1)]
    widths = middles.sum(axis=0)
    return int(np.clip(np.median(widths[widths > 0]), 1, WIDEST)) if widths.any() else 1


def _edges(pad: Pad, image: Pixels, width: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    if not pad.cells:
        edges = np.arange(RIM, width - RIM + 1)
        return edges, np.full(len(edges) - 1, -1, np.int32)
    owner = owners(pad, image.shape)
    line = owner[owner.shape[0] // 2]
    starts = np.flatnonzero(np.append(True, line[1:] != line[:-1]))
    return np.append(starts, width), line[starts]


def _middle(first: int, last: int) -> slice:
    rim = (last - first) // 4
    return slice(first + rim, max(first + rim + 1, last - rim))


def _change(
    bars: _Bars, reached: NDArray[np.bool_], kind: str, strength: float, position: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    tops, top = bars.tops, float(bars.tops.max(initial=0.0))
    known = bars.cells >= 0
    hit = known & np.append(reached, False)[bars.cells] if known.any() else ~known
    match kind:
        case "hot-channel":
            factor = HOT[0] + (HOT[1] - HOT[0]) * strength
            return hit, np.where(hit, top, tops / factor)
        case "light-leak":
            places = (np.arange(len(tops)) + 0.5) / len(tops)
            spread = LEAK_WIDTH[0] + (LEAK_WIDTH[1] - LEAK_WIDTH[0]) * strength
            shape = np.exp(-0.5 * ((places - position) / spread) ** 2)
            added = tops + shape * top * (
                LEAK_HEIGHT[0] + (LEAK_HEIGHT[1] - LEAK_HEIGHT[0]) * strength
            )
            return shape > SHOWN_FROM, added * (top / max(float(added.max()), 1.0))
        case "shift":
            return hit, _shifted(tops, strength, position)
        case "scale":
            return np.ones(len(tops), bool), tops / rescaling(strength)
        case "statistics":
            noise = fluctuations(len(tops), strength, position)
            wide = tops + noise * np.sqrt(np.maximum(tops * top, 0.0))
            return np.ones(len(tops), bool), np.clip(wide, 0.0, top)
        case _:
            left = np.where(hit, tops * HV_LEFT if kind == "hv-off" else 0.0, tops)
            most = float(left.max(initial=0.0))
            return hit, left * (top / most) if most > 0 else left


def _shifted(tops: NDArray[np.float64], strength: float, position: float) -> NDArray[np.float64]:
    share = SHIFT[0] + (SHIFT[1] - SHIFT[0]) * strength
    peak = float(tops.argmax()) / len(tops)
    sign = 1 if position < 0.5 else -1
    if not 0.05 < peak + sign * share < 0.95:
        sign = -sign
    return np.roll(tops, sign * round(share * len(tops)))


def _paint(region: Pixels, bars: _Bars, tops: NDArray[np.float64]) -> None:
    """Paint bars of new heights; what is neither bar nor paper stays on top."""
    height = region.shape[0]
    free = (bars.data | is_like(region, bars.paper)) & _columns(bars, tops, region.shape[1])
    layer = np.empty_like(region)
    layer[:] = bars.paper
    outline = np.empty((2 * len(tops) + 2, 2), np.int32)
    outline[:, 0] = np.repeat(bars.edges, 2)
    outline[1:-1, 1] = np.repeat(np.rint(height - tops).astype(np.int32), 2)
    outline[[0, -1], 1] = height
    if bars.fill is not None:
        cv2.fillPoly(layer, [outline], [int(v) for v in bars.fill])
    colour = [int(v) for v in bars.line]
    # OpenCV draws a line of thickness 2 three pixels wide.
    cv2.polylines(layer, [outline], isClosed=False, color=colour, thickness=max(1, bars.width - 1))
    region[free] = layer[free]


def _columns(bars: _Bars, tops: NDArray[np.float64], width: int) -> NDArray[np.bool_]:
    """Mark the columns (width,) that must be painted anew, with the sides of their bars."""
    columns = np.zeros(width, bool)
    for number in np.flatnonzero(np.abs(tops - bars.tops) > 0.5):
        first, last = bars.edges[number], bars.edges[number + 1]
        columns[max(0, first - bars.width) : last + bars.width] = True
    return columns
