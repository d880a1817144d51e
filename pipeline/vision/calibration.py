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
FOLDS: Final = 5
"""Parts of the runs, each judged with a temperature that was fitted to the others."""
RESAMPLES: Final = 1000
"""Resamples of the bootstrap; its interval then wobbles by a hundredth of its width."""
WORTH: Final = 10.0
"""What an expected temperature counts for: twice it, or half, must make all images together
more likely by exp(10 x log(2)^2), some hundred times."""
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


def fit_temperature(
    logits: NDArray[np.floating], truth: NDArray[np.int64], expected: float | None = None
) -> float:
    """Find the temperature that makes the likelihood of held-out images highest.

    Args:
        logits: (N, C) of images that the model was not fitted to.
        truth: (N,) label indices.
        expected: The temperature that other models of the kind needed; counts less, the
            more images there are. None goes by the images alone.

    Returns:
        By what the logits are to be divided, 0.1 to 10.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2. The truth is smoothed by one
        error in N + 2 as in Platt 1999: images that are all judged right must not
        make a model certain.
    """
    if not len(truth):
        return 1.0 if expected is None else expected
    losses = np.array([_loss(logits / temperature, truth) for temperature in TEMPERATURES])
    if expected is not None:
        losses += WORTH / len(truth) * np.log(TEMPERATURES / expected) ** 2
    return float(TEMPERATURES[int(np.argmin(losses))])


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature and what it is worth."""

    temperature: float
    """By what the logits are to be divided; fitted to all images."""
    before: float
    """Expected calibration error without it."""
    after: float
    """With it, every image divided by a temperature that was fitted without its run."""
    images: int
    """How many it was fitted to and measured on."""

    def __str__(self) -> str:
        """Such as ``temperature 0.93, expected calibration error 0.041 -> 0.020 (90 images)``."""
        return (
            f"temperature {self.temperature:.2f}, expected calibration error"
            f" {self.before:.3f} -> {self.after:.3f} ({self.images} images)"
        )


def calibrate(
    logits: NDArray[np.floating],
    truth: NDArray[np.int64],
    runs: NDArray[np.int64],
    expected: float | None = None,
) -> Calibration:
    """Fit a temperature and measure it on runs that it was not fitted to.

    Args:
        logits: (N, C) of images that the model was not fitted to; logarithms of
            probabilities do as well, a constant in each row changes nothing.
        truth: (N,) label indices.
        runs: (N,) run of each image.
        expected: The temperature that other models of the kind needed, if that is known.
    """
    divided = np.array(logits, np.float64)
    names = np.unique(runs)
    folds = min(FOLDS, len(names))
    for fold in range(folds):
        outside = np.isin(runs, names[fold::folds])
        inside = ~outside if folds > 1 else outside
        divided[outside] /= fit_temperature(logits[inside], truth[inside], expected)
    return Calibration(
        temperature=fit_temperature(logits, truth, expected),
        before=calibration_error(reliability(softmax(logits), truth)),
        after=calibration_error(reliability(softmax(divided), truth)),
        images=len(truth),
    )


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


@dataclass(frozen=True, slots=True)
class Error:
    """An expected calibration error with its interval."""

    value: float
    low: float
    high: float
    images: int

    def as_json(self) -> dict[str, float | int]:
        """Give it as a JSON object."""
        return {"value": self.value, "low": self.low, "high": self.high, "images": self.images}


def measured_error(
    top: NDArray[np.floating],
    right: NDArray[np.bool_],
    runs: NDArray[np.int64],
    bins: int = BINS,
) -> Error:
    """Give the expected calibration error with its 95 % interval.

    Args:
        top: (N,) highest weight of each image.
        right: (N,) whether the label with that weight is the true one.
        runs: (N,) run of each image; whole runs are resampled, since images of one are alike.
        bins: How many, equal in width from 0 to 1.

    Source:
        Efron 1979, Ann. Statist. 7, 1: bootstrap, percentiles 2.5 and 97.5. Resampling adds
        noise to every bin, so the interval of a small error lies rather too high.
    """
    if not len(top):
        return Error(0.0, 0.0, 0.0, 0)
    _, run = np.unique(runs, return_inverse=True)
    count = int(run.max()) + 1
    place = run * bins + np.minimum((top * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, top.astype(np.float64) - right, count * bins).reshape(count, bins)
    sizes = np.bincount(run, minlength=count)
    drawn = np.random.default_rng(1).multinomial(count, np.full(count, 1.0 / count), RESAMPLES)
    errors = np.abs(drawn @ gaps).sum(axis=1) / (drawn @ sizes)
    low, high = np.percentile(errors, [2.5, 97.5])
    value = float(np.abs(gaps.sum(axis=0)).sum() / len(top))
    return Error(value, float(low), float(high), len(top))
