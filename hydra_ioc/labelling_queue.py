"""Which images to label next: the most useful first, near-duplicates folded into one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from db.queue_queries import Candidate

FIRM: Final = 0.9
"""A label is suspected where the model gives another one this weight."""
LEAST: Final = 0.3
"""Unlabelled images below are neither uncertain nor novel; they come last."""
NEAR: Final = 0.25
"""Two images are near-duplicates when their embeddings are this much closer than the
median pair."""
SIDE: Final = 16
BITS: Final = 6
"""Or when at most so many of the 256 bits of their difference hashes differ.

Source:
    N. Krawetz, "Kind of Like That" (2013): difference hash.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An image to be labelled, and those that look the same."""

    image: Candidate
    kind: str
    """suspect, uncertain, novel, other, sample or disputed."""
    score: float
    """0..1, higher is more useful."""
    why: str
    folded: list[str] = field(default_factory=list)
    """sha256 of the near-duplicates."""


def queue(images: Sequence[Candidate], paths: Mapping[str, Path], limit: int) -> list[Entry]:
    """Sort images by how much their label would teach.

    Args:
        images: Kept images of one plot.
        paths: Their files by sha256, for those without an embedding.
        limit: At most so many entries.

    Returns:
        The most useful first.
    """
    rated = [entry for image in images if (entry := rate(image)) is not None]
    rated.sort(key=lambda entry: (-entry.score, -entry.image.image_time, entry.image.sha256))
    near = _Near(images, paths)
    chosen: list[Entry] = []
    for entry in rated:
        twin = next((one for one in chosen if _alike(one, entry, near)), None)
        if twin is not None:
            twin.folded.append(entry.image.sha256)
        elif len(chosen) < limit:
            chosen.append(entry)
    return chosen


def unlabelled(images: Sequence[Candidate], limit: int) -> list[Entry]:
    """Give the images of the unbiased sample that nobody has labelled, the newest first.

    None is folded into another one: the accuracy needs a label of each.

    Args:
        images: Kept images of one plot.
        limit: At most so many entries.
    """
    waiting = [image for image in images if image.unbiased and image.truth is None]
    waiting.sort(key=lambda image: (-image.image_time, image.sha256))
    return [
        Entry(image, "sample", 0.0, "of the unbiased sample, without a label")
        for image in waiting[:limit]
    ]


def disputed(images: Sequence[Candidate], verdicts: Mapping[str, str], limit: int) -> list[Entry]:
    """Give the images on which a shadow and the model that judges differ, the newest first.

    Args:
        images: Kept images of one plot.
        verdicts: What the shadow says, by sha256.
        limit: At most so many entries.
    """
    waiting = [image for image in images if image.sha256 in verdicts and image.truth is None]
    waiting.sort(key=lambda image: (-image.image_time, image.sha256))
    return [
        Entry(image, "disputed", 0.0, f"the shadow says {verdicts[image.sha256]}")
        for image in waiting[:limit]
    ]


def rate(image: Candidate) -> Entry | None:
    """Say how useful a label of an image would be; None when it has a label nobody doubts."""
    if image.truth is not None:
        weight = image.weights.get(image.verdict, 0.0)
        if image.verdict == image.truth or not image.confirmed or weight < FIRM:
            return None
        why = f"labelled {image.truth}, the model says {image.verdict} {weight:.3f}"
        return Entry(image, "suspect", weight, why)
    doubt = entropy(image.weights)
    strange = 0.0 if image.novelty is None else 1.0 - image.novelty
    if strange > max(doubt, LEAST) and strange >= 0.95:
        return Entry(image, "novel", strange, f"unlike what was trained ({image.novelty:.3g})")
    if doubt >= LEAST or not image.confirmed:
        word = "" if image.confirmed else ", unconfirmed"
        return Entry(image, "uncertain", max(doubt, LEAST), f"entropy {doubt:.2f}{word}")
    return Entry(image, "other", min(doubt, LEAST), f"{image.verdict}, entropy {doubt:.2f}")


def entropy(weights: Mapping[str, float]) -> float:
    """Give the entropy of weights as a share of the largest possible, 0..1."""
    total = sum(weights.values())
    if len(weights) < 2 or total <= 0:
        return 0.0
    shares = [weight / total for weight in weights.values() if weight > 0]
    return min(1.0, -sum(share * math.log(share) for share in shares) / math.log(len(weights)))


class _Near:
    """Tells whether two images look the same."""

    def __init__(self, images: Sequence[Candidate], paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._hashes: dict[str, NDArray[np.bool_] | None] = {}
        self._vectors = {
            image.sha256: np.frombuffer(image.vector, "<f2").astype(np.float32)
            for image in images
            if image.vector
        }
        self._scale = _median_distance(list(self._vectors.values()))

    def same(self, one: str, other: str) -> bool:
        """Compare two images by their sha256."""
        left, right = self._vectors.get(one), self._vectors.get(other)
        if left is not None and right is not None and left.shape == right.shape:
            return float(np.linalg.norm(left - right)) < NEAR * self._scale
        first, second = self._hash(one), self._hash(other)
        if first is None or second is None:
            return False
        return int((first != second).sum()) <= BITS

    def _hash(self, sha256: str) -> NDArray[np.bool_] | None:
        if sha256 not in self._hashes:
            self._hashes[sha256] = _difference_hash(self._paths.get(sha256))
        return self._hashes[sha256]


def _alike(one: Entry, other: Entry, near: _Near) -> bool:
    same_kind = (one.kind, one.image.verdict, one.image.truth) == (
        other.kind,
        other.image.verdict,
        other.image.truth,
    )
    return same_kind and near.same(one.image.sha256, other.image.sha256)


def _median_distance(vectors: Sequence[NDArray[np.float32]]) -> float:
    if len(vectors) < 3 or len({vector.shape for vector in vectors}) != 1:
        return 0.0
    rows = np.stack(vectors)
    pairs = np.random.default_rng(1).integers(0, len(rows), (500, 2))
    apart = pairs[pairs[:, 0] != pairs[:, 1]]
    return float(np.median(np.linalg.norm(rows[apart[:, 0]] - rows[apart[:, 1]], axis=1)))


def _difference_hash(path: Path | None) -> NDArray[np.bool_] | None:
    """Hash an image so that small changes change few bits; None when it cannot be read."""
    if path is None:
        return None
    try:
        with Image.open(path) as image:
            small = np.asarray(image.convert("L").resize((SIDE + 1, SIDE)), np.int16)
    except (OSError, UnidentifiedImageError):
        return None
    return small[:, 1:] > small[:, :-1]
