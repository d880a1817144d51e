"""Emulated faults in a pad with a colour map."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.channel_map import Pad
from pipeline.vision.emulation_pixels import (
    NEAR,
    Pixels,
    Region,
    bounds,
    boxes,
    commonest,
    fluctuations,
    is_dark,
    is_like,
    owners,
    packed,
    rescaling,
)

KEPT: Final = -2
"""Level of a pixel that is no data: axis, grid, text."""
EMPTY: Final = -1
HOT: Final = (6.0, 20.0)
"""How far a hot channel is above the fullest bin: least and most."""
LEAK_WIDTH: Final = (0.06, 0.09)
"""Width of a light leak, as a share of the pad."""
LEAK_HEIGHT: Final = (2.5, 4.5)
"""Its height in units of the fullest bin."""
SHOWN_FROM: Final = 0.2
"""A leak shows where it has this share of its height."""
PAPER_SHARE: Final = 0.001
"""A pad that shows paper in more than this share of its bins leaves empty bins white."""
MOST_NONE: Final = 0.7
"""Largest share of channels without high voltage that show nothing at all."""
NEED_SCALE: Final = ("hot-channel", "light-leak", "scale", "statistics")
"""Changes of the contents of bins, which only the colour scale tells."""
FEWEST: Final = 5
"""Colours that a colour scale must have."""


def change_map(
    image: Pixels,
    pad: Pad,
    reached: NDArray[np.bool_],
    *,
    kind: str,
    strength: float,
    position: float,
) -> list[Region]:
    """Change a colour map in place.

    Args:
        image: (H, W, 3), changed.
        pad: The pad.
        reached: (cells,), which the fault concerns.
        kind: A kind of ``pipeline.vision.emulation``.
        strength: 0 to 1.
        position: 0 to 1.

    Returns:
        Boxes of what changed, in fractions of the image.

    Raises:
        InputError: The fault needs a colour scale and the map names none.
    """
    rows, columns = bounds(pad.box, image.shape)
    region = image[rows, columns]
    owner = owners(pad, image.shape)
    table = _table(image, pad)
    levels = _levels(region, owner, table, commonest(image))
    empty = _empty_colour(image, pad, levels, owner, table)
    hit = (owner >= 0) & (levels != KEPT) & np.append(reached, False)[owner]
    if kind in NEED_SCALE and table is None:
        raise InputError(f"pad {pad.number}: {kind} needs a row of kind scale in the channel map")
    match kind:
        case "hot-channel":
            new = _squeezed(levels, HOT[0] + (HOT[1] - HOT[0]) * strength)
            new[hit] = len(_known(table)) - 1
        case "light-leak":
            new, hit = _leak(levels, owner, len(_known(table)), strength, position)
        case "hv-off":
            left = EMPTY if table is None else _trace(owner, strength, position)
            new = np.where(hit & (levels >= 0), left, levels)
        case "scale":
            new = _squeezed(levels, rescaling(strength))
        case "statistics":
            new = _fluctuated(levels, owner, len(_known(table)), strength, position)
        case "shift":
            raise InputError(f"pad {pad.number}: a shift is for histograms")
        case _:
            new = np.where(hit, EMPTY, levels)
            new = new if table is None or kind == "empty" else _stretched(new, len(table))
    changed = (new != levels) & (levels != KEPT)
    region[changed & (new == EMPTY)] = empty
    if table is not None:
        coloured = changed & (new >= 0)
        region[coloured] = table[new[coloured]]
    return boxes(hit, pad, image.shape)


def _known(table: Pixels | None) -> Pixels:
    if table is None:
        raise InputError("expected a row of kind scale in the channel map")
    return table


def _table(image: Pixels, pad: Pad) -> Pixels | None:
    """Read the colours of the scale, lowest first; None without a scale."""
    if pad.scale is None:
        return None
    rows, columns = bounds(pad.scale, image.shape)
    strip = image[rows, columns]
    line = strip[:, strip.shape[1] // 2][::-1]
    line = line[~is_dark(line) | (line.max(axis=1) - line.min(axis=1) > NEAR)]
    codes = packed(line)
    fresh = np.append(True, codes[1:] != codes[:-1]) if len(codes) else np.zeros(0, bool)
    table: Pixels = np.asarray(line[fresh], np.uint8)
    if len(table) < FEWEST:
        raise InputError(
            f"pad {pad.number}: expected a colour scale of {FEWEST} colours or more,"
            f" found {len(table)}; see where the row of kind scale lies"
        )
    return table


def _levels(
    region: Pixels, owner: NDArray[np.int32], table: Pixels | None, paper: Pixels
) -> NDArray[np.int64]:
    """Give the place of each pixel in the colour scale, ``EMPTY`` or ``KEPT``."""
    if table is None:
        levels = np.where(is_dark(region), KEPT, 0)
    else:
        codes, where = np.unique(packed(region), return_inverse=True)
        colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
        apart = np.abs(colours[:, None] - table[None].astype(np.int64)).sum(axis=-1)
        nearest = np.where(apart.min(axis=1) <= NEAR, apart.argmin(axis=1), KEPT)
        levels = nearest[where.reshape(region.shape[:2])]
    levels = np.where(is_like(region, paper), EMPTY, levels)
    return np.where((owner < 0) & (levels != EMPTY), KEPT, levels)


def _empty_colour(
    image: Pixels,
    pad: Pad,
    levels: NDArray[np.int64],
    owner: NDArray[np.int32],
    table: Pixels | None,
) -> Pixels:
    if pad.empty is not None:
        return np.array(pad.empty, np.uint8)
    inside = levels[owner >= 0] if (owner >= 0).any() else levels
    # Paper between the bins of a full map shows how an empty one would look.
    shows_paper = float((inside == EMPTY).mean()) > PAPER_SHARE
    lowest = table is not None and not shows_paper and bool((inside == 0).any())
    return table[0] if table is not None and lowest else commonest(image)


def _squeezed(levels: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    return np.where(levels >= 0, ((levels + 0.5) / factor).astype(np.int64), levels)


def _stretched(levels: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Let the fullest bin that is left have the highest colour, as a plot does."""
    top = int(levels.max(initial=EMPTY))
    if top < 0 or top >= size - 1:
        return levels
    wide = ((levels + 0.5) * (size / (top + 1))).astype(np.int64)
    return np.where(levels >= 0, np.minimum(wide, size - 1), levels)


def _trace(owner: NDArray[np.int32], strength: float, position: float) -> NDArray[np.int64]:
    """Give what is left without high voltage: a count or so, the lowest colour, or none."""
    rng = np.random.default_rng(int(position * 1e9))
    none = rng.random(int(owner.max()) + 2) < MOST_NONE * strength
    return np.where(none, EMPTY, 0)[owner + 1]


def _fluctuated(
    levels: NDArray[np.int64],
    owner: NDArray[np.int32],
    size: int,
    strength: float,
    position: float,
) -> NDArray[np.int64]:
    """Let the content of every cell fluctuate, the square root of it more or less."""
    noise = fluctuations(int(owner.max()) + 2, strength, position)[owner + 1]
    values = (levels + 0.5) / size
    wide = values + noise * np.sqrt(np.maximum(values, 0.0))
    return np.where(levels >= 0, np.clip((wide * size).astype(np.int64), 0, size - 1), levels)


def _leak(
    levels: NDArray[np.int64],
    owner: NDArray[np.int32],
    size: int,
    strength: float,
    position: float,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    height, width = levels.shape
    data = (owner >= 0) & (levels >= 0)
    places = np.flatnonzero(data)
    if not len(places):
        raise InputError("expected data for light to leak into, found an empty pad")
    row, column = divmod(int(places[int(position * (len(places) - 1))]), width)
    y, x = np.mgrid[0:height, 0:width]
    spread = LEAK_WIDTH[0] + (LEAK_WIDTH[1] - LEAK_WIDTH[0]) * strength
    distance = np.hypot((x - column) / width, (y - row) / height) / spread
    shape = np.exp(-0.5 * distance**2)
    peak = LEAK_HEIGHT[0] + (LEAK_HEIGHT[1] - LEAK_HEIGHT[0]) * strength
    # One value a cell, as light reaches a channel as a whole.
    added = _by_cell(shape, owner) * peak
    values = np.where(data, (levels + 0.5) / size + added, 0.0)
    scaled = np.minimum((values / values.max() * size).astype(np.int64), size - 1)
    return np.where(data, scaled, levels), data & (added > SHOWN_FROM * peak)


def _by_cell(shape: NDArray[np.float64], owner: NDArray[np.int32]) -> NDArray[np.float64]:
    flat = owner.ravel() + 1
    sums = np.bincount(flat, shape.ravel())
    return (sums / np.maximum(np.bincount(flat), 1))[flat].reshape(shape.shape)
