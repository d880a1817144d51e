"""The few-shot benchmark: how good a classifier is from 5 to 50 labels per class.

Every result is written as soon as it is there; a later call adds what is missing.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hydra_ioc.bench.fewshot_methods import Method, methods
from hydra_ioc.bench.fewshot_tasks import SIMULATED, Task, cached, real_tasks
from hydra_ioc.bench.fewshot_unlabelled import REFERENCES, areas
from pipeline.errors import InputError
from pipeline.vision.backbone import Backbone
from pipeline.vision.calibration import calibration_error, reliability
from pipeline.vision.evaluation import balanced_accuracy, confusion
from pipeline.vision.fewshot import VERSION

SIZES: Final = (5, 10, 20, 50)
UNLABELLED: Final = "unlabelled"
Result = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    methods: tuple[str, ...] = ()
    """Names; all without any."""
    sizes: tuple[int, ...] = SIZES
    repeats: int = 10
    plots: tuple[str, ...] = SIMULATED
    real: tuple[Path, ...] = ()
    workers: int = 2
    draw: str = ""
    """Name of the draw of the simulated images."""


def run(plan: Plan, backbone: Backbone, file: Path, folder: Path, say: Say) -> dict[str, Any]:
    """Measure what the file does not hold yet.

    Args:
        plan: What to measure.
        backbone: What the few-shot models stand on.
        file: JSON with the results; made if it is not there.
        folder: Keeps the images drawn for the benchmark.
        say: Told of every result.

    Returns:
        What the file holds then: the backbone's SHA-256 and the results. Those that
        another backbone or another version of the head gave are dropped.

    Raises:
        InputError: The file is another file, or of another draw, or there is no such method.
    """
    ways = methods(backbone)
    names = (UNLABELLED, *ways)
    if unknown := sorted(set(plan.methods) - set(names)):
        raise InputError(f"expected methods of {', '.join(names)}, received {', '.join(unknown)}")
    found = _read(file, backbone.card.sha256, plan.draw, say)
    done = {key_of(result) for result in found["results"]}
    for task in _tasks(plan, folder):
        for key in _missing(plan, task, plan.methods or names, done):
            result = _measure(task, ways, backbone, key)
            found["results"].append(result)
            _write(file, found)
            say(f"{task.name}, {key[0]}, {key[1]} per label, repeat {key[2]}: {_shown(result)}")
    return found


def key_of(result: Result) -> tuple[str, str, int, int]:
    """Give what names a result: task, method, labels per class, repeat."""
    return result["task"], result["method"], result["size"], result["repeat"]


def _tasks(plan: Plan, folder: Path) -> Iterator[Task]:
    for path in plan.real:
        yield from real_tasks(path)
    for plot in plan.plots:
        yield cached(folder, plot, plan.workers, plan.draw)


def _missing(
    plan: Plan, task: Task, names: tuple[str, ...], done: set[tuple[str, str, int, int]]
) -> list[tuple[str, int, int]]:
    wanted = [
        (method, size, repeat)
        for method in names
        for size in ((REFERENCES,) if method == UNLABELLED else plan.sizes)
        for repeat in range(plan.repeats)
    ]
    return [key for key in wanted if (task.name, *key) not in done]


def _measure(
    task: Task, ways: dict[str, Method], backbone: Backbone, key: tuple[str, int, int]
) -> Result:
    method, size, repeat = key
    pool, test = task.sides(repeat)
    needs = method == UNLABELLED or ways[method].on_backbone
    result: Result = {
        "task": task.name,
        "real": task.real,
        "method": method,
        "size": size,
        "repeat": repeat,
        "backbone": backbone.card.sha256 if needs else None,
        "head": VERSION if needs and method != UNLABELLED else None,
    }
    if method == UNLABELLED:
        return result | {"areas": areas(backbone, task, pool, test, repeat)}
    learn = task.images.take(task.choose(pool, size, repeat))
    held_out = task.images.take(test)
    weights, seconds = ways[method].run(learn, held_out.images, repeat + 1, task.title)
    labels = task.images.labels
    table = confusion(held_out.truth, weights.argmax(axis=1), len(labels))
    counts = np.maximum(table.sum(axis=1), 1)
    recalls = np.diag(table) / counts
    bins = reliability(weights, held_out.truth)
    return result | {
        "balanced": balanced_accuracy(table),
        "calibration_error": calibration_error(bins),
        "recalls": {label: float(r) for label, r in zip(labels, recalls, strict=True)},
        "confusion": table.tolist(),
        "reliability": [[one.count, one.confidence, one.accuracy] for one in bins],
        "labelled": learn.counts(),
        "tested": held_out.counts(),
        "seconds": seconds,
    }


def _shown(result: Result) -> str:
    if "areas" in result:
        return ", ".join(f"{name} {value:.3f}" for name, value in result["areas"].items())
    return f"{100 * result['balanced']:.1f} % in {result['seconds']:.1f} s"


def _read(file: Path, digest: str, draw: str, say: Say) -> dict[str, Any]:
    """Read the results that hold for a backbone: its own, and those that need none."""
    if not file.exists():
        return {"backbone": digest, "draw": draw, "results": []}
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        results, drawn = held["results"], held.get("draw", "")
        kept = [one for one in results if _holds(one, digest)]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} holds no results of this benchmark: {error!r}") from error
    if drawn != draw:
        raise InputError(f"{file} holds results of draw {drawn!r}, not of {draw!r}; name another")
    if len(kept) < len(results):
        say(f"{len(results) - len(kept)} results are of another backbone or head and are dropped")
    return {"backbone": digest, "draw": draw, "results": kept}


def _holds(result: Result, digest: str) -> bool:
    if result["backbone"] is None:
        return True
    same_head = result["method"] == UNLABELLED or result.get("head") == VERSION
    return bool(result["backbone"] == digest and same_head)


def _write(file: Path, found: dict[str, Any]) -> None:
    draft = file.with_name(f".{file.name}")
    draft.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draft.rename(file)
