"""What must be known of a plot type to tell a new scale from a fault.

A single hot bin rescales the colour axis of its panel: every other bin gets another
colour, and all of them depart from the normal. What happened to bins of one usual
colour then tells what became of that colour; only a bin that became something else
stands out. This module groups the pixels of the maps by their usual colour, once,
from the Good images; ``pipeline.vision.histograms`` measures bars. ``pipeline.vision.focus``
compares each image in the graph.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.vision.histograms import GREY, SAMPLE, Histograms, histograms_of
from pipeline.vision.panels import panels_of, paper_of
from pipeline.vision.reference import SPREAD_FLOOR

GROUP: Final = 128
"""Most pixels that are one colour."""
PLAIN: Final = 12
"""Grey levels from the colour of the paper below which a pixel is paper."""
STILL: Final = 1.5
"""Spread of Good images, in grey levels, below which a pixel never changes: colour bars,
filled bars."""
BARS: Final = 0.33
"""Share of the coloured pixels of a panel that never change from which it is a histogram: within
a bar nothing changes but its end, in a map everything does.

Source:
    Measured on 20 simulated plot types: 0.42 to 0.94 for histograms, at most 0.22 for maps.
"""
MOVING: Final = 0.5
"""A pixel spreads less than this share of its panel if it holds some of a frame or hole too."""
BESIDE_STILL: Final = 0.05
"""Weight of a pixel beside a colour bar: it may show some of it."""
ONE_COLOUR: Final = 8
"""Grey levels within which colours are not told apart."""
FEWEST: Final = 8
"""Pixels of pure colour that make a panel worth grouping by them alone."""
Picture = NDArray[np.float32]
Area = NDArray[np.bool_]
SQUARE: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Recolouring:
    """A plot type as the comparison needs it; pictures have a quarter of the input's sides."""

    mean: NDArray[np.uint8]
    """(h, w, 3) usual colour."""
    allowance: NDArray[np.uint8]
    """(h, w) largest allowance of the pixels within."""
    paper: Picture
    """(3,) colour of the empty canvas."""
    group: NDArray[np.int32]
    """(h, w) index of the group that tells what became of a pixel's colour; as many as there
    are groups outside of maps."""
    share: NDArray[np.uint8]
    """(h, w) how much of that colour a pixel holds, of 255; the rest stays."""
    weight: NDArray[np.uint8]
    """(h, w) how much a pixel counts in a panel of another scale, of 255; 0 outside."""
    samples: NDArray[np.int32]
    """(G, SAMPLE) indices of the pixels that stand for a group."""
    owner: NDArray[np.int32]
    """(G,) number of the panel of a group."""
    histograms: Histograms


def recolouring_of(
    mean: NDArray[np.uint8], allowance: NDArray[np.uint8], seed: int = 0
) -> Recolouring:
    """Sum up a plot type.

    Args:
        mean: (H, W, 5) mean of the views of Good images, H and W even.
        allowance: (H, W, 1) how far Good images differ.
        seed: Chooses the pixels that stand for a group.

    Returns:
        The groups and histograms; none of them where no panel is found.
    """
    rows, columns = mean.shape[0] // 2, mean.shape[1] // 2
    squares = (rows, 2, columns, 2)
    colours = mean[..., :3].astype(np.float32).reshape(*squares, 3).mean(axis=(1, 3))
    allowed = allowance[..., 0].astype(np.float32).reshape(squares)
    grouping = _Grouping(
        colours=colours,
        paper=paper_of(mean),
        panel=panels_of(mean).reshape(squares).max(axis=(1, 3)),
        spread=allowed.min(axis=(1, 3)) - np.float32(SPREAD_FLOOR),
        rng=np.random.default_rng(seed),
    )
    bars = histograms_of(colours, grouping.panel, grouping.bars)
    weight = np.where(bars.there, 1.0, grouping.weight)
    return Recolouring(
        mean=np.rint(colours).astype(np.uint8),
        allowance=allowed.max(axis=(1, 3)).astype(np.uint8),
        paper=grouping.paper,
        group=np.where(grouping.group < 0, len(grouping.owner), grouping.group),
        share=np.rint(255 * grouping.share).astype(np.uint8),
        weight=np.rint(255 * weight).astype(np.uint8),
        samples=np.array(grouping.samples, np.int32).reshape(-1, SAMPLE),
        owner=np.array(grouping.owner, np.int32),
        histograms=bars,
    )


class _Grouping:
    """Collects the groups of the maps, panel by panel."""

    def __init__(
        self,
        *,
        colours: Picture,
        paper: Picture,
        panel: NDArray[np.int32],
        spread: Picture,
        rng: np.random.Generator,
    ) -> None:
        self.colours, self.paper, self.panel = colours, paper, panel
        self._spread, self._rng = spread, rng
        self._plain = np.abs(colours - paper).max(axis=-1) < PLAIN
        self._coloured = np.ptp(colours, axis=-1) >= GREY
        self._still = spread <= STILL
        self._inner = cv2.erode((~self._plain).astype(np.uint8), SQUARE) > 0
        self.group = np.full(panel.shape, -1, np.int32)
        self.share = np.zeros(panel.shape, np.float32)
        self.weight = np.zeros(panel.shape, np.float32)
        self.samples: list[NDArray[np.int64]] = []
        self.owner: list[int] = []
        self.bars: list[int] = []
        for number in range(1, int(panel.max(initial=0)) + 1):
            here = panel == number
            coloured = here & self._coloured
            if not coloured.any():
                continue
            if self._still[coloured].mean() > BARS:
                self.bars.append(number)
            else:
                self._add(number, here)

    def _add(self, number: int, here: Area) -> None:
        live = here & ~self._plain & ~self._still
        if not live.any():
            return
        pure = live & self._inner & (self._spread >= MOVING * np.median(self._spread[live]))
        if pure.sum() < FEWEST:
            pure = live
        self.group[here] = len(self.samples)
        flat, spread = self.colours.reshape(-1, 3), self._spread.ravel()
        usual_spread = np.zeros(self.panel.shape, np.float32)
        for members in median_cut(np.flatnonzero(pure), flat):
            self.group.ravel()[members] = len(self.samples)
            usual_spread.ravel()[members] = np.median(spread[members])
            self.samples.append(
                self._rng.choice(members, SAMPLE, replace=len(members) < SAMPLE).astype(np.int64)
            )
            self.owner.append(number)
        self.share[pure] = 1.0
        rest = here & ~self._plain & ~pure
        usual_spread[rest] = self._mix(rest, pure, usual_spread)
        self._weigh(here, usual_spread)

    def _mix(self, rest: Area, pure: Area, usual_spread: Picture) -> Picture:
        """Give mixed pixels the group of the nearest pure one, and how much of it they hold."""
        _, labels = cv2.distanceTransformWithLabels(
            (~pure).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        pixel_of = np.zeros(int(labels.max()) + 1, np.int64)
        pixel_of[labels[pure]] = np.flatnonzero(pure)
        near = pixel_of[labels[rest]]
        self.group[rest] = self.group.ravel()[near]
        full = self.colours.reshape(-1, 3)[near] - self.paper
        part = self.colours[rest] - self.paper
        length = np.maximum((full * full).sum(axis=1), 1.0)
        self.share[rest] = np.clip((full * part).sum(axis=1) / length, 0.0, 1.0)
        return np.asarray(usual_spread.ravel()[near], np.float32)

    def _weigh(self, here: Area, usual_spread: Picture) -> None:
        """Let a pixel count by the share of its usual variance that it shows."""
        part = np.clip(self._spread / np.maximum(usual_spread, 1.0), 0.0, 1.0)
        bar = (here & self._still & self._coloured).astype(np.uint8)
        level = np.where(cv2.dilate(bar, SQUARE) > 0, np.minimum(part**2, BESIDE_STILL), part**2)
        data = here & self._coloured & ~self._plain
        self.weight[data] = level[data]


def median_cut(members: NDArray[np.int64], colours: Picture) -> list[NDArray[np.int64]]:
    """Divide pixels into groups of like colour.

    Args:
        members: Indices of the pixels.
        colours: (N, 3) of all pixels.

    Returns:
        Groups of at most ``GROUP`` pixels, or of one colour.

    Source:
        Heckbert 1982, Color image quantization for frame buffer display (median cut).
    """
    if len(members) <= GROUP:
        return [members]
    mine = colours[members]
    widths = np.ptp(mine, axis=0)
    if widths.max() < ONE_COLOUR:
        return [members]
    order = members[np.argsort(mine[:, int(widths.argmax())], kind="stable")]
    middle = len(order) // 2
    return [*median_cut(order[:middle], colours), *median_cut(order[middle:], colours)]
