"""What emulated faults are worth: trained on them alone, judged on true ones.

Two models of the same architecture and size of training: one has seen Good
images and emulated faults only, the other Good images and the simulation's
true faults. Both judge true faults of runs that neither has seen.
"""

import dataclasses
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hydra_ioc.bench.emulated import Plan, Progress, test_set, training_set
from pipeline.errors import InputError
from pipeline.vision.dataset import Dataset
from pipeline.vision.evaluation import Rate
from pipeline.vision.maps import heat_inside
from simulation.drawing import BAD, GOOD, LABELS

MODELS: Final = ("emulated", "true")
BATCH: Final = 16
Result = dict[str, Any]
Judged = tuple[NDArray[np.float32], NDArray[np.float32] | None]
"""Weights (N, C) and maps (N, C, h, w), where there are any."""


def run(
    plots: Sequence[str], plan: Plan, file: Path | None, progress: Progress
) -> Iterator[Result]:
    """Train the models of every plot and judge true faults with them.

    Args:
        plots: Plots of the simulated experiment.
        plan: How much is tried.
        file: Where results are kept, one JSON object a line, as soon as a model has been
            judged; what is in there already is not tried again.
        progress: Called with a line now and then.

    Yields:
        For each plot and model: plot, model, rates by kind, heat inside by kind.

    Raises:
        InputError: The file holds something else.
    """
    kept = _read(file)
    for plot in plots:
        test: tuple[Dataset, list[str]] | None = None
        for model in MODELS:
            key = {"plot": plot, "model": model, **dataclasses.asdict(plan)}
            there = [one for one in kept if all(one.get(name) == key[name] for name in key)]
            if there:
                progress(f"{plot}, {model} faults: was there")
                yield there[0]
                continue
            test = test or test_set(plot, plan, _shape(plan), progress)
            one = {**key, **_judge(plot, plan, test, model == "emulated", progress)}
            if file is not None:
                with file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(one) + "\n")
            yield one


def _read(file: Path | None) -> list[Result]:
    if file is None or not file.exists():
        return []
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} does not hold results of this command ({error}): give another file"
        ) from error
    if not all(isinstance(row, dict) and "model" in row for row in rows):
        raise InputError(f"{file} does not hold results of this command: give another file")
    return rows


def _shape(plan: Plan) -> tuple[int, int, int]:
    if plan.few:
        from pipeline.vision.backbone import shipped

        return shipped().card.input_shape
    from pipeline.vision.fitting import Settings

    return Settings().input_shape


def _judge(
    plot: str,
    plan: Plan,
    test: tuple[Dataset, list[str]],
    emulated: bool,
    progress: Progress,
) -> Result:
    data = training_set(plot, plan, _shape(plan), emulated=emulated, progress=progress)
    progress(f"{plot}: training on {data.counts()}")
    judged, kinds = test
    if plan.few:
        judges = _few(plot, plan, data, judged.images)
    else:
        judges = _net(plan, data, judged.images, progress)
    weights, maps = judges
    given = weights.argmax(axis=1)
    return {"rates": _rates(given, judged, kinds), "heat": _heat(given, maps, judged, kinds)}


def _few(plot: str, plan: Plan, data: Dataset, images: NDArray[np.uint8]) -> Judged:
    """Train on the pretrained backbone, as ``hydra-ioc train`` does with few images."""
    from pipeline.vision.backbone import shipped
    from pipeline.vision.fewshot_training import save_few, train_few
    from pipeline.vision.serving import load

    few = train_few(shipped(), dataclasses.replace(data, labels=LABELS[:2]), plan.seed)
    with tempfile.TemporaryDirectory(prefix="hy") as folder:
        model = load(Path(folder) / save_few(few, shipped(), Path(folder), (plot,)))
        out = [model.run(images[first : first + BATCH]) for first in range(0, len(images), BATCH)]
    return (
        np.concatenate([one.probabilities for one in out]),
        np.concatenate([one.maps for one in out]),
    )


def _net(plan: Plan, data: Dataset, images: NDArray[np.uint8], progress: Progress) -> Judged:
    """Train the small net from scratch."""
    from pipeline.vision.fitting import Settings
    from pipeline.vision.training import predict, train

    settings = Settings(epochs=plan.epochs, seed=plan.seed, validation=0.2, good_odds=2.0)
    trained = train(data, settings, lambda line: progress(f"  {line}"))
    return predict(trained.network.model, images), None


def _heat(
    given: NDArray[np.int64],
    maps: NDArray[np.float32] | None,
    test: Dataset,
    kinds: list[str],
) -> dict[str, float]:
    """Give, by kind, the median share of the heat of Bad inside the fault, where judged Bad."""
    if maps is None or test.regions is None:
        return {}
    bad, found = LABELS.index(BAD), {}
    for kind in dict.fromkeys(kinds):
        shares = [
            heat_inside(maps[index, bad], test.regions[index])
            for index, name in enumerate(kinds)
            if name == kind and given[index] == bad and test.regions[index].any()
        ]
        if shares:
            found[kind] = round(statistics.median(shares), 4)
    return found


def _rates(given: NDArray[np.int64], test: Dataset, kinds: list[str]) -> Result:
    right = given == test.truth
    flagged = given != LABELS.index(GOOD)
    names = np.array(kinds)
    rates: Result = {}
    for kind in dict.fromkeys(kinds):
        chosen = names == kind
        if kind == "good":
            rates["false alarms"] = _rate(flagged[chosen])
        else:
            rates[kind] = _rate(right[chosen])
    rates["all faults"] = _rate(right[names != "good"])
    return rates


def _rate(hits: NDArray[np.bool_]) -> Result:
    return Rate(int(hits.sum()), len(hits)).as_json()
