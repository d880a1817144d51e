"""From the embeddings of training images to what tells how novel another image is.

Needs the training extra (scikit-learn).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.novelty import LARGEST, Description
from pipeline.vision.tail import Tail, fit_tail

FEWEST: Final = 10
"""Images below which nothing can be said of what is usual."""
FEWEST_RUNS: Final = 3
FOLDS: Final = 5
AXES: Final = 64
"""Directions with a spread of their own, the widest; the others share one."""
FLOOR: Final = 0.1
"""Smallest spread of a number of the embedding, in means of all spreads."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A description and what it rests on."""

    description: Description
    images: int
    """Described."""
    calibrated: int
    """Told what a distance means; none of them was described when it did."""
    crossed: bool
    """Whether they were left out in turn, run by run, as no others were held out."""


def fit(
    embeddings: NDArray[np.float32], runs: NDArray[np.int64], held_out: NDArray[np.bool_]
) -> Fitted:
    """Describe embeddings.

    Args:
        embeddings: (N, D) of the images of a training, whatever their labels.
        runs: (N,) run of each.
        held_out: (N,) whether the model was not fitted to it.

    Raises:
        InputError: There are too few images or runs, or an embedding is not finite.
    """
    if embeddings.ndim != 2 or not 1 <= embeddings.shape[1] <= LARGEST:
        raise InputError(f"expected embeddings (N, 1..{LARGEST}), received {embeddings.shape}")
    if not np.isfinite(embeddings).all():
        raise InputError("expected finite embeddings; the model gave others")
    different = len(np.unique(runs))
    if len(embeddings) < FEWEST or different < FEWEST_RUNS:
        raise InputError(
            f"expected {FEWEST} or more images of {FEWEST_RUNS} or more runs to tell what is"
            f" usual, received {len(embeddings)} images of {different} runs"
        )
    enough = held_out.sum() >= FEWEST and len(np.unique(runs[held_out])) >= FEWEST_RUNS
    if enough and (~held_out).sum() >= FEWEST:
        known = ~held_out
        description = describe(embeddings[known])
        distances, groups = description.distance(embeddings[held_out]), runs[held_out]
    else:
        known = np.ones(len(embeddings), np.bool_)
        description = describe(embeddings)
        distances, groups = _crossed(embeddings, runs), runs
    tail = _tail(distances, len(np.unique(groups)))
    return Fitted(
        replace(description, tail=tail),
        images=int(known.sum()),
        calibrated=len(distances),
        crossed=bool(known.all()),
    )


def describe(embeddings: NDArray[np.float32]) -> Description:
    """Give centre and spreads of embeddings (N, D), not calibrated yet.

    Source:
        Ledoit and Wolf 2004, J. Multivar. Anal. 88, 365: a covariance that holds
        with fewer images than numbers.
    """
    from sklearn.covariance import ledoit_wolf

    wide = embeddings.astype(np.float64)
    centre, scale = wide.mean(axis=0), wide.std(axis=0)
    least = FLOOR * float(scale.mean())
    scale = np.maximum(scale, least if least > 0.0 else 1.0)
    covariance, _ = ledoit_wolf((wide - centre) / scale, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = np.maximum(values[::-1], 1e-6), vectors[:, ::-1]
    rest = values[AXES:].mean() if len(values) > AXES else values[-1]
    return Description(
        centre.astype(np.float32),
        scale.astype(np.float32),
        vectors[:, :AXES].astype(np.float32),
        np.sqrt(values[:AXES]).astype(np.float32),
        float(np.sqrt(rest)),
        Tail(1.0, 1.0, 1.0, 1.0),
    )


def _crossed(embeddings: NDArray[np.float32], runs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the distance of each image from what the images of other runs are."""
    different = np.random.default_rng(1).permutation(np.unique(runs))
    distances = np.zeros(len(embeddings))
    for some in np.array_split(different, min(FOLDS, len(different))):
        outside = np.isin(runs, some)
        distances[outside] = describe(embeddings[~outside]).distance(embeddings[outside])
    return distances


def _tail(distances: NDArray[np.float64], groups: int) -> Tail:
    """Learn what a distance means."""
    usual = np.maximum(distances, 1e-6)
    median = float(np.median(usual))
    above = usual[usual > median]
    excess = float((above - median).mean()) if len(above) else median
    return fit_tail(usual, max(excess, 1e-6), median, groups)
