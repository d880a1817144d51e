"""Labelled images of the simulated experiment, for training and evaluation."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import Shape
from pipeline.vision.dataset import Dataset
from pipeline.vision.preprocess import prepare
from simulation.detector import seed_of
from simulation.drawing import HEIGHT, LABELS, WIDTH, Box, Conditions, Drawing, Fault
from simulation.plots import PLOTS
from simulation.render import draw

CHUNKS: Final = 2
"""Images of one run; detectors drift from run to run, so many runs teach more."""
TRAINING: Final = 0
"""Remainder by two of the run numbers of all trainings."""
EVALUATION: Final = 1
"""Remainder by two of the run numbers of all evaluations: never a run of a training."""
RUN_RANGE: Final = (500, 500_000)
"""Halves of the run numbers drawn. They are spread over all that a title can
show: a model that has seen few run numbers reads the title, and takes any other
number for a fault."""
CHUNK_RANGE: Final = (0, 1000)
"""Chunk numbers drawn; they stand on the plot as well."""
NO_BEAM: Final = 0.03
"""Share of training images without beam."""
FAULTY: Final = 0.5
"""Share of training images with a fault."""
RARE: Final = {"dead-channel": 2.5, "hot-channel": 1.5, "empty": 0.7}
"""How much more often than others a fault is drawn: the subtle ones need more examples."""
REGION_CELL: Final = 8
"""Width in input pixels of one cell of a region mask; the model's maps have the same."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What is to be drawn."""

    plot: str
    conditions: Conditions
    faults: tuple[Fault, ...]
    seed: int

    @property
    def kind(self) -> str:
        """Name of the fault, ``good`` or ``no-beam``."""
        if not self.conditions.beam_on:
            return "no-beam"
        return "+".join(fault.kind for fault in self.faults) or "good"

    def draw(self) -> Drawing:
        """Draw it."""
        return draw(self.plot, self.conditions, self.faults, self.seed)


def training_samples(plot: str, count: int, seed: int) -> Iterator[Sample]:
    """Choose what to draw for a training: faults half of the time, the subtle ones more often.

    Args:
        plot: A plot of the simulated experiment.
        count: How many.
        seed: Same seed, same samples.

    Yields:
        ``count`` samples in runs of ``CHUNKS``.
    """
    rng = np.random.default_rng([*seed_of(plot, "training"), seed])
    kinds = PLOTS[plot].faults
    weights = np.array([RARE.get(kind, 1.0) for kind in kinds])
    weights /= weights.sum()
    for index in range(count):
        draw_of = rng.random()
        faults: tuple[Fault, ...] = ()
        if draw_of > 1.0 - FAULTY:
            faults = (Fault(str(rng.choice(kinds, p=weights))),)
        yield sample(plot, TRAINING, index, rng, faults=faults, beam_on=draw_of >= NO_BEAM)


def sample(
    plot: str,
    purpose: int,
    index: int,
    rng: np.random.Generator,
    *,
    faults: tuple[Fault, ...],
    beam_on: bool = True,
) -> Sample:
    """Choose the conditions of one image.

    Args:
        plot: A plot of the simulated experiment.
        purpose: ``TRAINING`` or ``EVALUATION``.
        index: Number of the image, from 0.
        rng: Source of statistics, time and seed.
        faults: What is wrong.
        beam_on: Whether there is beam.
    """
    conditions = Conditions(
        run=run_number(plot, purpose, index // CHUNKS),
        chunk=int(rng.integers(*CHUNK_RANGE)),
        statistics=float(np.exp(rng.uniform(np.log(0.5), np.log(3.0)))),
        beam_on=beam_on,
        time=float(rng.uniform(1.7e9, 1.9e9)),
    )
    return Sample(plot, conditions, faults, int(rng.integers(2**31)))


def run_number(plot: str, purpose: int, index: int) -> int:
    """Choose the number of a run.

    Args:
        plot: A plot of the simulated experiment.
        purpose: ``TRAINING`` or ``EVALUATION``.
        index: Number of the run within its purpose, from 0.
    """
    rng = np.random.default_rng([*seed_of(plot, "run"), purpose, index])
    return 2 * int(rng.integers(*RUN_RANGE)) + purpose


def dataset(samples: list[Sample], preprocessing: str, shape: Shape, workers: int) -> Dataset:
    """Draw and prepare samples of one plot.

    Args:
        samples: What to draw.
        preprocessing: Name in ``pipeline.vision.preprocess``.
        shape: Height, width and channels of the input.
        workers: Processes that draw.

    Returns:
        The data set with the regions of the faults.
    """
    images = np.empty((len(samples), *shape), np.uint8)
    regions = np.zeros((len(samples), shape[0] // REGION_CELL, shape[1] // REGION_CELL), np.bool_)
    truth = np.empty(len(samples), np.int64)
    jobs = ((one, preprocessing, shape) for one in samples)
    # Not forked: the parent may hold threads of TensorFlow.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        results = pool.map(_render, jobs, chunksize=16)
        for index, (image, region, label) in enumerate(results):
            images[index], regions[index], truth[index] = image, region, label
    return Dataset(
        images,
        truth,
        np.array([one.conditions.run for one in samples], np.int64),
        LABELS,
        tuple(f"{one.plot}-{one.kind}-{one.seed}" for one in samples),
        regions,
    )


def region_mask(boxes: tuple[Box, ...], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the cells that boxes on the canvas touch.

    Args:
        boxes: Left, top, width, height in pixels of the canvas.
        shape: Rows and columns of the mask, which spans the whole canvas.

    Returns:
        (rows, columns) mask.
    """
    mask = np.zeros(shape, np.bool_)
    per_row, per_column = HEIGHT / shape[0], WIDTH / shape[1]
    for left, top, width, height in boxes:
        rows = slice(int(top / per_row), int(np.ceil((top + height) / per_row)))
        columns = slice(int(left / per_column), int(np.ceil((left + width) / per_column)))
        mask[rows, columns] = True
    return mask


def _render(job: tuple[Sample, str, Shape]) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int]:
    one, preprocessing, shape = job
    drawing = one.draw()
    mask = region_mask(drawing.truth.regions, (shape[0] // REGION_CELL, shape[1] // REGION_CELL))
    return prepare(drawing.pixels, preprocessing, shape), mask, LABELS.index(drawing.truth.label)
