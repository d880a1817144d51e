"""What tells an image from its references: six looks, each a number that grows with the oddity.

Coherent departures from the mean of the references over a few pixels and over
many; the distance in coarse pixels from what the references span; colours that
no reference has; and, where a backbone is shipped, its logit of "some fault"
and how far the peaks of its features are from those of the references. Numpy
and OpenCV only.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.reference import CLIP, Reference
from pipeline.vision.span import Span, coarse_of
from pipeline.vision.strangeness import Planes, planes_of, strangeness_of

WINDOWS: Final = ((5, 0.002), (9, 0.01))
"""Width in view pixels over which a departure must be coherent, and the share of the
image whose mean counts.

Source:
    Areas under the ROC curve of 21 simulated plots and two real sets, docs/references.md.
"""
LOG_FLOOR: Final = 0.05
"""Allowances added before the logarithm; a departure below is noise."""
PEAK_LIMIT: Final = 20.0
"""A peak farther off than this many spreads counts as this far."""
PEAK_FLOOR: Final = 0.1
"""Spreads added before the logarithm of how far the peaks are off."""
FEW: Final = 3
"""References from which on peaks are compared: of fewer there is no spread."""
SHARED: Final = 4.0
"""Images that the spread common to all peaks counts for, beside that of each one."""
LEAST: Final = 1e-3
"""Smallest spread of a peak."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """The peaks of the backbone's features at the references."""

    centre: NDArray[np.float32]
    """(K,)."""
    spread: NDArray[np.float32]
    """(K,)."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The references as the looks need them."""

    reference: Reference
    span: Span
    """The ways in which they vary."""
    planes: Planes
    """(R, 5, h, w) some of them, and their mean."""
    peaks: Peaks | None
    """None without a backbone, or with too few references."""


def peaks_of(peaks: NDArray[np.float32]) -> Peaks:
    """Sum up the peaks (R, K) of references, each seen next to the others."""
    centre = peaks.mean(axis=0)
    squares = (peaks - centre) ** 2
    shared = float(squares.mean())
    spread = np.sqrt((SHARED * shared + squares.sum(axis=0)) / (SHARED + len(peaks) - 1))
    return Peaks(centre.astype(np.float32), np.maximum(spread, LEAST).astype(np.float32))


def far_off(peaks: NDArray[np.float32], known: Peaks) -> NDArray[np.float32]:
    """Give the logarithm of how far peaks (N, K) are off, in spreads, (N,)."""
    apart = np.clip((peaks - known.centre) / known.spread, -PEAK_LIMIT, PEAK_LIMIT)
    return np.asarray(np.log(np.sqrt((apart**2).mean(axis=1)) + PEAK_FLOOR), np.float32)


def departures(view: NDArray[np.uint8], reference: Reference) -> NDArray[np.float32]:
    """Give the logarithms of the largest coherent departures of a view, one a window."""
    apart = (view.astype(np.float32) - reference.mean) / reference.allowance
    apart = np.clip(apart, -CLIP, CLIP)
    found = []
    for width, share in WINDOWS:
        # Zeros beyond the rim, as the average pooling of the compiled graph has them.
        smooth = cv2.blur(apart, (width, width), borderType=cv2.BORDER_CONSTANT)
        # One channel after the other: numpy is slow along a short axis.
        cells = np.maximum.reduce([np.abs(plane) for plane in cv2.split(smooth)]).ravel()
        count = top(cells.size, share)
        found.append(np.log(np.partition(cells, -count)[-count:].mean() + LOG_FLOOR))
    return np.array(found, np.float32)


def top(cells: int, share: float) -> int:
    """Give how many cells of a map are the given share of it."""
    return max(1, int(cells * share))


def looks_at(
    views: NDArray[np.uint8], gallery: Gallery, backbone: Backbone | None
) -> NDArray[np.float32]:
    """Look at images next to references.

    Args:
        views: (N, h, w, 5) uint8.
        gallery: Of the same plot type.
        backbone: Adds its looks; None goes without.

    Returns:
        (N, 4 to 6): two departures, the distance from the span and the strangest
        colour; with a backbone the logit of a fault; with enough references besides how
        far the peaks are off.

    Raises:
        InputError: The sizes differ.
    """
    return looks_and_peaks(views, gallery, backbone)[0]


def looks_and_peaks(
    views: NDArray[np.uint8], gallery: Gallery, backbone: Backbone | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Look at images as ``looks_at`` does; give the peaks (N, K) of the backbone's features too."""
    reference = gallery.reference
    if views.shape[1:] != reference.mean.shape:
        raise InputError(f"expected views {reference.mean.shape}, received {views.shape[1:]}")
    looks = [
        np.stack([departures(one, reference) for one in views]),
        gallery.span.distance(coarse_of(views))[:, None],
        strangeness_of(planes_of(views), gallery.planes)[:, None],
    ]
    if backbone is None:
        return np.concatenate(looks, axis=1), None
    seen = backbone.see(views, reference)
    peaks = seen.features.max(axis=(1, 2))
    looks.append(backbone.anomaly(seen)[:, None])
    if gallery.peaks is not None:
        looks.append(far_off(peaks, gallery.peaks)[:, None])
    return np.concatenate(looks, axis=1), peaks
