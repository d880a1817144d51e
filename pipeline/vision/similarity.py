"""How like its references an image is: several looks, calibrated on the references themselves.

Each look (``pipeline.vision.looks``) is expressed in spreads among references
that were left out in turn, and becomes the surprise at a Good image; the
surprises are added. The similarity is the chance that a further Good image is
as surprising, so a threshold on it is a rate of false alarms. No Bad example
is needed.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.vision.backbone import Backbone
from pipeline.vision.looks import (
    FEW,
    Gallery,
    coarse_of,
    far_off,
    looks_at,
    peaks_of,
)
from pipeline.vision.reference import Sums
from pipeline.vision.tail import Tail, fit_tail

VOICES: Final = (0.5, 0.5, 1.0, 1.0, 1.0)
"""Weight of each look: the two departures share one voice."""
LOGISTIC: Final = 1.702
"""By this, a logistic distribution is nearly a normal one.

Source:
    Camilli 1994, J. Educ. Behav. Stat. 19, 293.
"""
PRIOR: Final = (1.46, 0.88, 2.17, -0.57)
"""Mean of each look at Good images next to a single reference, where none can be left out."""
PRIOR_SPREAD: Final = (0.31, 0.64, 0.47, 0.94)
"""Spread of the same between and within plots.

Source:
    21 simulated plots, 25 images each next to one reference, four times.
"""
PRIOR_MEDIAN: Final = 0.6
PRIOR_EXCESS: Final = 0.6
"""Median surprise of a voice at a Good image, and how far the others lie above on average.

Source:
    As above.
"""
FLOOR: Final = (0.10, 0.10, 0.10, 0.50, 0.10)
"""Smallest spread that is believed of each look."""
WEIGHT: Final = 4.0
"""References that the floor counts for, when the spread is estimated."""
Looks = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Similarity:
    """References made ready for comparing."""

    gallery: Gallery
    centre: NDArray[np.float32]
    """(L,) of each look, among references left out."""
    spread: NDArray[np.float32]
    """(L,)."""
    tail: Tail
    with_backbone: bool

    def of(self, surprise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the similarity, 0..1, of what is so surprising, (N,)."""
        return self.tail.chance(surprise)

    def surprise(self, looks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give how surprising images are, (N,), from their looks (N, L)."""
        return np.asarray(_surprise((looks - self.centre) / self.spread), np.float32)


def fit(
    views: NDArray[np.uint8], backbone: Backbone | None, runs: NDArray[np.int64] | None = None
) -> Similarity:
    """Make references ready.

    Args:
        views: (N, h, w, 5) uint8 of the reference images, at least one.
        backbone: Adds its looks; None goes without.
        runs: (N,) run of each, below 0 where unknown: images of one run are left out
            together, for they are more alike than those of other runs.

    Raises:
        InputError: There is no image.
    """
    groups = _groups(len(views), runs)
    sums, coarse = Sums(views), coarse_of(views)
    reference, middle = sums.reference(), coarse.mean(axis=0)
    if len(groups) < FEW:
        size = 3 + (backbone is not None)
        gallery = Gallery(reference, coarse - middle, middle, None)
        voices = sum(VOICES[:size])
        tail = fit_tail(np.zeros(0), PRIOR_EXCESS * voices, PRIOR_MEDIAN * voices, 0)
        centre, spread = np.array(PRIOR[:size]), np.array(PRIOR_SPREAD[:size])
    else:
        looks, peaks = _left_out(views, sums, coarse, groups, backbone)
        known = peaks_of(peaks) if peaks is not None else None
        gallery = Gallery(reference, coarse - middle, middle, known)
        if peaks is not None:
            others = [
                far_off(peaks[group], peaks_of(np.delete(peaks, group, axis=0))) for group in groups
            ]
            looks = np.column_stack([looks, _in_order(others, groups)])
        centre, spread = _standard(looks)
        tail = _calibrate(looks, groups)
    return Similarity(
        gallery, centre.astype(np.float32), spread.astype(np.float32), tail, backbone is not None
    )


def _groups(count: int, runs: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
    """Group images by run; each by itself where a run is unknown or there are too few."""
    alone = [np.array([index]) for index in range(count)]
    if runs is None:
        return alone
    groups = [np.flatnonzero(runs == run) for run in np.unique(runs[runs >= 0])]
    groups += [np.array([index]) for index in np.flatnonzero(runs < 0)]
    return groups if len(groups) >= FEW else alone


def _left_out(
    views: NDArray[np.uint8],
    sums: Sums,
    coarse: NDArray[np.float32],
    groups: list[NDArray[np.int64]],
    backbone: Backbone | None,
) -> tuple[Looks, NDArray[np.float32] | None]:
    """Look at each group of images next to all others: looks (N, L) and peaks (N, K)."""
    looks, peaks = [], []
    for group in groups:
        others = np.delete(coarse, group, axis=0)
        middle = others.mean(axis=0)
        gallery = Gallery(sums.reference(without=group), others - middle, middle, None)
        looks.append(looks_at(views[group], gallery, backbone))
        if backbone is not None:
            seen = backbone.see(views[group], gallery.reference)
            peaks.append(seen.features.max(axis=(1, 2)))
    return _in_order(looks, groups), _in_order(peaks, groups) if peaks else None


def _in_order(parts: list[NDArray[Any]], groups: list[NDArray[np.int64]]) -> NDArray[Any]:
    return np.concatenate(parts)[np.argsort(np.concatenate(groups))]


def _standard(looks: Looks) -> tuple[Looks, Looks]:
    """Give centre and spread of looks (N, L)."""
    looks = looks.astype(np.float64)
    centre = looks.mean(axis=0)
    floor = np.array(FLOOR[: looks.shape[1]])
    total = WEIGHT * floor**2 + ((looks - centre) ** 2).sum(axis=0)
    return centre, np.sqrt(total / (WEIGHT + len(looks) - 1))


def _surprise(standard: Looks) -> Looks:
    """Add minus the logarithms of the chances of looks (N, L) in spreads.

    Source:
        Fisher's method of combining tests, Statistical Methods for Research
        Workers, section 21.1; here the chances are logistic and the looks depend
        on each other, so what the sum means is learnt from the references.
    """
    voices = np.array(VOICES[: standard.shape[1]])
    return np.asarray((np.logaddexp(0.0, LOGISTIC * standard) * voices).sum(axis=1))


def _calibrate(looks: Looks, groups: list[NDArray[np.int64]]) -> Tail:
    """Learn how surprising Good images are: each next to centre and spread of the others."""
    scores = []
    for group in groups:
        centre, spread = _standard(np.delete(looks, group, axis=0))
        scores.append(_surprise((looks[group] - centre) / spread))
    voices = sum(VOICES[: looks.shape[1]])
    return fit_tail(
        np.concatenate(scores), PRIOR_EXCESS * voices, PRIOR_MEDIAN * voices, len(groups)
    )
