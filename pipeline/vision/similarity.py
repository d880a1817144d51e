"""How like its references an image is: three looks, calibrated on the references themselves.

Looks: the largest coherent departures from the mean of the references over a
few pixels and over many, and, where a backbone is shipped, its logit of "some
fault". Each is expressed in spreads among references that were left out in
turn; the most striking one counts. The similarity is the chance that a further
Good image looks as different, so a threshold on it is a rate of false alarms.
No Bad example is needed.
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.reference import CLIP, Reference, Sums, reference_of

WINDOWS: Final = ((5, 0.002), (9, 0.01))
"""Width in view pixels over which a departure must be coherent, and the share of the
image whose mean counts.

Source:
    Areas under the ROC curve of 21 simulated plots and two real sets, docs/references.md.
"""
LOG_FLOOR: Final = 0.05
"""Allowances added before the logarithm; a departure below is noise."""
PRIOR: Final = (1.45, 0.85, -0.26)
"""Mean of each look at Good images next to a single reference, where none can be left out."""
PRIOR_SPREAD: Final = (0.30, 0.61, 0.59)
"""Spread of the same between and within plots.

Source:
    21 simulated plots, seven images each next to one reference, with a provisional backbone.
"""
FLOOR: Final = (0.10, 0.10, 0.50)
"""Smallest spread that is believed of each look."""
WEIGHT: Final = 4.0
"""References that the floor counts for, when the spread is estimated."""
KNOTS: Final = (-4.0, 40.0, 89)
"""First and last point and number of points of the table from looks to similarity."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """References made ready for comparing."""

    reference: Reference
    centre: NDArray[np.float32]
    """(L,) of each look, among references left out."""
    spread: NDArray[np.float32]
    """(L,)."""
    knots: NDArray[np.float32]
    """(T,) strikingness."""
    chances: NDArray[np.float32]
    """(T,) similarity there, falling from 1 towards 0."""
    with_backbone: bool

    def of(self, striking: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the similarity, 0..1, of what is so striking, (N,)."""
        return np.interp(striking, self.knots, self.chances).astype(np.float32)

    def striking(self, looks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give how striking images are, (N,), in spreads, from their looks (N, L)."""
        return np.asarray(((looks - self.centre) / self.spread).max(axis=1), np.float32)


def fit(views: NDArray[np.uint8], backbone: Backbone | None) -> Similarity:
    """Make references ready.

    Args:
        views: (N, h, w, 5) uint8 of the reference images, at least one.
        backbone: Adds its look; None goes without.

    Raises:
        InputError: There is no image.
    """
    reference = reference_of(views)
    if len(views) == 1:
        size = 2 + (backbone is not None)
        centre, spread = np.array(PRIOR[:size]), np.array(PRIOR_SPREAD[:size])
        left_out = np.zeros(0)
    else:
        sums = Sums(views)
        looks = np.concatenate(
            [
                looks_at(views[index : index + 1], sums.reference(without=index), backbone)
                for index in range(len(views))
            ]
        ).astype(np.float64)
        centre = looks.mean(axis=0)
        floor = np.array(FLOOR[: looks.shape[1]])
        total = WEIGHT * floor**2 + ((looks - centre) ** 2).sum(axis=0)
        spread = np.sqrt(total / (WEIGHT + len(looks) - 1))
        left_out = ((looks - centre) / spread).max(axis=1)
    knots, chances = _calibrate(left_out)
    return Similarity(
        reference,
        centre.astype(np.float32),
        spread.astype(np.float32),
        knots,
        chances,
        backbone is not None,
    )


def looks_at(
    views: NDArray[np.uint8], reference: Reference, backbone: Backbone | None
) -> NDArray[np.float32]:
    """Look at images next to references.

    Args:
        views: (N, h, w, 5) uint8.
        reference: Of the same plot type.
        backbone: Adds its look; None goes without.

    Returns:
        (N, 2 or 3): logarithms of coherent departures, and the logit of a fault.

    Raises:
        InputError: The sizes differ.
    """
    if views.shape[1:] != reference.mean.shape:
        raise InputError(f"expected views {reference.mean.shape}, received {views.shape[1:]}")
    plain = np.stack([_departures(one, reference) for one in views])
    if backbone is None:
        return plain
    return np.concatenate([plain, backbone.anomaly(backbone.see(views, reference))[:, None]], 1)


def top(cells: int, share: float) -> int:
    """Give how many cells of a map are the given share of it."""
    return max(1, int(cells * share))


def _departures(view: NDArray[np.uint8], reference: Reference) -> NDArray[np.float32]:
    apart = (view.astype(np.float32) - reference.mean) / reference.allowance
    apart = np.clip(apart, -CLIP, CLIP)
    found = []
    for width, share in WINDOWS:
        # Zeros beyond the rim, as the average pooling of the compiled graph has them.
        smooth = cv2.blur(apart, (width, width), borderType=cv2.BORDER_CONSTANT)
        cells = np.abs(smooth).max(axis=-1).ravel()
        count = top(cells.size, share)
        found.append(np.log(np.partition(cells, -count)[-count:].mean() + LOG_FLOOR))
    return np.array(found, np.float32)


def _calibrate(left_out: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the table: chance that a further Good image is at least so striking.

    A predictive distribution of Student with the prior of one spread: few
    references give wide tails, so a far threshold is reached by few of them.

    Source:
        Gelman et al., Bayesian Data Analysis, 3rd edition, section 3.3.
    """
    from scipy.stats import t as student

    count = len(left_out)
    knots = np.linspace(*KNOTS[:2], KNOTS[2])
    if count == 0:
        # The most striking of three standard looks.
        centre, width, freedom = 0.8, 1.0, WEIGHT + 2.0
    else:
        centre = float(left_out.mean())
        total = WEIGHT * 0.7**2 + float(((left_out - centre) ** 2).sum())
        freedom = WEIGHT + count - 1
        width = float(np.sqrt(total / freedom * (1.0 + 1.0 / count)))
    chances = student.sf((knots - centre) / width, freedom)
    return knots.astype(np.float32), np.clip(chances, 0.0, 1.0).astype(np.float32)
