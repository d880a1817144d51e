"""A classifier from a handful of labels: a small head on the pretrained backbone.

Needs scikit-learn of the training extra, not TensorFlow; takes seconds.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from pipeline.errors import LabelError
from pipeline.vision.backbone import Backbone
from pipeline.vision.evidence import BOUND, Head, Sizes, evidence_of, sizes_of
from pipeline.vision.reference import Sums, reference_of, views_of

GOOD: Final = "Good"
SEEN_STRENGTHS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse strengths of the regularisation that are tried on runs left out."""
PIXEL_STRENGTHS: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Likewise for the pixels, which are not brought to one spread."""
DEFAULT: Final = 4
"""Index of the strength taken when there are too few runs to try."""
SHARES: Final = (0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 1.0)
"""Weights of the part that compares that are tried on runs left out."""
EVEN: Final = 0.5
EVEN_BONUS: Final = 0.02
"""Loss that a share must win for each step of 1 away from even, lest chance choose it."""
FOLDS: Final = 5
GLIMPSES: Final = 3
"""How often each training image is seen next to another choice of references."""
FLOOR: Final = 1e-3
"""Smallest spread of a feature that counts; a feature that never changes tells nothing."""
ENOUGH: Final = 64
"""Numbers that a part counts as, however many it has."""
LEAST: Final = 1e-9
Matrix = NDArray[np.float64]
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


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
    weights: NDArray[np.float32] | None = None,
) -> Head:
    """Fit a head to labelled images.

    The Good images are the references, all images where none is Good. A
    training image that is a reference itself is seen next to the others, as an
    unknown image will be. Two logistic regressions, on what the backbone sees
    next to the references and on coarse pixels, are added with the weight that
    does best on runs left out.

    Args:
        backbone: The backbone.
        views: (N, h, w, 5) uint8.
        truth: (N,) index into ``labels``.
        runs: (N,) run of each image; regularisation is chosen on runs left out.
        labels: At least two, each with an image.
        seed: Same seed and images, same head.
        weights: (N,) how much each image counts; None when all count the same.

    Raises:
        LabelError: A label has no image.
    """
    counts = np.bincount(truth, minlength=len(labels))
    if len(labels) < 2 or not counts.all():
        listed = ", ".join(f"{label} {n}" for label, n in zip(labels, counts, strict=True))
        raise LabelError(f"expected at least two labels with an image each, received {listed}")
    good = np.flatnonzero(truth == labels.index(GOOD)) if GOOD in labels else np.arange(len(truth))
    evidence, owner = _glimpses(backbone, views, good, seed)
    sizes, given = sizes_of(backbone), truth[owner]
    folds = _folds(given, runs[owner], seed)
    middle, scale = _scales(evidence, sizes)
    flat = np.clip((evidence - middle) * scale, -BOUND, BOUND).astype(np.float64)
    counted = np.ones(len(owner)) if weights is None else weights[owner].astype(np.float64)
    # Matrices this small are slower in several threads, many times so on busy cores.
    with threadpool_limits(1):
        seen = _part(flat[:, : sizes.seen], given, counted, folds, SEEN_STRENGTHS)
        pixels = _part(flat[:, sizes.seen :], given, counted, folds, PIXEL_STRENGTHS)
    share = _share(seen.outside, pixels.outside, given)
    return Head(
        labels=labels,
        reference=reference_of(views[good]),
        middle=middle,
        scale=scale,
        kernel=np.vstack([share * seen.kernel, (1 - share) * pixels.kernel]).astype(np.float32),
        bias=(share * seen.bias + (1 - share) * pixels.bias).astype(np.float32),
        strength=seen.strength,
        share=share,
    )


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
        seen.append(evidence_of(backbone, views[others], whole))
        owner.append(others)
    for index in good if len(good) > 1 else []:
        alone = sums.reference(without=place[int(index)])
        seen.append(evidence_of(backbone, views[index : index + 1], alone))
        owner.append(np.array([index]))
    if len(good) == 1:
        seen.append(evidence_of(backbone, views[good], whole))
        owner.append(good)
    for _ in range(GLIMPSES if len(good) >= 4 else 0):
        chosen = rng.permutation(good)[: max(2, round(len(good) * rng.uniform(0.5, 0.9)))]
        rest = np.setdiff1d(np.arange(len(views)), chosen)
        seen.append(evidence_of(backbone, views[rest], reference_of(views[chosen])))
        owner.append(rest)
    return np.concatenate(seen), np.concatenate(owner)


def _scales(
    evidence: NDArray[np.float32], sizes: Sizes
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bring what was compared to one spread, and leave pixels as they are."""
    middle = evidence.mean(axis=0)
    scale = 1.0 / np.maximum(evidence.std(axis=0), FLOOR)
    scale[sizes.seen :] = 1.0
    return middle.astype(np.float32), scale.astype(np.float32)


def _folds(truth: NDArray[np.int64], runs: NDArray[np.int64], seed: int) -> list[Fold]:
    """Leave runs out, a fold at a time; only folds that keep every label."""
    number = min(FOLDS, len(np.unique(runs)), int(np.bincount(truth).min()))
    if number < 2:
        return []
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    labels = len(np.unique(truth))
    return [
        (inside, outside)
        for inside, outside in splitter.split(truth, truth, runs)
        if len(np.unique(truth[inside])) == labels
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """One logistic regression."""

    kernel: Matrix
    bias: Matrix
    strength: float
    outside: Matrix | None
    """(N, C) logarithms of the probabilities on runs left out; NaN where none was."""


def _part(
    evidence: Matrix,
    truth: NDArray[np.int64],
    counted: Matrix,
    folds: list[Fold],
    strengths: tuple[float, ...],
) -> _Part:
    """Fit one part with the regularisation that does best on runs left out."""
    level = np.sqrt(ENOUGH / evidence.shape[1])
    # The penalty is the same in any rotation: as many columns as images will do.
    left, spread, right = np.linalg.svd(evidence * level, full_matrices=False)
    turned = left * spread
    chosen, outside = strengths[DEFAULT], None
    if folds:
        tried = {one: np.full((len(truth), int(truth.max()) + 1), np.nan) for one in strengths}
        for strength, logs in tried.items():
            for inside, out in folds:
                fitted = _regress(turned[inside], truth[inside], counted[inside], strength)
                logs[out] = _log_softmax(turned[out] @ fitted[0] + fitted[1])
        chosen = min(tried, key=lambda strength: _loss(tried[strength], truth))
        outside = tried[chosen]
    kernel, bias = _regress(turned, truth, counted, chosen)
    return _Part(right.T @ kernel * level, bias, chosen, outside)


def _share(seen: Matrix | None, pixels: Matrix | None, truth: NDArray[np.int64]) -> float:
    """Choose how much the part that compares counts."""
    if seen is None or pixels is None:
        return EVEN

    def loss(share: float) -> float:
        mixed = _log_softmax(share * seen + (1 - share) * pixels)
        return _loss(mixed, truth) + EVEN_BONUS * abs(share - EVEN)

    return min(SHARES, key=loss)


def _loss(logs: Matrix, truth: NDArray[np.int64]) -> float:
    """Mean loss of the labels, each counting the same."""
    known = ~np.isnan(logs[:, 0])
    picked = np.maximum(logs[np.arange(len(truth)), truth], np.log(LEAST))
    labels = np.unique(truth[known])
    return -float(np.mean([picked[known & (truth == label)].mean() for label in labels]))


def _log_softmax(logits: Matrix) -> Matrix:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _regress(
    evidence: Matrix, truth: NDArray[np.int64], counted: Matrix, strength: float
) -> tuple[Matrix, Matrix]:
    """Fit a logistic regression; each label counts the same. Gives kernel and bias."""
    model: Any = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    model.fit(evidence, truth, sample_weight=counted)
    rows, offset = model.coef_, model.intercept_
    if len(rows) == 1:
        rows, offset = np.vstack([-rows, rows]) / 2, np.array([-offset[0], offset[0]]) / 2
    return np.asarray(rows.T, np.float64), np.asarray(offset, np.float64)
