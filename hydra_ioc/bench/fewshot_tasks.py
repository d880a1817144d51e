"""The plot types of the few-shot benchmark: simulated ones, and folders of real ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.simulated import EVALUATION, TRAINING, Sample, dataset, sample
from hydra_ioc.titles import TITLE_ROWS
from pipeline.errors import InputError
from pipeline.vision.dataset import Dataset, Row, load_labelled, read_table
from simulation.detector import seed_of
from simulation.drawing import Fault
from simulation.plots import PLOTS

SIMULATED: Final = tuple(PLOTS)
"""All plot types of the demo."""
PREPROCESSING: Final = "area-rgb"
SHAPE: Final = (240, 320, 3)
REAL_TITLE_ROWS: Final = 26
"""Rows of 240 that hold the titles of the real sets; a bar may reach into the last of them."""
GOOD_IMAGES: Final = 60
FAULTY_IMAGES: Final = 60
NO_BEAM_IMAGES: Final = 52
"""Images of each side of a simulated task: enough for 50 of a class."""
GOOD: Final = "Good"
RUN_PATTERN: Final = r"(\d+)"
MAX_PIXELS: Final = 4_000_000
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Task:
    """Labelled images of one plot type."""

    name: str
    real: bool
    images: Dataset

    @property
    def title(self) -> int:
        """Rows from the top that hold the title."""
        return REAL_TITLE_ROWS if self.real else TITLE_ROWS

    def sides(self, repeat: int) -> tuple[Indices, Indices]:
        """Split into a pool to label from and a test side, whole runs only.

        Args:
            repeat: Makes the same split again. Simulated runs have their side for good.

        Returns:
            Indices of both sides.
        """
        if not self.real:
            side = self.images.runs % 2
            return np.flatnonzero(side == TRAINING), np.flatnonzero(side == EVALUATION)
        pool = _half_the_runs(self.images, repeat)
        chosen = np.isin(self.images.runs, pool)
        return np.flatnonzero(chosen), np.flatnonzero(~chosen)

    def choose(self, pool: Indices, size: int, repeat: int) -> Indices:
        """Choose images to label.

        Args:
            pool: Where to choose from.
            size: Images of each label; all where there are fewer.
            repeat: Makes the same choice again.
        """
        rng = np.random.default_rng([*seed_of(self.name, "labelled"), repeat])
        order = rng.permutation(pool)
        truth = self.images.truth[order]
        labels = range(len(self.images.labels))
        return np.concatenate([order[truth == label][:size] for label in labels])


def simulated_task(plot: str, workers: int, draw: str = "") -> Task:
    """Draw the images of a simulated plot type.

    Args:
        plot: One of the demo's.
        workers: Processes that draw.
        draw: Name of the draw; another name gives other images and other runs.
    """
    samples = [one for side in (TRAINING, EVALUATION) for one in _samples(plot, side, draw)]
    return Task(plot, False, _occurring(dataset(samples, PREPROCESSING, SHAPE, workers)))


def real_tasks(folder: Path) -> list[Task]:
    """Read a folder of real plots: ``labels.csv``, and the images beside it or in ``png``.

    Args:
        folder: Its name names the task.

    Returns:
        One task with the labels as they are; a second one that takes all labels
        that begin with ``BAD`` as one, where there are several.

    Raises:
        InputError: The table or an image cannot be read.
    """
    below = folder / "png"
    rows = read_table(below if below.is_dir() else folder, folder / "labels.csv", RUN_PATTERN)
    rows = [Row(row.file, _plain(row.label), row.run) for row in rows]
    images = load_labelled(rows, PREPROCESSING, SHAPE, MAX_PIXELS)
    tasks = [Task(folder.name, True, images)]
    if sum(map(_is_bad, images.labels)) > 1:
        tasks.append(Task(f"{folder.name}, one Bad", True, _merged(images)))
    return tasks


def cached(task_folder: Path, plot: str, workers: int, draw: str = "") -> Task:
    """Give a simulated task from a file, or draw it and write the file.

    Args:
        task_folder: Where the files lie.
        plot: One of the demo's.
        workers: Processes that draw.
        draw: Name of the draw; each has a folder below.
    """
    task_folder = task_folder / draw
    path = task_folder / f"{plot}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            names = tuple(str(name) for name in kept["names"])
            labels = tuple(str(label) for label in kept["labels"])
            images = Dataset(kept["images"], kept["truth"], kept["runs"], labels, names)
        return Task(plot, False, images)
    task = simulated_task(plot, workers, draw)
    task_folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        np.savez(
            file,
            images=task.images.images,
            truth=task.images.truth,
            runs=task.images.runs,
            labels=np.array(task.images.labels),
            names=np.array(task.images.names),
        )
    draft.rename(path)
    return task


def _samples(plot: str, side: int, draw: str) -> list[Sample]:
    names = (plot, "few-shot", draw) if draw else (plot, "few-shot")
    rng = np.random.default_rng([*seed_of(*names), side])
    kinds = PLOTS[plot].faults
    chosen: list[tuple[tuple[Fault, ...], bool]] = [((), True)] * GOOD_IMAGES
    chosen += [((Fault(kinds[n % len(kinds)]),), True) for n in range(FAULTY_IMAGES)]
    chosen += [((), False)] * NO_BEAM_IMAGES
    # Faults are mixed into the runs: neighbours share a run, and a run must not name a label.
    order = rng.permutation(len(chosen))
    return [
        sample(plot, side, index, rng, faults=chosen[pick][0], beam_on=chosen[pick][1])
        for index, pick in enumerate(order)
    ]


def _occurring(images: Dataset) -> Dataset:
    """Drop labels without an image."""
    kept = [index for index in range(len(images.labels)) if np.any(images.truth == index)]
    truth = np.array([kept.index(int(one)) for one in images.truth], np.int64)
    labels = tuple(images.labels[index] for index in kept)
    return Dataset(images.images, truth, images.runs, labels, images.names)


def _plain(label: str) -> str:
    return GOOD if label.upper() == "GOOD" else label


def _is_bad(label: str) -> bool:
    return label.upper().startswith("BAD")


def _merged(images: Dataset) -> Dataset:
    """Take all labels that begin with ``BAD`` as one."""
    new = ["BAD" if _is_bad(label) else label for label in images.labels]
    labels = tuple(dict.fromkeys(new))
    truth = np.array([labels.index(new[index]) for index in images.truth], np.int64)
    return Dataset(images.images, truth, images.runs, labels, images.names)


def _half_the_runs(images: Dataset, repeat: int) -> NDArray[np.int64]:
    """Choose half of the runs of every label, the rarest label first."""
    rng = np.random.default_rng([17, repeat])
    counts = np.bincount(images.truth, minlength=len(images.labels))
    pool: list[int] = []
    left = set(images.runs.tolist())
    for label in np.argsort(counts):
        runs = np.array(sorted(left & set(images.runs[images.truth == label].tolist())), np.int64)
        if len(runs) < 2 and not pool:
            raise InputError(
                f"expected label {images.labels[label]!r} in at least 2 runs, found {len(runs)}"
            )
        half = len(runs) // 2 + int(rng.integers(2)) * (len(runs) % 2)
        pool += rng.permutation(runs)[:half].tolist()
        left -= set(runs.tolist())
    return np.array(sorted(pool), np.int64)
