"""Labelled sets of drawings: which plots, under which conditions, with which faults."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from simulation.detector import seed_of
from simulation.drawing import Conditions, Fault
from simulation.faults import check, plot_kind
from simulation.record import Recorder
from simulation.render import draw

BEAM_OFF: Final = 0.1
"""Share of the images without beam."""
FIRST_TIME: Final = 1_793_491_200.0
"""2026-11-01 00:00 UTC, when the run period begins."""
CHUNK_S: Final = 600.0
CHUNKS: Final = 20
"""Chunks of one run in a set."""
TABLE: Final = "labels.csv"
"""The labels of a set as 'hydra-ioc labels import' takes them."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One drawing to be made."""

    plot: str
    conditions: Conditions
    faults: tuple[Fault, ...]
    seed: int


def statistics(rng: np.random.Generator) -> float:
    """Draw how many events a chunk has, relative to a nominal one: 0.5 to 3."""
    return float(np.clip(rng.lognormal(0.0, 0.35), 0.5, 3.0))


def kinds_for(plot: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """Give those of some kinds of fault that make sense on a plot."""
    return tuple(kind for kind in plot_kind(plot).faults if kind in kinds)


def shots(
    plot: str,
    count: int,
    *,
    kinds: Sequence[str],
    share: float = 0.5,
    first_run: int = 131_458,
    seed: int = 0,
) -> Iterator[Shot]:
    """Plan a set of drawings of one plot.

    Args:
        plot: A name of ``PLOTS``.
        count: How many.
        kinds: Faults to take turns; those that make no sense here are left out.
        share: Share of the drawings that have a fault, 0 to 1.
        first_run: Runs count up from here, ``CHUNKS`` drawings each.
        seed: Same seed, same plan.

    Yields:
        One shot after the other.

    Raises:
        CommandError: The plot is unknown.
    """
    fitting = kinds_for(plot, kinds)
    rng = np.random.default_rng([*seed_of(plot, "set"), seed])
    turn = 0
    for index in range(count):
        faults: tuple[Fault, ...] = ()
        beam_on = True
        if fitting and rng.random() < share:
            faults = (Fault(fitting[turn % len(fitting)], plot),)
            turn += 1
        elif rng.random() < BEAM_OFF:
            beam_on = False
        conditions = Conditions(
            run=first_run + index // CHUNKS,
            chunk=index % CHUNKS,
            statistics=statistics(rng),
            beam_on=beam_on,
            time=FIRST_TIME + index * CHUNK_S,
        )
        yield Shot(plot, conditions, faults, int(rng.integers(2**31)))


def write_set(
    folder: Path,
    plots: Sequence[str],
    count: int,
    *,
    kinds: Sequence[str],
    share: float,
    first_run: int,
    seed: int,
) -> int:
    """Write a labelled set: PNG files by run, ``truth.jsonl`` and a table of the labels.

    Args:
        folder: Where to; made if it is not there.
        plots: Names of plots.
        count: Images of each.
        kinds: Faults to take turns.
        share: Share of the images that have a fault.
        first_run: Number of the first run.
        seed: Same seed, same images.

    Returns:
        Number of images.

    Raises:
        CommandError: A plot or a fault is unknown, or a fault fits none of the plots.
        OSError: The folder cannot be written.
    """
    for kind in kinds:
        if not any(kind in plot_kind(plot).faults for plot in plots):
            check(kind, plots[0])
    recorder = Recorder(folder, folder / "truth.jsonl")
    lines = []
    for plot in plots:
        plan = shots(plot, count, kinds=kinds, share=share, first_run=first_run, seed=seed)
        for shot in plan:
            drawing = draw(shot.plot, shot.conditions, shot.faults, shot.seed)
            path = recorder.write(drawing, shot.conditions)
            lines.append((plot, str(path.relative_to(folder)), drawing.truth.label))
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("plot", "path", "label"))
        table.writerows(lines)
    return len(lines)
