"""What a sample says of a model: accuracy with its interval, drift, reasons to train.

Everything here is pure.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from db.judged_queries import Judged
from db.performance_queries import Facts
from pipeline.config import Loop

Z: Final = 1.959964
"""95 % of a normal distribution lie within so many standard deviations."""
SMOOTHING: Final = 0.05
"""Weight of the newest image in the moving average.

Source:
    S. W. Roberts, "Control Chart Tests Based on Geometric Moving Averages",
    Technometrics 1 (1959) 239; 0.05 finds shifts of half a standard deviation.
"""
AVERAGED: Final = math.sqrt(SMOOTHING / (2 - SMOOTHING))
"""Spread of the moving average, by that of the values; same source."""
LEAST: Final = 50
"""Images on either side of a comparison without which there is no drift."""
FLOOR: Final = 0.01
"""Smallest spread of a confidence, so that a constant has no huge drift."""
CLIP: Final = 3.0
"""Spreads from the middle beyond which a confidence counts no more: one doubtful image is no drift.

Source:
    P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35 (1964) 73:
    what lies far out counts as if it lay at a bound.
"""
ADDED: Final = 2
"""Unconfirmed and confirmed verdicts added to those counted, so that a rate of 0 has a spread.

Source:
    A. Agresti, B. A. Coull, "Approximate is better than 'exact' for interval estimation of
    binomial proportions", American Statistician 52 (1998) 119.
"""
RUNS: Final = 3
"""Runs on either side without which nobody knows how much runs differ by chance."""
BATCHES: Final = 5
"""Pieces of either side that stand for runs where all images are of one.

Source:
    B. Schmeiser, "Batch size effects in the analysis of simulation output",
    Operations Research 30 (1982) 556: few long batches, as neighbours are alike.
"""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of correct verdicts in a sample."""

    sampled: int
    labelled: int
    correct: int
    low: float
    high: float
    known: bool
    """Whether enough of the sample is labelled."""

    @property
    def value(self) -> float:
        """The share; 0 without labels."""
        return self.correct / self.labelled if self.labelled else 0.0

    @property
    def coverage(self) -> float:
        """Labelled share of the sample; 0 without one."""
        return self.labelled / self.sampled if self.sampled else 0.0


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the newest images lie from those before."""

    value: float | None
    """The largest of all, in standard errors; None when nothing is known."""
    reason: str


def wilson(correct: int, total: int) -> tuple[float, float]:
    """Give the interval that holds a binomial share with 95 % confidence.

    Args:
        correct: Successes, 0..total.
        total: Trials; 0 gives 0 and 1.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if not total:
        return 0.0, 1.0
    share, weight = correct / total, Z * Z / total
    middle = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def accuracy_of(sample: Iterable[Judged], coverage: float) -> Accuracy:
    """Count a sample.

    Args:
        sample: Of one plot, or of all.
        coverage: Labelled share from which on the accuracy is known, 0..1.
    """
    images = list(sample)
    labelled = [image for image in images if image.truth is not None]
    correct = sum(image.label == image.truth for image in labelled)
    low, high = wilson(correct, len(labelled))
    known = bool(labelled) and len(labelled) >= coverage * len(images)
    return Accuracy(len(images), len(labelled), correct, low, high, known)


def moved(values: Sequence[float]) -> float | None:
    """Compare the moving average at the end of a series with its first half.

    Args:
        values: Oldest first.

    Returns:
        Their distance in standard errors of the moving average; None for too few.
    """
    half = len(values) // 2
    if half < LEAST:
        return None
    series = np.asarray(values, float)
    centre, spread = float(series[:half].mean()), max(float(series[:half].std()), FLOOR)
    kept = np.clip(series[half:], centre - CLIP * spread, centre + CLIP * spread)
    return _ends(kept, centre) / (spread * AVERAGED)


def rate_moved(flags: Sequence[bool]) -> float | None:
    """Compare as ``moved``, for how often something happens.

    Args:
        flags: Whether it happened, oldest first.

    Returns:
        As of ``moved``.
    """
    half = len(flags) // 2
    if half < LEAST:
        return None
    series = np.asarray(flags, float)
    expected = (float(series[:half].sum()) + ADDED) / (half + 2 * ADDED)
    spread = math.sqrt(expected * (1 - expected))
    return _ends(series[half:], float(series[:half].mean())) / (spread * AVERAGED)


def _ends(series: NDArray[np.float64], centre: float) -> float:
    """Give how far from its start a moving average is at the end of a series."""
    average = centre
    for value in series:
        average += SMOOTHING * (float(value) - average)
    return abs(average - centre)


def vectors_moved(vectors: Sequence[bytes], runs: Sequence[int] = ()) -> float | None:
    """Compare the middle of the newest embeddings with that of those before.

    Images of a run are alike, so it is runs that are counted, not images.

    Args:
        vectors: float16, little-endian, all of one length; oldest first.
        runs: Run of each; without them, all are taken as of one run.

    Returns:
        Their distance by what chance would give, about 1 without a drift; None for too
        few images, or for several runs of which one side has fewer than three.
    """
    half = len(vectors) // 2
    if half < LEAST or len({len(vector) for vector in vectors}) != 1:
        return None
    rows = np.stack([np.frombuffer(vector, "<f2") for vector in vectors]).astype(np.float64)
    halves = slice(half), slice(half, None)
    numbers = np.asarray(runs if runs else np.zeros(len(rows)), np.int64)
    one_run = len(np.unique(numbers)) == 1
    if not one_run and min(len(np.unique(numbers[part])) for part in halves) < RUNS:
        return None
    old, new = (
        _of_pieces(rows[part]) if one_run else _of_runs(rows[part], numbers[part])
        for part in halves
    )
    chance = sum(side.var(axis=0, ddof=1).sum() / len(side) for side in (old, new))
    apart = np.linalg.norm(new.mean(axis=0) - old.mean(axis=0))
    return float(apart) / math.sqrt(max(float(chance), 1e-12))


def _of_runs(rows: NDArray[np.float64], runs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the middle of each run."""
    return np.stack([rows[runs == run].mean(axis=0) for run in np.unique(runs)])


def _of_pieces(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the middles of equal pieces of a series."""
    return np.stack([part.mean(axis=0) for part in np.array_split(rows, BATCHES)])


def drift_of(facts: Facts) -> Drift:
    """Look for a drift of confidences, of unconfirmed verdicts and of embeddings."""
    found = {
        "confidence": moved(facts.confidences),
        "unconfirmed rate": rate_moved([not one for one in facts.confirmed]),
        "embeddings": vectors_moved(facts.vectors, facts.vector_runs),
    }
    known = {name: value for name, value in found.items() if value is not None}
    if not known:
        return Drift(None, f"unknown: fewer than {2 * LEAST} images of this model")
    words = ", ".join(
        f"{name} {'unknown' if value is None else f'{value:.1f}'}" for name, value in found.items()
    )
    return Drift(max(known.values()), f"in standard errors: {words}")


def unconfirmed_rate(confirmed: Sequence[bool]) -> float | None:
    """Give the share of unconfirmed verdicts in the newer half; None without any."""
    newer = confirmed[len(confirmed) // 2 :]
    return sum(not one for one in newer) / len(newer) if newer else None


def causes(facts: Facts, accuracy: Accuracy, drift: Drift, rules: Loop) -> list[tuple[str, str]]:
    """Say why a plot's model should be trained again.

    Args:
        facts: Of the plot and its model.
        accuracy: Of the unbiased sample.
        drift: Of the newest images.
        rules: The deployment's limits.

    Returns:
        Cause and reason, in words; empty when all is well.
    """
    found = []
    if accuracy.known and accuracy.high < rules.accuracy:
        found.append(("accuracy", f"{told(accuracy)} is below {rules.accuracy:g}"))
    half = len(facts.confirmed) // 2
    old, new = facts.confirmed[:half], facts.confirmed[half:]
    if half >= LEAST:
        _, before = wilson(sum(not one for one in old), len(old))
        now, _ = wilson(sum(not one for one in new), len(new))
        if now > before:
            rate = sum(not one for one in new) / len(new)
            was = sum(not one for one in old) / len(old)
            found.append(("unconfirmed", f"unconfirmed verdicts rose from {was:.3g} to {rate:.3g}"))
    if missing := [label for label in facts.palette if label not in facts.labels]:
        found.append(("palette", f"the model does not know {', '.join(missing)}"))
    if facts.new_bad >= rules.bad_labels:
        found.append(("bad-labels", f"{facts.new_bad} images with new bad labels"))
    if facts.period and facts.known_periods and facts.period not in facts.known_periods:
        known = ", ".join(facts.known_periods)
        found.append(("period", f"run period {facts.period}; the model knows {known}"))
    if drift.value is not None and drift.value > rules.drift:
        found.append(("drift", f"drift {drift.reason}; the limit is {rules.drift:g}"))
    return found


def told(accuracy: Accuracy) -> str:
    """Write an accuracy with its interval in words."""
    return (
        f"accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})"
        f" from {accuracy.labelled} labels of {accuracy.sampled} sampled images"
    )
