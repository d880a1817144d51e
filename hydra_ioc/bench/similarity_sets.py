"""Images that references are tried on: simulated plot types and folders of real plots."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.simulated import EVALUATION, TRAINING, sample
from pipeline.errors import InputError
from pipeline.vision.preprocess import decode, prepare
from pipeline.vision.reference import views_of
from simulation.detector import seed_of
from simulation.drawing import Fault
from simulation.plots import PLOTS

SHAPE: Final = (240, 320, 3)
MAX_PIXELS: Final = 50_000_000
GOOD: Final = "GOOD"
POOL: Final = 2
"""Good images that may be references, for each that is one at most."""


@dataclass(frozen=True, slots=True)
class Images:
    """All images of a plot, of which a trial takes some as references."""

    name: str
    views: NDArray[np.uint8]
    """(N, h, w, 5)."""
    labels: NDArray[np.str_]
    """(N,): ``GOOD``, or what is wrong."""
    runs: NDArray[np.int64]
    """(N,)."""
    real: bool

    def trial(self, references: int, repeat: int) -> "Trial":
        """Choose references of half of the runs; the rest is judged.

        Args:
            references: How many at most.
            repeat: Another one, another choice.

        Raises:
            InputError: A half holds no Good image.
        """
        rng = np.random.default_rng([repeat, references])
        good = self.labels == GOOD
        runs = np.unique(self.runs[good])
        inside = np.isin(self.runs, rng.permutation(runs)[: len(runs) // 2])
        known = rng.permutation(np.flatnonzero(good & inside))[:references]
        fine = np.flatnonzero(good & ~inside)
        if not len(known) or not len(fine):
            raise InputError(f"{self.name}: expected Good images of two runs or more")
        return Trial(known, fine, np.flatnonzero(~good))


@dataclass(frozen=True, slots=True)
class Trial:
    """Which images are references and which are judged, as indices."""

    known: NDArray[np.int64]
    fine: NDArray[np.int64]
    odd: NDArray[np.int64]


def simulated(plot: str, references: int, good: int, odd: int, seed: int) -> Images:
    """Draw a simulated plot type; every image is of a run of its own.

    Args:
        plot: A plot of the simulated experiment.
        references: The most references that a trial takes.
        good: Good images to be judged.
        odd: Images with a fault, each kind in turn.
        seed: Same seed, same images.
    """
    rng = np.random.default_rng([*seed_of(plot, "references"), seed])
    kinds = PLOTS[plot].faults

    def drawn(
        count: int, purpose: int, faults: Callable[[int], tuple[Fault, ...]]
    ) -> Iterator[tuple[NDArray[np.uint8], int]]:
        for index in range(count):
            one = sample(plot, purpose, 2 * index, rng, faults=faults(index))
            yield (
                views_of(prepare(one.draw().pixels, "area-rgb", SHAPE)),
                one.conditions.run,
            )

    fine = list(drawn(max(POOL * references, 2 * good), TRAINING, lambda _: ()))
    bad = list(drawn(odd, EVALUATION, lambda index: (Fault(kinds[index % len(kinds)]),)))
    labels = [GOOD] * len(fine) + [kinds[index % len(kinds)] for index in range(odd)]
    return Images(
        plot,
        np.stack([view for view, _ in fine + bad]),
        np.array(labels),
        np.array([run for _, run in fine + bad], np.int64),
        real=False,
    )


def real(folder: Path) -> Images:
    """Read a folder of real plots.

    Args:
        folder: Holds ``labels.csv`` (file, run, label; GOOD is good) and ``png/``.

    Raises:
        InputError: The table lacks a column or an image cannot be used.
        FileError: An image is none.
    """
    views, labels, runs = [], [], []
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                path, label, run = folder / "png" / row["file"], row["label"], int(row["run"])
            except (KeyError, ValueError) as error:
                raise InputError(
                    f"{folder / 'labels.csv'} line {line}: expected file, run and label: {error!r}"
                ) from error
            # The table may list more than there is.
            if path.exists():
                pixels = decode(path.read_bytes(), MAX_PIXELS)
                views.append(views_of(prepare(pixels, "area-rgb", SHAPE)))
                labels.append(label)
                runs.append(run)
    if not views:
        raise InputError(f"{folder}: expected images in png/ that labels.csv lists, found none")
    return Images(folder.name, np.stack(views), np.array(labels), np.array(runs), real=True)
