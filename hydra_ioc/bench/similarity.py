"""How well references alone tell good from odd images, in figures."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hydra_ioc.simulated import EVALUATION, TRAINING, sample
from pipeline.vision.backbone import Backbone
from pipeline.vision.looks import looks_at
from pipeline.vision.preprocess import decode, prepare
from pipeline.vision.reference import views_of
from pipeline.vision.similarity import fit
from simulation.detector import seed_of
from simulation.drawing import Fault
from simulation.plots import PLOTS

SHAPE = (240, 320, 3)
TINY = (40, 30)
"""Width and height of the images that the nearest neighbour compares."""
MAX_PIXELS = 50_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one plot."""

    name: str
    good: int
    odd: int
    area: float
    """Under the ROC curve of the similarity."""
    alarms: float
    """Share of good images whose similarity is below 0.01."""
    recall: float
    """Share of odd images whose similarity is below 0.01."""
    pixels: float | None = None
    """Area of the distance to the nearest reference in pixels."""


def simulated(
    references: int, good: int, odd: int, backbone: Backbone | None, seed: int
) -> Iterator[Found]:
    """Judge every simulated plot by references alone; runs of references are never judged.

    Args:
        references: Good images that are references.
        good: Further good images.
        odd: Images with a fault, each kind in turn.
        backbone: Adds its look; None goes without.
        seed: Same seed, same images.
    """
    for plot, kind in PLOTS.items():
        rng = np.random.default_rng([*seed_of(plot, "references"), seed])

        def views(
            count: int, purpose: int, faults: Callable[[int], tuple[Fault, ...]]
        ) -> NDArray[np.uint8]:
            drawn = (
                sample(plot, purpose, 2 * index, rng, faults=faults(index))  # noqa: B023
                for index in range(count)
            )
            return np.stack(
                [views_of(prepare(one.draw().pixels, "area-rgb", SHAPE)) for one in drawn]
            )

        known = views(references, TRAINING, lambda _: ())
        fine = views(good, EVALUATION, lambda _: ())
        kinds = kind.faults
        bad = views(odd, EVALUATION, lambda index: (Fault(kinds[index % len(kinds)]),))  # noqa: B023
        yield _judge(plot, known, fine, bad, backbone)


def real(folder: Path, references: int, backbone: Backbone | None, repeats: int) -> Iterator[Found]:
    """Judge a set of real plots by references of some runs and the rest by them.

    Args:
        folder: Holds ``labels.csv`` (file, run, label; GOOD is good) and ``png/``.
        references: Good images that are references, of half of the runs.
        backbone: Adds its look; None goes without.
        repeats: How often other runs are chosen.
    """
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (folder / "png" / row["file"]).exists()]
    tensors = [
        prepare(decode((folder / "png" / row["file"]).read_bytes(), MAX_PIXELS), "area-rgb", SHAPE)
        for row in rows
    ]
    views = np.stack([views_of(tensor) for tensor in tensors])
    tiny = np.stack([cv2.resize(one, TINY, interpolation=cv2.INTER_AREA) for one in tensors])
    labels, runs = np.array([r["label"] for r in rows]), np.array([int(r["run"]) for r in rows])
    for label in sorted(set(labels) - {"GOOD"}):
        parts = []
        for repeat in range(repeats):
            rng = np.random.default_rng(repeat)
            inside = np.isin(runs, rng.permutation(np.unique(runs))[: len(np.unique(runs)) // 2])
            known = rng.permutation(np.flatnonzero((labels == "GOOD") & inside))[:references]
            rest = np.flatnonzero((labels == "GOOD") & ~inside)
            odd = np.flatnonzero(labels == label)
            plain = _nearest(tiny[known], tiny[np.r_[rest, odd]])
            found = _judge(label, views[known], views[rest], views[odd], backbone)
            parts.append((found, _area(plain, len(rest))))
        yield Found(
            f"{folder.name} {label}",
            parts[0][0].good,
            parts[0][0].odd,
            area=float(np.mean([one.area for one, _ in parts])),
            alarms=float(np.mean([one.alarms for one, _ in parts])),
            recall=float(np.mean([one.recall for one, _ in parts])),
            pixels=float(np.mean([area for _, area in parts])),
        )


def _judge(
    name: str,
    known: NDArray[np.uint8],
    fine: NDArray[np.uint8],
    bad: NDArray[np.uint8],
    backbone: Backbone | None,
) -> Found:
    ready = fit(known, backbone)
    looks = looks_at(np.concatenate([fine, bad]), ready.gallery, backbone)
    striking = ready.surprise(looks)
    similar = ready.of(striking)
    return Found(
        name,
        len(fine),
        len(bad),
        _area(striking, len(fine)),
        float((similar[: len(fine)] < 0.01).mean()),
        float((similar[len(fine) :] < 0.01).mean()),
    )


def _nearest(known: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    near = known.reshape(len(known), -1).astype(np.float32)
    return np.array(
        [float(np.sqrt(((near - one.ravel()) ** 2).sum(axis=1)).min()) for one in others]
    )


def _area(scores: NDArray[Any], fine: int) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(np.arange(len(scores)) >= fine, scores))
