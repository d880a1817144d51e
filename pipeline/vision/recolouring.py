"""What must be known of a plot type to tell a new colour scale from a fault.

A single hot bin rescales the colour axis of its panel: every other bin gets another
colour, and all of them depart from the normal. What happened to bins of one usual
colour then tells what became of that colour; only a bin that became something else
stands out. This module groups the pixels of the panels by their usual colour, once,
from the Good images. ``pipeline.vision.focus`` compares each image in the graph.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.vision.panels import panels_of

GROUP: Final = 128
"""Most pixels that are one colour."""
SAMPLE: Final = 15
"""Pixels of a group that are looked at; odd, so that one of them is the median."""
PLAIN: Final = 12
"""Grey levels from the colour of the paper below which a pixel is paper."""
GREY: Final = 20
"""Difference of the largest and smallest of red, green and blue below which a pixel is grey."""
STILL: Final = 7.5
"""Allowance below which a pixel never changes in Good images: colour bars, filled bars."""
BESIDE_STILL: Final = 0.25
"""Weight of a pixel beside such a one in a map: it may show some of both."""
ONE_COLOUR: Final = 8
"""Grey levels within which colours are not told apart."""
FEWEST: Final = 8
"""Pixels of pure colour that make a panel worth grouping by them alone."""
MAP_LIMIT: Final = 60.0
"""Mean change of the colours of a map, in grey levels, from which its scale is another.

Source:
    Measured on 21 simulated plot types: at most 50 for losses on 20 of them and 78 on one
    with few counts; at least 104 for hot channels and light leaks.
"""
BAR_LIMIT: Final = 64.0
"""The same for histograms, whose fill is pale.

Source:
    Likewise: at most 26 for losses on 12 of 13 types and 67 on one; 68 to 100 for hot channels
    and light leaks, but 56 to 65 for light leaks of one type.
"""
Picture = NDArray[np.float32]
Area = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recolouring:
    """A plot type as the comparison needs it; pictures have a quarter of the input's sides."""

    mean: NDArray[np.uint8]
    """(h, w, 3) usual colour."""
    allowance: NDArray[np.uint8]
    """(h, w) largest allowance of the pixels within."""
    paper: Picture
    """(3,) colour of the empty canvas."""
    panel: NDArray[np.uint8]
    """(h, w) number of the panel, 0 outside."""
    group: NDArray[np.int32]
    """(h, w) index of the group that tells what became of a pixel's colour."""
    share: NDArray[np.uint8]
    """(h, w) how much of that colour a pixel holds, of 255; the rest is paper."""
    weight: NDArray[np.uint8]
    """(h, w) how much a pixel counts, of 255; 0 outside of panels."""
    samples: NDArray[np.int32]
    """(G, SAMPLE) indices of the pixels that stand for a group."""
    owner: NDArray[np.int32]
    """(G,) number of the panel of a group."""
    limits: Picture
    """(panels,) mean change of colour from which the scale of a panel is another."""


def recolouring_of(
    mean: NDArray[np.uint8], allowance: NDArray[np.uint8], seed: int = 1
) -> Recolouring:
    """Group the pixels of a plot type by panel and usual colour.

    Args:
        mean: (h, w, 5) mean of the views of Good images, h and w even.
        allowance: (h, w, 1) how far Good images differ.
        seed: Of which pixels stand for a group.

    Returns:
        The groups; none of them where no panel is found.
    """
    rows, columns = mean.shape[0] // 2, mean.shape[1] // 2
    squares = (rows, 2, columns, 2)
    colours = mean[..., :3].astype(np.float32).reshape(*squares, 3).mean(axis=(1, 3))
    spread = allowance[..., 0].reshape(squares)
    panel = panels_of(mean, allowance).reshape(squares).max(axis=(1, 3))
    rim = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    grouping = _Grouping(
        colours=colours,
        paper=np.median(rim, axis=0).astype(np.float32),
        panel=panel,
        still=spread.min(axis=(1, 3)) <= STILL,
        rng=np.random.default_rng(seed),
    )
    return Recolouring(
        mean=np.rint(colours).astype(np.uint8),
        allowance=spread.max(axis=(1, 3)),
        paper=grouping.paper,
        panel=panel.astype(np.uint8),
        group=grouping.group,
        share=np.rint(255 * grouping.share).astype(np.uint8),
        weight=np.rint(255 * grouping.weight).astype(np.uint8),
        samples=np.array(grouping.samples, np.int32).reshape(-1, SAMPLE),
        owner=np.array(grouping.owner, np.int32),
        limits=np.array(grouping.limits, np.float32),
    )


class _Grouping:
    """Collects the groups, panel by panel."""

    def __init__(
        self,
        *,
        colours: Picture,
        paper: Picture,
        panel: NDArray[np.int32],
        still: Area,
        rng: np.random.Generator,
    ) -> None:
        self.colours, self.paper, self.panel, self._rng = colours, paper, panel, rng
        self._plain = np.abs(colours - paper).max(axis=-1) < PLAIN
        self._still = still & ~self._plain
        self._grey = np.ptp(colours, axis=-1) < GREY
        self._pure = cv2.erode((~self._plain).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        self.group = np.zeros(panel.shape, np.int32)
        self.share = np.zeros(panel.shape, np.float32)
        self.weight = (panel > 0).astype(np.float32)
        self.samples: list[NDArray[np.int64]] = []
        self.owner: list[int] = []
        self.limits: list[float] = []
        for number in range(1, int(panel.max(initial=0)) + 1):
            self._add(number)

    def _add(self, number: int) -> None:
        here = self.panel == number
        coloured = here & ~self._plain & ~self._grey
        bars = bool((self._still & coloured).sum() > 0.5 * coloured.sum())
        self.limits.append(BAR_LIMIT if bars else MAP_LIMIT)
        pure = here & self._pure
        if not bars:
            still = self._still & here
            pure &= ~still
            beside = cv2.dilate(still.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            self.weight[here & beside] = BESIDE_STILL
        if pure.sum() < FEWEST:
            pure = here & ~self._plain
        if not pure.any():
            return
        flat = self.colours.reshape(-1, 3)
        for members in median_cut(np.flatnonzero(pure), flat):
            self.group.ravel()[members] = len(self.samples)
            self.samples.append(
                self._rng.choice(members, SAMPLE, replace=len(members) < SAMPLE).astype(np.int64)
            )
            self.owner.append(number)
        self.share[pure] = 1.0
        self._mix(here & ~self._plain & ~pure, pure)

    def _mix(self, rest: Area, pure: Area) -> None:
        """Give mixed pixels the group of the nearest pure one, and how much of it they hold."""
        if not rest.any():
            return
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
