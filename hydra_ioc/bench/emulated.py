"""Images that tell what emulated faults are worth: emulated ones, true ones, and the judged."""

import csv
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.simulated import EVALUATION, REGION_CELL, TRAINING, Sample, region_mask, sample
from pipeline.errors import InputError
from pipeline.messages import Shape
from pipeline.vision.channel_map import ChannelMap, read_map
from pipeline.vision.dataset import Dataset
from pipeline.vision.emulation import Change, Emulated, Unseen, emulate, scan, vary
from pipeline.vision.preprocess import prepare
from simulation.channel_map import COLUMNS, table
from simulation.detector import seed_of
from simulation.drawing import HEIGHT, LABELS, WIDTH, Fault
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
MOST_TRIED: Final = 20
"""Knock-outs tried on a good plot until one shows: some concern what has long been dead."""
TOLD: Final = 20
"""Images between two lines of progress."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One image to be made: drawn, and perhaps changed."""

    sample: Sample
    changes: tuple[Change, ...]
    """The first that shows is made; none leaves the image as drawn."""
    shape: Shape


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tried."""

    images: int
    """Training images of each model, half of them Good."""
    faulty: int
    """True faults of each kind to be judged; three times as many Good."""
    epochs: int
    """Of each training."""
    few: int | None
    """So many training images on the pretrained backbone instead; None trains a net."""
    seed: int
    """Of images, splits and weights."""


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


def training_set(
    plot: str, plan: Plan, shape: Shape, *, emulated: bool, progress: Progress
) -> Dataset:
    """Make Good images and faults, emulated or true, in turn.

    Args:
        plot: A plot of the simulated experiment.
        plan: How many, and the seed.
        shape: Of the images.
        emulated: Whether the faults are emulated in good images.
        progress: Called with a line now and then.
    """
    rng = np.random.default_rng([*seed_of(plot, "emulated"), plan.seed])
    kinds = kinds_of(plot, plan)
    channels = channel_map(plot)
    changes = {kind: list(scan(channels, TRUE_KINDS[kind])) for kind in kinds if emulated}
    jobs = []
    for index in range(plan.few or plan.images):
        kind = kinds[index // 2 % len(kinds)] if index % round(1 / GOOD_SHARE) else ""
        faults = (Fault(kind),) if kind and not emulated else ()
        one = sample(plot, TRAINING, index, rng, faults=faults)
        tried: tuple[Change, ...] = ()
        if kind and emulated:
            chosen = rng.choice(len(changes[kind]), min(MOST_TRIED, len(changes[kind])), False)
            tried = tuple(vary(changes[kind][int(number)], rng) for number in chosen)
        jobs.append(Job(one, tried, shape))
    what = "emulated" if emulated else "true"
    return _make(jobs, lambda line: progress(f"{plot}, {what} faults: {line}"))


def test_set(plot: str, plan: Plan, shape: Shape, progress: Progress) -> tuple[Dataset, list[str]]:
    """Draw Good images and true faults of runs of their own.

    Args:
        plot: A plot of the simulated experiment.
        plan: How many of each kind, and the seed.
        shape: Of the images.
        progress: Called with a line now and then.

    Returns:
        The images, and the kind of each.
    """
    rng = np.random.default_rng([*seed_of(plot, "judged"), plan.seed])
    wanted = ["good"] * (3 * plan.faulty)
    wanted += [kind for kind in kinds_of(plot, plan) for _ in range(plan.faulty)]
    jobs = []
    for index, kind in enumerate(wanted):
        faults = () if kind == "good" else (Fault(kind),)
        jobs.append(Job(sample(plot, EVALUATION, index, rng, faults=faults), (), shape))
    return _make(jobs, lambda line: progress(f"{plot}, to be judged: {line}")), wanted


def kinds_of(plot: str, plan: Plan) -> list[str]:
    """Give the faults of a plot that are emulated; with few images none that is NoData."""
    kinds = [kind for kind in PLOTS[plot].faults if kind in TRUE_KINDS]
    return [kind for kind in kinds if kind != "empty"] if plan.few else kinds


def _make(jobs: list[Job], tell: Progress, workers: int = 2) -> Dataset:
    context = multiprocessing.get_context("spawn")
    made = []
    with ProcessPoolExecutor(workers, context) as pool:
        for done in pool.map(_render, jobs, chunksize=4):
            made.append(done)
            if len(made) % TOLD == 0 or len(made) == len(jobs):
                tell(f"{len(made)} of {len(jobs)} images")
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
    if job.changes:
        done = _first_seen(pixels, _map_of(job.sample.plot), job.changes)
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


def _first_seen(
    pixels: NDArray[np.uint8], channels: ChannelMap, changes: tuple[Change, ...]
) -> Emulated:
    last: Unseen | None = None
    for change in changes:
        try:
            return emulate(pixels, channels, change)
        except Unseen as error:
            last = error
    raise InputError(f"none of {len(changes)} changes shows on this plot: {last}") from last
