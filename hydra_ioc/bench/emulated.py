"""What emulated faults are worth: trained on them alone, judged on true ones.

Two models of the same architecture and size of training: one has seen Good
images and emulated faults only, the other Good images and the simulation's
true faults. Both judge true faults of runs that neither has seen.
"""

import csv
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.simulated import EVALUATION, REGION_CELL, TRAINING, Sample, region_mask, sample
from pipeline.messages import Shape
from pipeline.vision.channel_map import ChannelMap, read_map
from pipeline.vision.dataset import Dataset
from pipeline.vision.emulation import Change, Unseen, emulate, scan, vary
from pipeline.vision.evaluation import Rate
from pipeline.vision.preprocess import prepare
from simulation.channel_map import COLUMNS, table
from simulation.detector import seed_of
from simulation.drawing import GOOD, HEIGHT, LABELS, WIDTH, Fault
from simulation.plots import PLOTS

TRUE_KINDS: Final = {
    "dead-crate": "dead-crate",
    "dead-slot": "dead-slot",
    "dead-channel": "dead-channel",
    "hv-off": "hv-off",
    "hot-channel": "hot-channel",
    "light-leak": "light-leak",
    "timing-shift": "shift",
    "empty": "empty",
}
"""Kind of emulation by the simulation's kind of fault."""
DEFAULT_PLOTS: Final = ("FCAL_occupancy", "TOF_occupancy", "CDC_occupancy")
GOOD_SHARE: Final = 0.5
MOST_CHANGES: Final = 60
"""Knock-outs of a kind that are tried on a good plot, drawn from all of them."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One image to be made: drawn, and perhaps changed."""

    sample: Sample
    change: Change | None
    shape: Shape


def channel_map(plot: str) -> ChannelMap:
    """Give the channel map of a simulated plot."""
    with tempfile.TemporaryDirectory(prefix="hy") as folder:
        file = Path(folder) / "cells.csv"
        write_map(plot, file)
        return read_map(file)


def write_map(plot: str, file: Path) -> int:
    """Write the channel map of a simulated plot.

    Args:
        plot: A plot of the simulated experiment.
        file: Where to.

    Returns:
        How many rows it has.

    Raises:
        CommandError: There is no such plot.
    """
    rows = table(plot)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def compare(
    plot: str, *, images: int, faulty: int, epochs: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """Train both models of a plot and judge true faults with them.

    Args:
        plot: A plot of the simulated experiment.
        images: Training images of each model, half of them Good.
        faulty: True faults of each kind to be judged; three times as many Good.
        epochs: Of each training.
        seed: Of images, splits and weights.
        progress: Called with a line now and then.

    Returns:
        Recall of each kind and false Bad of both models, as counts with intervals.
    """
    from pipeline.vision.fitting import Settings
    from pipeline.vision.training import predict, train

    settings = Settings(epochs=epochs, seed=seed, validation=0.2, good_odds=2.0)
    shape = settings.input_shape
    kinds = [kind for kind in PLOTS[plot].faults if kind in TRUE_KINDS]
    test, truth_kinds = _test_set(plot, kinds, faulty, seed, shape)
    result: dict[str, Any] = {"plot": plot, "images": images, "epochs": epochs, "models": {}}
    for name in ("emulated", "true"):
        data = _training_set(plot, kinds, images, seed, shape, emulated=name == "emulated")
        progress(f"{plot}: training on Good and {name} faults: {data.counts()}")
        trained = train(data, settings, lambda line: progress(f"  {line}"))
        given = predict(trained.network.model, test.images).argmax(axis=1)
        result["models"][name] = _rates(given, test, truth_kinds)
    return result


def compare_few(
    plot: str, *, images: int, faulty: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """As ``compare``, with models of the pretrained backbone: Good and Bad, few images.

    Args:
        plot: A plot of the simulated experiment.
        images: Training images of each model, half of them Good.
        faulty: True faults of each kind to be judged; three times as many Good.
        seed: Of images and folds.
        progress: Called with a line now and then.
    """
    from pipeline.vision import backbone
    from pipeline.vision.fewshot_training import save_few, train_few
    from pipeline.vision.serving import load

    body = backbone.load()
    shape = body.card.input_shape
    kinds = [kind for kind in PLOTS[plot].faults if kind in TRUE_KINDS and kind != "empty"]
    test, truth_kinds = _test_set(plot, kinds, faulty, seed, shape)
    result: dict[str, Any] = {"plot": plot, "images": images, "models": {}}
    for name in ("emulated", "true"):
        data = _training_set(plot, kinds, images, seed, shape, emulated=name == "emulated")
        data = replace(data, labels=LABELS[:2])
        progress(f"{plot}: a few images, Good and {name} faults: {data.counts()}")
        few = train_few(body, data, seed)
        with tempfile.TemporaryDirectory(prefix="hy") as folder:
            model = load(Path(folder) / save_few(few, body, Path(folder), (plot,)))
            weights = [
                model.run(test.images[first : first + 16], maps=False).probabilities
                for first in range(0, len(test), 16)
            ]
        result["models"][name] = _rates(np.concatenate(weights).argmax(axis=1), test, truth_kinds)
    return result


def _training_set(
    plot: str, kinds: list[str], images: int, seed: int, shape: Shape, *, emulated: bool
) -> Dataset:
    rng = np.random.default_rng([*seed_of(plot, "emulated"), seed])
    channels = channel_map(plot)
    good = sample(plot, TRAINING, 0, rng, faults=()).draw().pixels
    visible = {kind: _visible(good, channels, TRUE_KINDS[kind]) for kind in kinds}
    jobs = []
    for index in range(images):
        kind = kinds[index // 2 % len(kinds)] if index % round(1 / GOOD_SHARE) else ""
        faults = (Fault(kind),) if kind and not emulated else ()
        one = sample(plot, TRAINING, index, rng, faults=faults)
        change = None
        if kind and emulated:
            choices = visible[kind]
            change = vary(choices[int(rng.integers(len(choices)))], rng)
        jobs.append(Job(one, change, shape))
    return _make(jobs)


def _visible(good: NDArray[np.uint8], channels: ChannelMap, kind: str) -> list[Change]:
    """Leave out what would not show, such as a channel that has long been dead."""
    rng = np.random.default_rng(seed_of(kind, "visible"))
    changes = list(scan(channels, kind))
    chosen = rng.permutation(len(changes))[:MOST_CHANGES]
    found = []
    for index in chosen:
        try:
            emulate(good, channels, changes[int(index)])
        except Unseen:
            continue
        found.append(changes[int(index)])
    return found


def _test_set(
    plot: str, kinds: list[str], faulty: int, seed: int, shape: Shape
) -> tuple[Dataset, list[str]]:
    rng = np.random.default_rng([*seed_of(plot, "judged"), seed])
    wanted = ["good"] * (3 * faulty) + [kind for kind in kinds for _ in range(faulty)]
    jobs = []
    for index, kind in enumerate(wanted):
        faults = () if kind == "good" else (Fault(kind),)
        jobs.append(Job(sample(plot, EVALUATION, index, rng, faults=faults), None, shape))
    return _make(jobs), wanted


def _make(jobs: list[Job], workers: int = 2) -> Dataset:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        made = list(pool.map(_render, jobs, chunksize=8))
    return Dataset(
        np.stack([image for image, _, _ in made]),
        np.array([LABELS.index(label) for _, _, label in made], np.int64),
        np.array([job.sample.conditions.run for job in jobs], np.int64),
        LABELS,
        tuple(f"{job.sample.plot}-{index}" for index, job in enumerate(jobs)),
        np.stack([region for _, region, _ in made]),
    )


@lru_cache(maxsize=4)
def _map_of(plot: str) -> ChannelMap:
    return channel_map(plot)


def _render(job: Job) -> tuple[NDArray[np.uint8], NDArray[np.bool_], str]:
    drawing = job.sample.draw()
    pixels, label = drawing.pixels, drawing.truth.label
    boxes = drawing.truth.regions
    if job.change is not None:
        done = emulate(pixels, _map_of(job.sample.plot), job.change)
        pixels, label = done.pixels, done.label
        boxes = tuple(
            (
                int(left * WIDTH),
                int(top * HEIGHT),
                max(1, round((right - left) * WIDTH)),
                max(1, round((bottom - top) * HEIGHT)),
            )
            for left, top, right, bottom in done.regions
        )
    cells = (job.shape[0] // REGION_CELL, job.shape[1] // REGION_CELL)
    return prepare(pixels, "area-rgb", job.shape), region_mask(boxes, cells), label


def _rates(given: NDArray[np.int64], test: Dataset, kinds: list[str]) -> dict[str, Any]:
    right = given == test.truth
    flagged = given != LABELS.index(GOOD)
    names = np.array(kinds)
    rates: dict[str, Any] = {}
    for kind in dict.fromkeys(kinds):
        chosen = names == kind
        if kind == "good":
            rates["false alarms"] = _rate(flagged[chosen])
        else:
            rates[kind] = _rate(right[chosen])
    rates["all faults"] = _rate(right[names != "good"])
    return rates


def _rate(hits: NDArray[np.bool_]) -> dict[str, Any]:
    return Rate(int(hits.sum()), len(hits)).as_json()
