"""Measure what adapting references does, and what it would do without a bound.

``python -m tests.benchmarks.reference_drift RF_time noise 0.06`` blends Good plots
with a fault, a given share of it, as a slow change would. Some of 20 references are
replaced by such images; it prints how like the references further changed images,
unchanged ones and the whole fault are.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hydra_ioc.adaptation import drift_of
from hydra_ioc.simulated import EVALUATION, sample
from pipeline.vision.references import backbone_for, compile_references
from pipeline.vision.serving import ServedModel, load
from simulation.drawing import Fault

COUNT = 20
Image = NDArray[np.uint8]


def drawn(plot: str, kind: str, index: int) -> NDArray[np.float64]:
    """Draw a plot, or its twin with a fault."""
    faults = (Fault(kind),) if kind else ()
    rng = np.random.default_rng([index, EVALUATION])
    one = sample(plot, EVALUATION, index, rng, faults=faults)
    return cv2.resize(one.draw().pixels, (320, 240), interpolation=cv2.INTER_AREA).astype(float)


def changed(plot: str, kind: str, share: float, indices: range) -> list[Image]:
    """Give images on their way from Good to a fault."""
    return [
        ((1 - share) * drawn(plot, "", i) + share * drawn(plot, kind, i)).astype(np.uint8)
        for i in indices
    ]


def made(plot: str, images: Sequence[Image], store: Path) -> ServedModel:
    """Make references of images, each of a run of its own."""
    tensors = {f"{number:064x}": image for number, image in enumerate(images)}
    runs = {key: number for number, key in enumerate(tensors)}
    backbone = backbone_for((240, 320, 3))
    return load(store / compile_references(tensors, runs, store, plot, backbone=backbone).digest)


def similar(model: ServedModel, images: Sequence[Image]) -> NDArray[np.float64]:
    """Give the similarity of images."""
    return np.array([model.run(one[None], maps=False).probabilities[0, 0] for one in images])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plot")
    parser.add_argument("kind")
    parser.add_argument("share", type=float)
    given = parser.parse_args()
    good = changed(given.plot, given.kind, 0.0, range(COUNT))
    new = changed(given.plot, given.kind, given.share, range(100, 100 + COUNT))
    now = changed(given.plot, given.kind, given.share, range(200, 240))
    before = changed(given.plot, given.kind, 0.0, range(300, 340))
    fault = changed(given.plot, given.kind, 1.0, range(400, 420))
    with tempfile.TemporaryDirectory() as folder:
        for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            count = round(share * COUNT)
            model = made(given.plot, [*good[count:], *new[:count]], Path(folder))
            found, past, bad = (similar(model, one) for one in (now, before, fault))
            print(
                f"replaced {share:.0%}: changed median {np.median(found):.2g}"
                f" (drift {drift_of(found.tolist()):.2f}), below 0.01 {(found < 0.01).mean():.0%},"
                f" below 0.002 {(found < 0.002).mean():.0%}; unchanged median"
                f" {np.median(past):.2g}; highest of the fault {bad.max():.2g}",
                flush=True,
            )


if __name__ == "__main__":
    main()
