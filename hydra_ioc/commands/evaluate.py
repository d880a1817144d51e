"""``hydra-ioc evaluate``: how well the demo's models judge runs they have never seen."""

import json
from pathlib import Path
from typing import Any

import click

from hydra_ioc.release import DEMO_MODELS


@click.command()
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all results to this file, as one JSON object.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=DEMO_MODELS,
    show_default="deploy/models",
    help="Folder with index.json and one folder per model.",
)
@click.option("--plot", "plots", multiple=True, help="Only this plot type; may be repeated.")
@click.option(
    "--good",
    default=150,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Good images of each plot type.",
)
@click.option(
    "--faulty",
    default=30,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Images of each plot type and fault.",
)
@click.option(
    "--no-beam",
    default=6,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="Images of each plot type without beam.",
)
@click.option("--seed", default=1, show_default=True, help="Of what is drawn.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
def command(
    *,
    json_file: Path | None,
    models: Path,
    plots: tuple[str, ...],
    good: int,
    faulty: int,
    no_beam: int,
    seed: int,
    workers: int,
) -> None:
    """Judge simulated runs never seen in training with the shipped models.

    Prints accuracy, recall of every fault and false Bad among good images,
    with counts and 95 % intervals (Wilson), and whether the targets are met.

    Example: hydra-ioc evaluate --json evaluation.json
    """
    from hydra_ioc.evaluation import evaluation_samples, judge_all, summary
    from hydra_ioc.release import read_index
    from simulation.faults import plot_kind

    chosen = list(plots) or sorted(read_index(models))
    for plot in chosen:
        plot_kind(plot)
    samples = list(evaluation_samples(chosen, good, faulty, no_beam, seed))
    click.echo(f"judging {len(samples)} images of {len(chosen)} plot types", err=True)
    result = summary(judge_all(samples, models, workers))
    _print(result)
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _print(result: dict[str, Any]) -> None:
    targets = {name: "met" if met else "MISSED" for name, met in result["targets"].items()}
    click.echo(f"accuracy          {_rate(result['accuracy'])}  target 99 %: {targets['accuracy']}")
    click.echo(
        f"false Bad of good {_rate(result['false_bad'])}  target 0.1 %: {targets['false_bad']}"
    )
    click.echo(f"   confirmed      {_rate(result['false_bad_confirmed'])}")
    click.echo(f"recall of each fault, target 98 %: {targets['recall']}")
    for kind, found in result["faults"].items():
        heat = found["heat_inside"]
        inside = "" if heat is None else f"  heat inside {100 * heat:.0f} %"
        click.echo(f"   {kind:14} {_rate(found['recall'])}{inside}")
    click.echo("accuracy of each plot type")
    for plot, found in result["plots"].items():
        click.echo(f"   {plot:22} {_rate(found['accuracy'])}")


def _rate(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return "none judged"
    return (
        f"{100 * rate['value']:6.2f} % ({rate['hits']}/{rate['total']},"
        f" {100 * rate['low']:.2f}..{100 * rate['high']:.2f} %)"
    )
