"""``hydra-ioc evaluate``: how well the demo's models judge runs they have never seen."""

import json
from pathlib import Path
from typing import Any

import click

from hydra_ioc.release import DEMO_MODELS
from hydra_ioc.titles import KEPT, WAYS
from pipeline.config import Config, load


@click.command()
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all results to this file, as one JSON object.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
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
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Judge the labelled plots of this folder instead.",
)
@click.option(
    "--labels",
    "table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV with the columns file, label and run; default DATA/labels.csv or DATA/LABEL/IMAGE.",
)
@click.option("--model", "digest", help="Model of the store that judges DATA.")
@click.option(
    "--titles",
    type=click.Choice(WAYS),
    default=KEPT,
    show_default=True,
    help="Judge without the title, or with that of another run, and count what changes.",
)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.pass_obj
def command(
    config_file: Path | None,
    *,
    json_file: Path | None,
    models: Path,
    plots: tuple[str, ...],
    good: int,
    faulty: int,
    no_beam: int,
    seed: int,
    titles: str,
    workers: int,
    data: Path | None,
    table: Path | None,
    digest: str | None,
) -> None:
    """Judge simulated runs never seen in training with the shipped models.

    Prints accuracy, recall of every fault and false Bad among good images,
    with counts and 95 % intervals (Wilson), and whether the targets are met.
    With --data and --model: judges labelled plots of one's own.

    Example: hydra-ioc evaluate --json evaluation.json
    """
    if data is not None and titles != KEPT:
        raise click.UsageError("--titles is for the simulated experiment, not for --data")
    if (data is None) != (digest is None) or (table is not None and data is None):
        raise click.UsageError("--data, --labels and --model belong together")
    if data is not None and digest is not None:
        _own(load(config_file), data, table, digest, json_file)
        return
    from hydra_ioc.evaluation import evaluation_samples, judge_all, summary
    from hydra_ioc.release import read_index
    from simulation.faults import plot_kind

    chosen = list(plots) or sorted(read_index(models))
    for plot in chosen:
        plot_kind(plot)
    samples = list(evaluation_samples(chosen, good, faulty, no_beam, seed))
    click.echo(f"judging {len(samples)} images of {len(chosen)} plot types", err=True)
    result = summary(judge_all(samples, models, workers, titles))
    _print(result)
    _write(json_file, result)


def _own(
    config: Config, data: Path, table: Path | None, digest: str, json_file: Path | None
) -> None:
    from hydra_ioc.own_plots import judge_labelled

    result = judge_labelled(config, data, table, digest)
    balanced = result["balanced_accuracy"]
    click.echo(f"{result['images']} images of {result['runs']} runs, model {digest}")
    if result["runs_also_in_training"]:
        click.echo(f"WARNING: runs {result['runs_also_in_training']} were in its training")
    click.echo(f"accuracy          {_rate(result['accuracy'])}")
    click.echo(
        f"balanced accuracy {100 * balanced['value']:6.2f} % ("
        f"{100 * balanced['low']:.2f}..{100 * balanced['high']:.2f} %, bootstrap over runs)"
    )
    click.echo(calibration_line(result["calibration_error"]))
    for label, recall in result["recall"].items():
        click.echo(f"recall of {label:12} {_rate(recall)}")
    for one in result["mistakes"]:
        click.echo(
            f"   {one['file']}: labelled {one['truth']}, judged {one['label']} {one['weight']:.2f}"
        )
    _write(json_file, result)


def _write(json_file: Path | None, result: dict[str, Any]) -> None:
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _print(result: dict[str, Any]) -> None:
    targets = {name: "met" if met else "MISSED" for name, met in result["targets"].items()}
    click.echo(
        f"accuracy          {_rate(result['accuracy'])}  target 99.5 %: {targets['accuracy']}"
    )
    click.echo(
        f"false Bad of good {_rate(result['false_bad'])}  target 0.1 %: {targets['false_bad']}"
    )
    click.echo(f"   confirmed      {_rate(result['false_bad_confirmed'])}")
    _print_trust(result, targets)
    click.echo(f"recall of each fault, target 98 %: {targets['recall']}")
    for kind, found in result["faults"].items():
        heat = found["heat_inside"]
        inside = "" if heat is None else f"  heat inside {100 * heat:.0f} %{_lowest(result, kind)}"
        shown = found["known_dead_shown"]
        dead = f", known dead {shown['hits']}/{shown['total']}" if shown["total"] else ""
        click.echo(f"   {kind:14} {_rate(found['recall'])}{inside}{dead}")
    click.echo(f"heat inside, target 80 % (median) for each fault: {targets['heat']}")
    click.echo(
        "maps of a loss that highlight a known dead channel too, target 1 %:"
        f" {_rate(result['known_dead_shown'])}  {targets['known_dead']}"
    )
    if result["titles"] is not None:
        _print_titles(result["titles"])
    click.echo("accuracy of each plot type")
    for plot, found in result["plots"].items():
        click.echo(f"   {plot:22} {_rate(found['accuracy'])}")


def _print_titles(found: dict[str, Any]) -> None:
    """Say what taking the titles away changed, and where most."""
    click.echo(f"accuracy with the titles in their places {_rate(found['accuracy_kept'])}")
    click.echo(f"verdicts that change without          {_rate(found['changed'])}")
    most = sorted(found["plots"], key=lambda plot: -found["plots"][plot])[:3]
    told = ", ".join(f"{plot} {found['plots'][plot]}" for plot in most if found["plots"][plot])
    click.echo(f"   most of {told or 'none'}")


def _print_trust(result: dict[str, Any], targets: dict[str, str]) -> None:
    reached = result["bad_at_rate"]
    click.echo(
        f"{calibration_line(result['calibration_error'])}  target 0.02: {targets['calibration']}"
    )
    low, high = sorted(reached["thresholds"])
    click.echo(
        f"recall of Bad at {1000 * reached['rate']:g} false Bad in 1000 good:"
        f" {_rate(reached['recall'])}  target 99 %: {targets['recall_at_rate']}"
    )
    click.echo(
        f"   false Bad there {_rate(reached['false'])}; thresholds {low:.4f} and {high:.4f}, each"
        " chosen on one half of the runs and measured on the other"
    )
    if not min(reached["allowed"]):
        click.echo("   too few good images to choose a threshold for this rate: raise --good")


def calibration_line(error: dict[str, Any]) -> str:
    """Word an expected calibration error, such as ``0.0042 (0.0031..0.0060, 900 images)``."""
    return (
        f"expected calibration error {error['value']:.4f}"
        f" ({error['low']:.4f}..{error['high']:.4f}, {error['images']} images)"
    )


def _lowest(result: dict[str, Any], kind: str) -> str:
    """Name the plot type where the least heat of a fault lies inside it."""
    heats = {
        plot: found["faults"][kind]["heat_inside"]
        for plot, found in result["plots"].items()
        if kind in found["faults"] and found["faults"][kind]["heat_inside"] is not None
    }
    plot = min(heats, key=heats.__getitem__)
    return f" (lowest {100 * heats[plot]:.0f} %, {plot})"


def _rate(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return "none judged"
    return (
        f"{100 * rate['value']:6.2f} % ({rate['hits']}/{rate['total']},"
        f" {100 * rate['low']:.2f}..{100 * rate['high']:.2f} %)"
    )
