"""How like its references an image is: several looks, calibrated on the references themselves.

Each look (``pipeline.vision.looks``) is expressed in spreads among references
that were left out in turn, and becomes the surprise at a Good image; the
surprises are added. The similarity is the chance that a further Good image is
as surprising, so a threshold on it is a rate of false alarms. No Bad example
is needed.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.vision.backbone import Backbone
from pipeline.vision.looks import (
    FEW,
    Gallery,
    far_off,
    looks_and_peaks,
    peaks_of,
)
from pipeline.vision.reference import Sums
from pipeline.vision.span import coarse_of, span_of
from pipeline.vision.strangeness import Planes, gallery_of, planes_of
from pipeline.vision.tail import Tail, fit_tail

VOICES: Final = (0.25, 0.25, 2.0, 1.5, 1.0, 1.0)
"""Weight of each look.

Source:
    Areas under the ROC curve of 21 simulated plots and two real sets, decision 0171.
"""
SPAN: Final = 2
"""Place of the distance from the span among the looks."""
STRANGE: Final = 3
"""Place of the strangest colour. Less of it than usual is odd too where the span agrees: an
empty plot has no strange colour at all; a copy of a reference has none either, but is near."""
LOGISTIC: Final = 1.702
"""By this, a logistic distribution is nearly a normal one.

Source:
    Camilli 1994, J. Educ. Behav. Stat. 19, 293.
"""
PRIOR: Final = (1.46, 0.88, 1.73, 4.89, -1.11)
"""Mean of each look at Good images next to a single reference, where none can be left out."""
PRIOR_SPREAD: Final = (0.31, 0.64, 0.67, 0.40, 0.96)
"""Spread of the same between and within plots.

Source:
    21 simulated plots, 25 images each next to one reference, four times; but the
    strangest colour is given three times its spread, as next to one reference any
    line that moves is strange.
"""
PRIOR_MEDIAN: Final = 0.6
PRIOR_EXCESS: Final = 0.6
"""Median surprise of a voice at a Good image, and how far the others lie above on average.

Source:
    As above.
"""
FLOOR: Final = (0.10, 0.10, 0.10, 0.10, 0.50, 0.10)
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

    def of(self, surprise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the similarity, 0..1, of what is so surprising, (N,)."""
        return self.tail.chance(surprise)

    def surprise(self, looks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give how surprising images are, (N,), from their looks (N, L)."""
        return np.asarray(_surprise((looks - self.centre) / self.spread), np.float32)


@dataclass(frozen=True, slots=True)
class _Material:
    """All references in the forms that the looks need."""

    views: NDArray[np.uint8]
    sums: Sums
    coarse: NDArray[np.float32]
    planes: Planes

    def gallery(self, without: NDArray[np.int64] | None = None) -> Gallery:
        """Sum up the references, all of them or all but some, without their peaks."""
        coarse, planes = self.coarse, self.planes
        if without is not None:
            coarse = np.delete(coarse, without, axis=0)
            planes = np.delete(planes, without, axis=0)
        return Gallery(self.sums.reference(without), span_of(coarse), gallery_of(planes), None)


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
    material = _Material(views, Sums(views), coarse_of(views), planes_of(views))
    gallery = material.gallery()
    if len(groups) < FEW:
        return _as_usual(gallery, 4 + (backbone is not None))
    looks, peaks = _left_out(material, groups, backbone)
    if peaks is not None:
        gallery = replace(gallery, peaks=peaks_of(peaks))
        others = [
            far_off(peaks[group], peaks_of(np.delete(peaks, group, axis=0))) for group in groups
        ]
        looks = np.column_stack([looks, _in_order(others, groups)])
    centre, spread = (one.astype(np.float32) for one in _standard(looks))
    return Similarity(gallery, centre, spread, _calibrate(looks, groups))


def _as_usual(gallery: Gallery, looks: int) -> Similarity:
    """Take what is usual of other plots, where too few references tell."""
    voices = sum(VOICES[:looks])
    tail = fit_tail(np.zeros(0), PRIOR_EXCESS * voices, PRIOR_MEDIAN * voices, 0)
    centre, spread = (np.array(one[:looks], np.float32) for one in (PRIOR, PRIOR_SPREAD))
    return Similarity(gallery, centre, spread, tail)


def _groups(count: int, runs: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
    """Group images by run; each by itself where a run is unknown or there are too few."""
    alone = [np.array([index]) for index in range(count)]
    if runs is None:
        return alone
    groups = [np.flatnonzero(runs == run) for run in np.unique(runs[runs >= 0])]
    groups += [np.array([index]) for index in np.flatnonzero(runs < 0)]
    return groups if len(groups) >= FEW else alone


def _left_out(
    material: _Material, groups: list[NDArray[np.int64]], backbone: Backbone | None
) -> tuple[Looks, NDArray[np.float32] | None]:
    """Look at each group of images next to all others: looks (N, L) and peaks (N, K)."""
    looks, peaks = [], []
    for group in groups:
        gallery = material.gallery(without=group)
        seen, peaked = looks_and_peaks(material.views[group], gallery, backbone)
        looks.append(seen)
        if peaked is not None:
            peaks.append(peaked)
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
    voices, standard = np.array(VOICES[: standard.shape[1]]), standard.copy()
    too_little = np.minimum(-standard[:, STRANGE], standard[:, SPAN])
    standard[:, STRANGE] = np.maximum(standard[:, STRANGE], too_little)
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
