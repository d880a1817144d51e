"""From a configuration to a backbone of the release: draw, pretrain, export."""

import platform
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from hydra_ioc.exercises import CHECK_SEED, draw_exercises
from pipeline.errors import InputError
from pipeline.vision.backbone import CARD_FILE, GRAPH_FILE, BackboneCard
from pipeline.vision.card import file_digest
from pipeline.vision.exercises import read_shard, shards
from pipeline.vision.pretraining import Plan, Pretraining, batches
from simulation.zoo import FAULTS, HARMLESS

CHECKS: Final = 20
"""Batches of unseen species that every check judges."""
PACKAGES: Final = ("keras", "tensorflow-cpu", "tf2onnx", "onnx", "numpy")
Positive = Annotated[int, msgspec.Meta(ge=1)]


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``plan`` of a configuration; see ``Plan``."""

    widths: tuple[Positive, ...] = (24, 40, 64, 64, 64)
    steps: Positive = 3500
    batch: Positive = 64
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 2e-3
    heat_weight: Annotated[float, msgspec.Meta(ge=0.0)] = 0.3
    anomaly_weight: Annotated[float, msgspec.Meta(ge=0.0)] = 0.5


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration of the pretraining."""

    species: Positive
    """Species to learn from."""
    held_out: Positive
    """Species that only check."""
    seed: int = 1
    plan: PlanFile = PlanFile()


def read_recipe(file: Path) -> Recipe:
    """Read a configuration.

    Raises:
        InputError: It is none; says what was expected.
    """
    try:
        return msgspec.convert(tomllib.loads(file.read_text()), Recipe)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}: {error}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(f"{file} is no configuration of a pretraining: {error}") from error


def pretrain(
    recipe: Recipe, folder: Path, target: Path, workers: int, say: Callable[[str], None]
) -> BackboneCard:
    """Draw what is missing, learn from where the last call ended, write the backbone.

    Args:
        recipe: The configuration.
        folder: Exercises and checkpoints, some gigabytes.
        target: Folder of the backbone.
        workers: Processes that draw.
        say: Told how far it is.

    Returns:
        The card of the backbone.
    """
    learn, unseen = folder / "learn", folder / "check"
    draw_exercises(unseen, recipe.held_out, CHECK_SEED, workers, say)
    draw_exercises(learn, recipe.species, 0, workers, say)
    plan = Plan(FAULTS, len(HARMLESS), seed=recipe.seed, **msgspec.structs.asdict(recipe.plan))
    check = list(islice(batches(lambda: _open(unseen), plan.batch, 0, vary=False), CHECKS))
    training = Pretraining(plan, folder / "checkpoints")
    training.run(batches(lambda: _open(learn), plan.batch, plan.seed + training.step), check, say)
    return write_backbone(training, recipe, training.check(check), target)


def _open(folder: Path) -> list[Any]:
    return [read_shard(path) for path in shards(folder)]


def write_backbone(training: Pretraining, recipe: Recipe, found: str, target: Path) -> BackboneCard:
    """Write graph and card of a backbone.

    Args:
        training: Pretrained.
        recipe: How.
        found: What the last check said.
        target: The folder; what is there is replaced.
    """
    from pipeline.vision.backbone_export import to_onnx

    target.mkdir(parents=True, exist_ok=True)
    to_onnx(training, target / GRAPH_FILE)
    plan = training.plan
    rows, columns, size = training.body.output["features"].shape[1:]
    card = BackboneCard(
        name="domain backbone",
        input_shape=(*plan.size, 3),
        preprocessing="area-rgb",
        map_shape=(rows, columns),
        embedding_size=size,
        families=plan.families,
        harmless=plan.harmless,
        made_by={**msgspec.to_builtins(recipe), "steps_done": training.step},
        found=found,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        sha256=file_digest(target / GRAPH_FILE),
    )
    data = msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=2) + b"\n"
    (target / CARD_FILE).write_bytes(data)
    return card
