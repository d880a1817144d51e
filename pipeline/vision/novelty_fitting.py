"""From the embeddings and pixels of training images to what tells how novel another image is.

Needs the training extra (scikit-learn).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.vision.novelty import LARGEST, Description
from pipeline.vision.novelty_pixels import Pairs, Pixels, pairs_of
from pipeline.vision.span import span_of
from pipeline.vision.tail import Tail, fit_tail

FEWEST: Final = 10
"""Images below which nothing can be said of what is usual."""
FEWEST_RUNS: Final = 3
FOLDS: Final = 5
AXES: Final = 64
"""Directions with a spread of their own, the widest; the others share one."""
FLOOR: Final = 0.1
"""Smallest spread of a number of the embedding, in means of all spreads."""
PAIR_FLOOR: Final = (0.05, 0.1)
"""Smallest spread that is believed of the logarithms of the two distances."""
PAIR_WEIGHT: Final = 4.0
"""Images that this floor counts for."""
Coarse = NDArray[np.float32] | None


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
    embeddings: NDArray[np.float32],
    runs: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    coarse: Coarse = None,
) -> Fitted:
    """Describe images.

    Args:
        embeddings: (N, D) of the images of a training, whatever their labels.
        runs: (N,) run of each.
        held_out: (N,) whether the model was not fitted to it.
        coarse: (N, P) coarse pixels of the same images; None describes embeddings alone.

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
        known, groups = ~held_out, runs[held_out]
        scores = _apart(embeddings, coarse, known, held_out)
    else:
        known, groups = np.ones(len(embeddings), np.bool_), runs
        scores = _crossed(embeddings, runs, coarse)
    description = describe(embeddings[known])
    if coarse is not None:
        pixels = Pixels(span_of(coarse[known]), *_usual(scores))
        description, scores = replace(description, pixels=pixels), pixels.surprise(scores)
    return Fitted(
        replace(description, tail=_tail(scores, len(np.unique(groups)))),
        images=int(known.sum()),
        calibrated=len(scores),
        crossed=bool(known.all()),
    )


def _apart(
    embeddings: NDArray[np.float32],
    coarse: Coarse,
    known: NDArray[np.bool_],
    others: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Give how far some images are from known ones: (M,), or with pixels (M, 2)."""
    distance = describe(embeddings[known]).distance(embeddings[others])
    if coarse is None:
        return distance
    return pairs_of(span_of(coarse[known]), distance, coarse[others])


def _usual(pairs: Pairs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give centre and spread of pairs (M, 2), neither spread below its floor."""
    floor = PAIR_WEIGHT * np.array(PAIR_FLOOR) ** 2
    total = floor + ((pairs - pairs.mean(axis=0)) ** 2).sum(axis=0)
    spread = np.sqrt(total / (PAIR_WEIGHT + len(pairs)))
    return pairs.mean(axis=0).astype(np.float32), spread.astype(np.float32)


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


def _crossed(
    embeddings: NDArray[np.float32], runs: NDArray[np.int64], coarse: Coarse
) -> NDArray[np.float64]:
    """Give how far each image is from what the images of other runs are."""
    different = np.random.default_rng(1).permutation(np.unique(runs))
    found = np.zeros(len(embeddings) if coarse is None else (len(embeddings), 2))
    for some in np.array_split(different, min(FOLDS, len(different))):
        outside = np.isin(runs, some)
        found[outside] = _apart(embeddings, coarse, ~outside, outside)
    return found


def _tail(distances: NDArray[np.float64], groups: int) -> Tail:
    """Learn what a distance means."""
    usual = np.maximum(distances, 1e-6)
    median = float(np.median(usual))
    above = usual[usual > median]
    excess = float((above - median).mean()) if len(above) else median
    return fit_tail(usual, max(excess, 1e-6), median, groups)
