"""How well references alone tell good from odd images: trials, kept as they are made."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.bench.similarity_sets import Images, real, simulated
from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.looks import looks_at
from pipeline.vision.similarity import fit
from pipeline.vision.span import coarse_of

VERSION: Final = 2
DIGITS: Final = 6
FINE: Final = 4
"""View pixels that are one, where a nearest neighbour is sought in pixels: 40 x 30."""
Progress = Callable[[str], None]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be tried."""

    plots: tuple[str, ...]
    real: tuple[Path, ...]
    references: tuple[int, ...]
    good: int
    """Good images of each simulated plot to be judged."""
    odd: int
    """Images with a fault."""
    repeats: int
    """Other choices of references, simulated."""
    real_repeats: int
    seed: int


def run(plan: Plan, backbone: Backbone | None, file: Path | None, tell: Progress) -> list[Result]:
    """Try references; what the file holds is not tried again.

    Args:
        plan: What is to be tried.
        backbone: Adds its looks; None goes without.
        file: JSON lines, one a trial, written as they are made; None keeps nothing.
        tell: Called with one line after each plot.

    Returns:
        All trials of the plan, those of the file among them.

    Raises:
        InputError: The file holds something else, or a folder cannot be used.
    """
    key = {
        "v": VERSION,
        "seed": plan.seed,
        "good": plan.good,
        "odd": plan.odd,
        "most": max(plan.references),
        "backbone": backbone.card.sha256 if backbone else "",
    }
    kept = _read(file, key)
    results = []
    for name, load, repeats in _sets(plan):
        wanted = [(count, repeat) for count in plan.references for repeat in range(repeats)]
        there = {(one["references"], one["repeat"]): one for one in kept if one["set"] == name}
        images = load() if set(wanted) - set(there) else None
        for number, repeat in wanted:
            one = there.get((number, repeat))
            if one is None and images is not None:
                one = {**key, **judge(images, number, repeat, backbone)}
                if file is not None:
                    with file.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(one) + "\n")
            results.append(one)
        tell(f"{name}: {len(wanted)} trials, {len(set(wanted) & set(there))} were there")
    return [one for one in results if one is not None]


def _sets(plan: Plan) -> Iterator[tuple[str, Callable[[], Images], int]]:
    most = max(plan.references)
    for plot in plan.plots:
        yield (
            plot,
            lambda plot=plot: simulated(plot, most, plan.good, plan.odd, plan.seed),  # type: ignore[misc]
            plan.repeats,
        )
    for folder in plan.real:
        yield folder.name, lambda folder=folder: real(folder), plan.real_repeats  # type: ignore[misc]


def _read(file: Path | None, key: dict[str, Any]) -> list[Result]:
    """Read the trials of this very plan and backbone from a file."""
    if file is None or not file.exists():
        return []
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [row for row in rows if all(row[name] == value for name, value in key.items())]
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} does not hold trials of references ({error!r}): give another file"
        ) from error


def judge(images: Images, references: int, repeat: int, backbone: Backbone | None) -> Result:
    """Make one trial.

    Args:
        images: Of the plot.
        references: How many references at most.
        repeat: Another one, another choice of references.
        backbone: Adds its looks; None goes without.

    Returns:
        A JSON object: of every image judged its label, run, similarity, surprise and
        the distance to the nearest reference in coarse pixels.
    """
    trial = images.trial(references, repeat)
    ready = fit(images.views[trial.known], backbone, images.runs[trial.known])
    judged = np.concatenate([trial.fine, trial.odd])
    looks = looks_at(images.views[judged], ready.gallery, backbone)
    surprise = ready.surprise(looks)
    return {
        "set": images.name,
        "real": images.real,
        "references": references,
        "repeat": repeat,
        "label": images.labels[judged].tolist(),
        "run": images.runs[judged].tolist(),
        "similarity": _short(ready.of(surprise)),
        "surprise": _short(surprise),
        "pixels": _short(nearest_in_pixels(images.views, trial.known, judged)),
    }


def nearest_in_pixels(
    views: NDArray[np.uint8], known: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Give the distance, grey levels, of some views to the nearest known one: what is to be beaten.

    Args:
        views: (N, h, w, 5) of a plot.
        known: Indices of those that are known.
        others: Indices of those that are judged.
    """
    mine = coarse_of(views[known], FINE)
    found = [
        np.sqrt(((mine - one) ** 2).mean(axis=1).min()) for one in coarse_of(views[others], FINE)
    ]
    return np.array(found, np.float32)


def _short(values: NDArray[np.float32]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
