"""How well novelty tells faults of a kind that training has not seen.

Of every plot, each kind of fault is left out of what is described, in turn.
Half of the runs are described and calibrate; the other half is judged.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.bench.similarity import nearest_in_pixels
from hydra_ioc.bench.similarity_report import area_row
from hydra_ioc.bench.similarity_sets import GOOD, Images
from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.novelty_fitting import fit
from pipeline.vision.reference import reference_of
from pipeline.vision.span import coarse_of

PROMISES: Final = (0.01, 0.002)
"""Limits at which false alarms are counted."""
FEWEST: Final = 10
"""Known images, and unseen ones 3, below which a trial says nothing."""
FEWEST_UNSEEN: Final = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One kind left out of one plot."""

    plot: str
    kind: str
    known: NDArray[np.float32]
    """Novelty of images of the other runs, of known kinds."""
    good: NDArray[np.bool_]
    """Which of them are Good."""
    unseen: NDArray[np.float32]
    """Novelty of images of the kind left out."""
    runs: NDArray[np.int64]
    """Runs of both, the known ones first."""
    pixels: NDArray[np.float32]
    """Distances of both to the nearest described image in pixels."""
    real: bool

    def area(self, *, good: bool = False) -> float:
        """Give the area under the ROC curve, against all known images or the Good ones."""
        from sklearn.metrics import roc_auc_score

        known = self.known[self.good] if good else self.known
        scores = np.concatenate([known, self.unseen])
        truth = np.arange(len(scores)) >= len(known)
        return float(roc_auc_score(truth, -scores))


def trials(images: Images, backbone: Backbone, repeat: int) -> Iterable[Trial]:
    """Leave each kind out in turn.

    Args:
        images: Of one plot.
        backbone: The shipped one.
        repeat: Another one, another half of the runs.
    """
    rng = np.random.default_rng([repeat, 1])
    runs = np.unique(images.runs)
    inside = np.isin(images.runs, rng.permutation(runs)[: len(runs) // 2])
    good = images.labels == GOOD
    if not (good & inside).any():
        raise InputError(f"{images.name}: expected Good images in half of the runs")
    reference = reference_of(images.views[good & inside])
    embedding = backbone.see(images.views, reference).embedding
    coarse = coarse_of(images.views)
    for kind in sorted(set(images.labels.tolist()) - {GOOD}):
        mine = images.labels == kind
        described, judged = inside & ~mine, ~inside & ~mine
        # All of the kind left out count: none of them was described.
        if min(described.sum(), judged.sum()) < FEWEST or mine.sum() < FEWEST_UNSEEN:
            continue
        found = fit(
            embedding[described],
            images.runs[described],
            np.zeros(int(described.sum()), np.bool_),
            coarse[described],
        ).description
        both = np.concatenate([np.flatnonzero(judged), np.flatnonzero(mine)])
        yield Trial(
            images.name,
            kind,
            found.chance(embedding[judged], coarse[judged]),
            good[judged],
            found.chance(embedding[mine], coarse[mine]),
            images.runs[both],
            nearest_in_pixels(images.views, np.flatnonzero(described), both),
            images.real,
        )


def table(found: list[Trial]) -> str:
    """Write Markdown, a line for each plot and each kind of real plots."""
    limits = " | ".join(f"below {limit:g}: known" for limit in PROMISES)
    lines = [
        f"| plot | kinds left out | area against all known | against Good | {limits} |"
        f" below {PROMISES[0]:g}: unseen |",
        "|---|---|---|---|" + "---|" * (len(PROMISES) + 1),
    ]
    names = list(dict.fromkeys(one.plot for one in found))
    lines += [_line(name, [one for one in found if one.plot == name]) for name in names]
    lines.append(_line(f"mean of {len(names)}", found))
    if real := [one for one in found if one.real]:
        lines += ["", *_kinds(real)]
    return "\n".join(lines) + "\n"


def _kinds(real: list[Trial]) -> list[str]:
    """Compare every kind of real plots with pixels; runs are drawn for the interval."""
    lines = [
        "| set and kind left out | known, unseen | novelty | nearest neighbour in pixels |"
        " difference |",
        "|---|---|---|---|---|",
    ]
    for plot, kind in dict.fromkeys((one.plot, one.kind) for one in real):
        mine = [_result(one) for one in real if (one.plot, one.kind) == (plot, kind)]
        lines.append(area_row(plot, kind, mine))
    return lines


def _result(trial: Trial) -> dict[str, Any]:
    novelty = np.concatenate([trial.known, trial.unseen])
    return {
        "label": [GOOD] * len(trial.known) + [trial.kind] * len(trial.unseen),
        "run": trial.runs,
        "similarity": novelty,
        "surprise": -novelty,
        "pixels": trial.pixels,
    }


def _line(name: str, mine: list[Trial]) -> str:
    def mean(of: Callable[[Trial], float]) -> float:
        return float(np.mean([of(one) for one in mine]))

    kinds = len({(one.plot, one.kind) for one in mine})
    below = [
        f"{100 * mean(lambda one, limit=limit: (one.known < limit).mean()):.1f} %"  # type: ignore[misc]
        for limit in PROMISES
    ]
    caught = f"{100 * mean(lambda one: float((one.unseen < PROMISES[0]).mean())):.0f} %"
    cells: list[Any] = [name, kinds, f"{mean(Trial.area):.3f}"]
    cells += [f"{mean(lambda one: one.area(good=True)):.3f}", *below, caught]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def run(
    sets: Iterable[Callable[[], Images]],
    backbone: Backbone,
    repeats: int,
    tell: Callable[[str], None],
) -> list[Trial]:
    """Try all sets.

    Args:
        sets: Each gives the images of a plot.
        backbone: The shipped one.
        repeats: Halves of the runs that are tried of each.
        tell: Told a line for each.
    """
    found: list[Trial] = []
    for make in sets:
        images = make()
        mine = [one for repeat in range(repeats) for one in trials(images, backbone, repeat)]
        found += mine
        if mine:
            areas = ", ".join(
                f"{kind} {np.mean([one.area() for one in mine if one.kind == kind]):.3f}"
                for kind in dict.fromkeys(one.kind for one in mine)
            )
            tell(f"{images.name}: {areas}")
    return found


def write(found: list[Trial], file: Path | None) -> str:
    """Write the table, into a file too where one is given."""
    text = table(found)
    if file is not None:
        file.write_text(text, encoding="utf-8")
    return text
