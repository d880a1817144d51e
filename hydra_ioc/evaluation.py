"""Judging simulated runs never seen in training with the models of a release."""

import multiprocessing
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.known_dead import heat_on, known_dead
from hydra_ioc.release import read_index
from hydra_ioc.simulated import EVALUATION, Sample, region_mask, sample
from hydra_ioc.titles import BLANKED, KEPT, blank, exchange
from pipeline.errors import ModelError
from pipeline.vision.calibration import measured_error
from pipeline.vision.card import ModelCard
from pipeline.vision.evaluation import Rate
from pipeline.vision.maps import heat_inside
from pipeline.vision.operating import at_rate
from pipeline.vision.preprocess import prepare
from pipeline.vision.serving import ServedModel, load
from simulation.detector import seed_of
from simulation.drawing import BAD, GOOD, Fault
from simulation.plots import PLOTS

WHOLE_PADS: Final = ("empty", "noise")
"""Faults that are everywhere: a heat map can point at nothing."""
ACCURACY: Final = 0.995
RECALL: Final = 0.98
FALSE_BAD: Final = 0.001
CALIBRATION: Final = 0.02
"""Largest expected calibration error."""
RECALL_AT_RATE: Final = 0.99
"""Recall of Bad at the threshold that lets ``FALSE_BAD`` of the good images through."""
HEAT_INSIDE: Final = 0.8
"""Share of the heat, median over the images of a fault, that must lie inside."""
DEAD_SHOWN: Final = 0.01
"""Largest share of maps of a loss that may highlight a known dead channel too."""
LOSSES: Final = ("dead-channel", "dead-slot", "dead-crate", "hv-off")
"""Faults that look like a known dead channel. One that changes the colours of the
whole plot, such as a hot channel, makes everything depart from the normal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model said of one drawing, and what was true."""

    plot: str
    kind: str
    """Name of the fault, ``good`` or ``no-beam``."""
    run: int
    seed: int
    truth: str
    label: str
    weight: float
    confirmed: bool
    heat_inside: float | None
    """Share of the heat of Bad inside the fault's region, for localised faults."""
    dead_heat: float | None = None
    """Share of it on known dead channels away from the fault; None without any."""
    dead_shown: bool | None = None
    """Whether the map highlights such a channel."""
    bad: float = 0.0
    """Weight of Bad."""
    titled: str = ""
    """Label that the model gives with the title in its place, where that was taken away."""

    @property
    def right(self) -> bool:
        """Whether label and truth agree."""
        return self.label == self.truth


def evaluation_samples(
    plots: list[str], good: int, faulty: int, no_beam: int, seed: int
) -> Iterator[Sample]:
    """Choose what to draw: runs of their own, every fault of every plot.

    Args:
        plots: Plots of the simulated experiment.
        good: Good images of each plot.
        faulty: Images of each plot and fault.
        no_beam: Images of each plot without beam.
        seed: Same seed, same samples.

    Yields:
        The samples.
    """
    for plot in plots:
        rng = np.random.default_rng([*seed_of(plot, "evaluation"), seed])
        wanted: list[tuple[tuple[Fault, ...], bool]] = [((), True)] * good
        for kind in PLOTS[plot].faults:
            wanted += [((Fault(kind),), True)] * faulty
        wanted += [((), False)] * no_beam
        for index, (faults, beam_on) in enumerate(wanted):
            yield sample(plot, EVALUATION, index, rng, faults=faults, beam_on=beam_on)


def judge_all(
    samples: list[Sample], models: Path, workers: int, titles: str = KEPT
) -> list[Verdict]:
    """Draw, prepare and judge samples as the pipeline would.

    Args:
        samples: What to draw.
        models: Holds an index of models and their folders.
        workers: Processes, one inference thread each.
        titles: One of ``hydra_ioc.titles.WAYS``: kept, blanked, or exchanged with that of
            another run and time.

    Returns:
        One verdict a sample, in order.

    Raises:
        ModelError: A plot has no model, or a model does not match its card.
    """
    index = read_index(models)
    if missing := sorted({one.plot for one in samples} - set(index)):
        raise ModelError(f"{models} holds no model for {', '.join(missing)}")
    jobs = ((one, str(models / index[one.plot]), titles) for one in samples)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        return list(pool.map(_judge, jobs, chunksize=16))


def summary(verdicts: list[Verdict]) -> dict[str, Any]:
    """Count verdicts into one JSON object.

    Args:
        verdicts: From ``judge_all``.

    Returns:
        Rates with 95 % intervals over all, by fault and by plot; whether each
        target is met; every mistake.
    """
    good = [one for one in verdicts if one.kind == "good"]
    kinds = sorted({one.kind for one in verdicts} - {"good"})
    faults = {kind: _fault([one for one in verdicts if one.kind == kind]) for kind in kinds}
    accuracy, false_bad = _right(verdicts), _false_bad(good)
    losses = [one for one in verdicts if one.kind in LOSSES]
    return {
        "images": len(verdicts),
        "runs": len({(one.plot, one.run) for one in verdicts}),
        "accuracy": accuracy.as_json(),
        "false_bad": false_bad.as_json(),
        "false_bad_confirmed": _rate(
            [one.label == BAD and one.confirmed for one in good]
        ).as_json(),
        "faults": faults,
        **(trust := _trust(verdicts)),
        "known_dead_shown": _dead_shown(losses).as_json(),
        "plots": {plot: _plot(verdicts, plot) for plot in sorted({v.plot for v in verdicts})},
        "targets": {
            "accuracy": bool((accuracy.value or 0.0) >= ACCURACY),
            "recall": all((one["recall"]["value"] or 0.0) >= RECALL for one in faults.values()),
            "false_bad": bool(good) and false_bad.hits <= FALSE_BAD * false_bad.total,
            "heat": all(
                one["heat_inside"] >= HEAT_INSIDE
                for one in faults.values()
                if one["heat_inside"] is not None
            ),
            "known_dead": _dead_shown(losses).hits <= DEAD_SHOWN * _dead_shown(losses).total,
            "calibration": trust["calibration_error"]["value"] <= CALIBRATION,
            "recall_at_rate": (trust["bad_at_rate"]["recall"]["value"] or 0.0) >= RECALL_AT_RATE,
        },
        "titles": _titles(verdicts),
        "mistakes": [
            {
                "plot": one.plot,
                "kind": one.kind,
                "run": one.run,
                "seed": one.seed,
                "truth": one.truth,
                "label": one.label,
                "weight": round(one.weight, 4),
                "confirmed": one.confirmed,
            }
            for one in verdicts
            if not one.right
        ],
    }


def _trust(verdicts: list[Verdict]) -> dict[str, Any]:
    """Tell whether the weights mean what they say, and what the best threshold reaches."""
    # A run of one plot type has nothing to do with the same number of another.
    _, runs = np.unique([f"{one.plot} {one.run}" for one in verdicts], return_inverse=True)
    error = measured_error(
        np.array([one.weight for one in verdicts]),
        np.array([one.right for one in verdicts], np.bool_),
        runs,
    )
    reached = at_rate(
        np.array([one.bad for one in verdicts]),
        np.array([one.truth == BAD for one in verdicts], np.bool_),
        np.array([one.truth == GOOD for one in verdicts], np.bool_),
        runs,
        rate=FALSE_BAD,
    )
    return {
        "calibration_error": error.as_json(),
        "bad_at_rate": {
            "rate": FALSE_BAD,
            "recall": reached.recall.as_json(),
            "false": reached.false.as_json(),
            "thresholds": list(reached.thresholds),
            "allowed": list(reached.allowed),
        },
    }


def _titles(verdicts: list[Verdict]) -> dict[str, Any] | None:
    """Tell what taking the title away changed; None where it was kept."""
    mine = [one for one in verdicts if one.titled]
    if not mine:
        return None
    return {
        "changed": _rate([one.label != one.titled for one in mine]).as_json(),
        "accuracy_kept": _rate([one.titled == one.truth for one in mine]).as_json(),
        "plots": {
            plot: sum(one.label != one.titled for one in mine if one.plot == plot)
            for plot in sorted({one.plot for one in mine})
        },
    }


def _plot(verdicts: list[Verdict], plot: str) -> dict[str, Any]:
    mine = [one for one in verdicts if one.plot == plot]
    kinds = sorted({one.kind for one in mine} - {"good"})
    return {
        "accuracy": _right(mine).as_json(),
        "false_bad": _false_bad([one for one in mine if one.kind == "good"]).as_json(),
        "faults": {kind: _fault([one for one in mine if one.kind == kind]) for kind in kinds},
    }


def _fault(verdicts: list[Verdict]) -> dict[str, Any]:
    heats = [one.heat_inside for one in verdicts if one.heat_inside is not None]
    dead = [one.dead_heat for one in verdicts if one.dead_heat is not None]
    return {
        "recall": _right(verdicts).as_json(),
        "confirmed": _rate([one.right and one.confirmed for one in verdicts]).as_json(),
        "heat_inside": round(statistics.median(heats), 4) if heats else None,
        "known_dead_shown": _dead_shown(verdicts).as_json(),
        "known_dead_heat": round(statistics.fmean(dead), 5) if dead else None,
    }


def _dead_shown(verdicts: list[Verdict]) -> Rate:
    return _rate([one.dead_shown for one in verdicts if one.dead_shown is not None])


def _right(verdicts: list[Verdict]) -> Rate:
    return _rate([one.right for one in verdicts])


def _false_bad(good: list[Verdict]) -> Rate:
    return _rate([one.label == BAD for one in good if one.truth == GOOD])


def _rate(hits: list[bool]) -> Rate:
    return Rate(sum(hits), len(hits))


@lru_cache(maxsize=64)
def _model(folder: str) -> ServedModel:
    return load(Path(folder))


def _retitled(tensor: NDArray[np.uint8], one: Sample, card: ModelCard) -> NDArray[np.uint8]:
    """Put the title of another run and time over an image of the same plot type."""
    rng = np.random.default_rng([one.seed, 1])
    other = sample(one.plot, EVALUATION, int(rng.integers(1_000_000)), rng, faults=())
    pixels = prepare(other.draw().pixels, card.preprocessing, card.input_shape)
    return exchange(tensor, pixels)


def _judge(job: tuple[Sample, str, str]) -> Verdict:
    one, folder, titles = job
    model = _model(folder)
    drawing = one.draw()
    tensor = prepare(drawing.pixels, model.card.preprocessing, model.card.input_shape)
    titled = ""
    if titles != KEPT:
        titled = model.card.labels[int(model.run(tensor[None]).probabilities[0].argmax())]
        tensor = blank(tensor) if titles == BLANKED else _retitled(tensor, one, model.card)
    outputs = model.run(tensor[None])
    weights = outputs.probabilities[0]
    best = int(weights.argmax())
    label = model.card.labels[best]
    heat, dead = None, None
    if drawing.truth.label == label == BAD and one.kind not in WHOLE_PADS:
        activation = outputs.maps[0, best]
        shape = (activation.shape[0], activation.shape[1])
        fault = region_mask(drawing.truth.regions, shape)
        heat = heat_inside(activation, fault)
        dead = heat_on(activation, known_dead(one.plot, shape), fault)
    return Verdict(
        plot=one.plot,
        kind=one.kind,
        run=one.conditions.run,
        seed=one.seed,
        truth=drawing.truth.label,
        label=label,
        weight=float(weights[best]),
        confirmed=bool(weights[best] >= model.card.thresholds[label]),
        heat_inside=heat,
        dead_heat=None if dead is None else dead[0],
        dead_shown=None if dead is None else dead[1],
        bad=float(weights[model.card.labels.index(BAD)]),
        titled=titled,
    )
