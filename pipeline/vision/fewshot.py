"""A classifier from a handful of labels: a small head on the pretrained backbone.

Needs scikit-learn of the training extra, not TensorFlow; takes seconds.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from pipeline.errors import LabelError
from pipeline.vision.backbone import Backbone
from pipeline.vision.reference import Reference, Sums, reference_of, views_of

GOOD: Final = "Good"
STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse strengths of the regularisation that are tried on runs left out."""
DEFAULT_STRENGTH: Final = 0.1
"""Taken when there are too few runs to try."""
FOLDS: Final = 5
GLIMPSES: Final = 3
"""How often each training image is seen next to another choice of references."""
FLOOR: Final = 1e-3
"""Smallest spread of a feature that counts; a feature that never changes tells nothing."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was fitted: the rest of the model is the backbone."""

    labels: tuple[str, ...]
    reference: Reference
    kernel: NDArray[np.float32]
    """(K, C)."""
    bias: NDArray[np.float32]
    """(C,)."""
    strength: float

    def probabilities(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give (N, C) from embeddings (N, K) seen next to the reference."""
        logits = embedding @ self.kernel + self.bias
        wide = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(wide / wide.sum(axis=1, keepdims=True), np.float32)


def all_views(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the views (N, h, w, 5) of images (N, H, W, 3)."""
    return np.stack([views_of(image) for image in images])


def fit(
    backbone: Backbone,
    views: NDArray[np.uint8],
    truth: NDArray[np.int64],
    runs: NDArray[np.int64],
    labels: tuple[str, ...],
    *,
    seed: int = 1,
) -> Head:
    """Fit a head to labelled images.

    The Good images are the references, all images where none is Good. A
    training image that is a reference itself is seen next to the others, as an
    unknown image will be.

    Args:
        backbone: The backbone.
        views: (N, h, w, 5) uint8.
        truth: (N,) index into ``labels``.
        runs: (N,) run of each image; regularisation is chosen on runs left out.
        labels: At least two, each with an image.
        seed: Same seed and images, same head.

    Raises:
        LabelError: A label has no image.
    """
    counts = np.bincount(truth, minlength=len(labels))
    if len(labels) < 2 or not counts.all():
        listed = ", ".join(f"{label} {n}" for label, n in zip(labels, counts, strict=True))
        raise LabelError(f"expected at least two labels with an image each, received {listed}")
    good = np.flatnonzero(truth == labels.index(GOOD)) if GOOD in labels else np.arange(len(truth))
    seen, owner = _glimpses(backbone, views, good, seed)
    strength = _choose(seen, truth[owner], runs[owner])
    kernel, bias = _regress(seen, truth[owner], len(labels), strength)
    return Head(labels, reference_of(views[good]), kernel, bias, strength)


def _glimpses(
    backbone: Backbone, views: NDArray[np.uint8], good: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """See every image next to all references but itself, and next to some of them."""
    rng = np.random.default_rng(seed)
    sums, place = Sums(views[good]), {int(index): k for k, index in enumerate(good)}
    whole = sums.reference()
    seen, owner = [], []
    others = np.array([index for index in range(len(views)) if index not in place], np.int64)
    if len(others):
        seen.append(backbone.see(views[others], whole).embedding)
        owner.append(others)
    for index in good if len(good) > 1 else []:
        alone = sums.reference(without=place[int(index)])
        seen.append(backbone.see(views[index : index + 1], alone).embedding)
        owner.append(np.array([index]))
    if len(good) == 1:
        seen.append(backbone.see(views[good], whole).embedding)
        owner.append(good)
    for _ in range(GLIMPSES if len(good) >= 4 else 0):
        chosen = rng.permutation(good)[: max(2, round(len(good) * rng.uniform(0.5, 0.9)))]
        rest = np.setdiff1d(np.arange(len(views)), chosen)
        seen.append(backbone.see(views[rest], reference_of(views[chosen])).embedding)
        owner.append(rest)
    return np.concatenate(seen), np.concatenate(owner)


def _choose(seen: NDArray[np.float32], truth: NDArray[np.int64], runs: NDArray[np.int64]) -> float:
    """Choose the regularisation with the lowest loss on runs left out."""
    folds = min(FOLDS, len(np.unique(runs)))
    if folds < 2:
        return DEFAULT_STRENGTH
    losses: dict[float, list[float]] = {strength: [] for strength in STRENGTHS}
    for inside, outside in GroupKFold(folds).split(seen, truth, runs):
        if len(np.unique(truth[inside])) < len(np.unique(truth)):
            continue
        for strength, found in losses.items():
            kernel, bias = _regress(seen[inside], truth[inside], int(truth.max()) + 1, strength)
            logits = seen[outside] @ kernel + bias
            logits -= logits.max(axis=1, keepdims=True)
            chance = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            for label in np.unique(truth[outside]):
                mine = truth[outside] == label
                found.append(-float(chance[mine, label].mean()))
    if not losses[STRENGTHS[0]]:
        return DEFAULT_STRENGTH
    return min(losses, key=lambda strength: float(np.mean(losses[strength])))


def _regress(
    seen: NDArray[np.float32], truth: NDArray[np.int64], labels: int, strength: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit a logistic regression; each label counts the same. Gives kernel and bias."""
    middle, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), FLOOR)
    model: Any = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    model.fit((seen - middle) / spread, truth)
    rows, offset = model.coef_, model.intercept_
    if labels == 2:
        rows, offset = np.vstack([-rows, rows]) / 2, np.array([-offset[0], offset[0]]) / 2
    kernel = (rows / spread).T
    bias = offset - middle @ kernel
    return kernel.astype(np.float32), bias.astype(np.float32)
