"""Probabilities that mean what they say: temperature, reliability, calibration error."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10
"""Bins of a reliability diagram, equal in width.

Source:
    Guo et al. 2017, arXiv:1706.04599, figure 1.
"""
TEMPERATURES: Final = np.geomspace(0.1, 10.0, 201)
"""Temperatures tried; the loss has one minimum, and a hundredth in either is nothing."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Images whose highest weight lies within a bin."""

    count: int
    confidence: float
    """Mean of their highest weights."""
    accuracy: float
    """Share of them that were judged right."""


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give probabilities (N, C) from logits (N, C)."""
    wide = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(wide / wide.sum(axis=1, keepdims=True), np.float64)


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Find the temperature that makes the likelihood of held-out images highest.

    Args:
        logits: (N, C) of images that the model was not fitted to.
        truth: (N,) label indices.

    Returns:
        By what the logits are to be divided, 0.1 to 10.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2. The truth is smoothed by one
        error in N + 2 as in Platt 1999: images that are all judged right must not
        make a model certain.
    """
    if not len(truth):
        return 1.0
    losses = [_loss(logits / temperature, truth) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def _loss(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    count, labels = logits.shape
    chance = np.log(np.maximum(softmax(logits), 1e-12))
    doubt = 1.0 / (count + 2)
    mine = chance[np.arange(count), truth]
    others = (chance.sum(axis=1) - mine) / max(labels - 1, 1)
    return float(-((1.0 - doubt) * mine + doubt * others).mean())


def reliability(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], bins: int = BINS
) -> tuple[Bin, ...]:
    """Sort judged images by their highest weight.

    Args:
        probabilities: (N, C).
        truth: (N,) label indices.
        bins: How many, equal in width from 0 to 1.

    Returns:
        The bins from low to high, empty ones with zeros.
    """
    top, given = probabilities.max(axis=1), probabilities.argmax(axis=1)
    place = np.minimum((top * bins).astype(np.int64), bins - 1)
    found = []
    for index in range(bins):
        mine = place == index
        count = int(mine.sum())
        confidence = float(top[mine].mean()) if count else 0.0
        accuracy = float((given[mine] == truth[mine]).mean()) if count else 0.0
        found.append(Bin(count, confidence, accuracy))
    return tuple(found)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Give the expected calibration error: mean distance of confidence and accuracy.

    Source:
        Naeini et al. 2015, AAAI; as in arXiv:1706.04599, equation 3.
    """
    total = sum(one.count for one in bins)
    if not total:
        return 0.0
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / total
