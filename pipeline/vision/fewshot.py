"""A classifier from a handful of labels: a small head on the pretrained backbone.

Needs scikit-learn of the training extra, not TensorFlow; takes seconds.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from pipeline.errors import LabelError
from pipeline.vision.backbone import Backbone
from pipeline.vision.evidence import BOUND, Head, Sizes, evidence_of, sizes_of
from pipeline.vision.reference import Reference, Sums, reference_of, views_of
from pipeline.vision.strangeness import (
    FEWEST,
    Strangeness,
    gallery_of,
    measure_of,
    planes_of,
    strangeness_of,
)

GOOD: Final = "Good"
VERSION: Final = 3
"""Of what a head weighs and how; raised with every change, so that no benchmark mixes them."""
SEEN_STRENGTH: Final = 0.1
"""Inverse strength of the regularisation of the part that compares.

Source:
    The best of 0.03, 0.1 and 0.3 on 21 simulated plot types and two real ones, 10 labels per
    class; the choice on runs left out, of so few images, did worse than any of them.
"""
PIXEL_STRENGTH: Final = 30.0
"""Likewise for the pixels, which are not brought to one spread."""
STRANGE_WEIGHT: Final = 10.0
"""Spreads of other evidence that one spread of strangeness is worth.

Source:
    As above, of 2 to 10: with less, a dead channel does not outweigh the rest.
"""
TEMPERATURE: Final = 0.45
"""By what the logits are divided: so strong a regularisation is less sure than it is right.

Source:
    As above, the least loss on runs not labelled; 0.44 to 0.47 with any plot type left out.
"""
SHARES: Final = (0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 1.0)
"""Weights of the part that compares that are tried on runs left out."""
EVEN: Final = 0.5
FOLDS: Final = 5
GLIMPSES: Final = 3
"""How often each training image is seen next to another choice of references."""
LOOKS: Final = 1000
"""Images seen next to other choices, at most: many show enough by themselves."""
MOST_REFERENCES: Final = 200
"""Good images that are references, at most: each is seen next to all others, which would
grow with the square of their number."""
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

    The Good images are the references, all images where none is Good, some of very many. A
    training image that is a reference itself is seen next to the others, as an
    unknown image will be. Two logistic regressions, on what the backbone sees
    next to the references and on coarse pixels, are added with the weights that
    do well on runs left out. The temperature is that of other plot types.

    Args:
        backbone: The backbone.
        views: (N, h, w, 5) uint8.
        truth: (N,) index into ``labels``.
        runs: (N,) run of each image; the weights come from runs left out.
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
    good = _references(truth, labels, seed)
    glimpses = _glimpses(backbone, views, good, seed)
    sizes, owner, given = sizes_of(backbone), glimpses.owner, truth[glimpses.owner]
    folds = _folds(given, runs[owner], seed)
    middle, scale = _scales(glimpses.evidence, sizes)
    flat = np.clip((glimpses.evidence - middle) * scale, -BOUND, BOUND).astype(np.float64)
    strange = _strangeness(planes_of(views[good]), glimpses, np.isin(owner, good), len(labels))
    compared = np.column_stack([flat[:, : sizes.seen], _weighed(strange, glimpses)])
    counted = np.ones(len(owner)) if weights is None else weights[owner].astype(np.float64)
    # Matrices this small are slower in several threads, many times so on busy cores.
    with threadpool_limits(1):
        seen = _part(compared, given, counted, folds, SEEN_STRENGTH)
        pixels = _part(flat[:, sizes.seen :], given, counted, folds, PIXEL_STRENGTH)
    share = _share(seen.outside, pixels.outside, given, runs[owner])
    kernel = np.vstack([share * seen.kernel[: sizes.seen], (1 - share) * pixels.kernel])
    return Head(
        labels=labels,
        reference=reference_of(views[good]),
        middle=middle,
        scale=scale,
        kernel=kernel.astype(np.float32),
        bias=(share * seen.bias + (1 - share) * pixels.bias).astype(np.float32),
        strength=SEEN_STRENGTH,
        share=share,
        strange=_speaking(strange, share * seen.kernel[sizes.seen :]),
    ).cooled(TEMPERATURE)


def _references(truth: NDArray[np.int64], labels: tuple[str, ...], seed: int) -> NDArray[np.int64]:
    good = np.arange(len(truth))
    if GOOD in labels:
        good = np.flatnonzero(truth == labels.index(GOOD))
    if len(good) <= MOST_REFERENCES:
        return good
    chosen = np.random.default_rng([seed, len(good)]).choice(good, MOST_REFERENCES, replace=False)
    return np.sort(chosen)


@dataclass(frozen=True, slots=True)
class _Glimpses:
    """Images next to one choice of references after the other."""

    evidence: NDArray[np.float32]
    """(G, E)."""
    strangeness: NDArray[np.float32]
    """(G,)."""
    owner: NDArray[np.int64]
    """(G,) index of the image."""


def _strangeness(
    references: NDArray[np.uint8], glimpses: _Glimpses, good: NDArray[np.bool_], labels: int
) -> Strangeness | None:
    """Make strangeness ready, its kernel still zero; None where a Good image is alone."""
    if len(references) < FEWEST:
        return None
    middle, scale = measure_of(glimpses.strangeness[good])
    return Strangeness(gallery_of(references), middle, scale, np.zeros(labels, np.float32))


def _weighed(strange: Strangeness | None, glimpses: _Glimpses) -> Matrix:
    """Give strangeness as a column (G, 1) of the evidence, (G, 0) without."""
    if strange is None:
        return np.empty((len(glimpses.owner), 0))
    return STRANGE_WEIGHT * strange.spreads(glimpses.strangeness)[:, None]


def _speaking(strange: Strangeness | None, kernel: Matrix) -> Strangeness | None:
    """Give strangeness its kernel, (1, C) of the column that it was weighed as."""
    if strange is None:
        return None
    return replace(strange, kernel=(STRANGE_WEIGHT * kernel[0]).astype(np.float32))


def _glimpses(
    backbone: Backbone, views: NDArray[np.uint8], good: NDArray[np.int64], seed: int
) -> _Glimpses:
    """See every image next to all references but itself, and next to some of them."""
    rng = np.random.default_rng(seed)
    sums, planes = Sums(views[good]), planes_of(views)
    evidence, strangeness, owner = [], [], []

    def look(images: NDArray[np.int64], members: NDArray[np.int64], reference: Reference) -> None:
        evidence.append(evidence_of(backbone, views[images], reference))
        strangeness.append(strangeness_of(planes[images], gallery_of(planes[members])))
        owner.append(images)

    others = np.setdiff1d(np.arange(len(views)), good)
    if len(others):
        look(others, good, sums.reference())
    for place, index in enumerate(good if len(good) > 1 else []):
        look(np.array([index]), np.delete(good, place), sums.reference(without=place))
    if len(good) == 1:
        look(good, good, sums.reference())
    for _ in range(min(GLIMPSES, LOOKS // len(views)) if len(good) >= 4 else 0):
        chosen = rng.permutation(good)[: max(2, round(len(good) * rng.uniform(0.5, 0.9)))]
        look(np.setdiff1d(np.arange(len(views)), chosen), chosen, reference_of(views[chosen]))
    return _Glimpses(np.concatenate(evidence), np.concatenate(strangeness), np.concatenate(owner))


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
    outside: Matrix | None
    """(N, C) logarithms of what it says of images left out; None without folds."""


def _part(
    evidence: Matrix,
    truth: NDArray[np.int64],
    counted: Matrix,
    folds: list[Fold],
    strength: float,
) -> _Part:
    """Fit one part, and judge runs left out."""
    level = np.sqrt(ENOUGH / evidence.shape[1])
    # The penalty is the same in any rotation: as many columns as images will do.
    left, spread, right = np.linalg.svd(evidence * level, full_matrices=False)
    turned = left * spread
    outside = None
    if folds:
        outside = np.full((len(truth), int(truth.max()) + 1), np.nan)
        for inside, out in folds:
            fitted = _regress(turned[inside], truth[inside], counted[inside], strength)
            outside[out] = _log_softmax(turned[out] @ fitted[0] + fitted[1])
    kernel, bias = _regress(turned, truth, counted, strength)
    return _Part(right.T @ kernel * level, bias, outside)


def _share(
    seen: Matrix | None, pixels: Matrix | None, truth: NDArray[np.int64], runs: NDArray[np.int64]
) -> float:
    """Say how much the part that compares counts: the mean of the shares, each by its evidence.

    Images of a run are alike, so a label is told by as many pieces as the rarest label has
    runs. With a handful of runs chance would choose a share of nothing or of all.

    Source:
        Hoeting et al. 1999, Stat. Sci. 14, 382: averaging over models by their likelihood.
    """
    if seen is None or pixels is None:
        return EVEN
    labels = np.unique(truth)
    pieces = len(labels) * min(len(np.unique(runs[truth == label])) for label in labels)
    losses = np.array(
        [_loss(_log_softmax(share * seen + (1 - share) * pixels), truth) for share in SHARES]
    )
    likelihood = np.exp(-(losses - losses.min()) * pieces)
    return float(likelihood @ SHARES / likelihood.sum())


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
