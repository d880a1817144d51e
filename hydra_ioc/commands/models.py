"""``hydra-ioc models``: the model store and the registry."""

import json
from pathlib import Path
from typing import Any

import click

from hydra_ioc.release import DEMO_MODELS
from pipeline.config import load


@click.group()
def command() -> None:
    """List models, install those of a release, make the demo's again.

    Example: hydra-ioc models list
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(config_file: Path | None, *, as_json: bool) -> None:
    """List the registered models: digest, name, sign-offs, and where each judges.

    Example: hydra-ioc models list
    """
    from db.engine import reading
    from hydra_ioc.installation import describe_models
    from hydra_ioc.record import open_record

    with reading(open_record(load(config_file))) as session:
        rows = describe_models(session)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    for row in rows:
        state = f"judges {', '.join(row['active'])}" if row["active"] else "not active"
        if row["probation"]:
            state += f" (on probation: {', '.join(row['probation'])})"
        signed = "signed" if row["signed"] else "unsigned"
        click.echo(f"{row['digest'][:12]}  {row['name']}  {signed}, {state}")
    if not rows:
        click.echo("no model is registered; 'hydra-ioc train' makes one", err=True)


@command.command()
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=DEMO_MODELS,
    show_default="the demo's models",
    help="Folder with index.json (plot -> digest) and one folder per model.",
)
@click.pass_obj
def install(config_file: Path | None, source: Path) -> None:
    """Copy models into the store, register and activate them; add their plot types.

    A second run changes nothing: a plot type that is there is left as it is,
    and a plot that has a model keeps it, unless the model is an earlier one
    of the same kind of installation.

    Example: hydra-ioc models install
    """
    from hydra_ioc.installation import install_models

    config = load(config_file)
    result = install_models(config, source)
    click.echo(
        f"{result.plots} plot types, {result.models} models in {source}: added"
        f" {result.plots_added} plot types, {result.models_added} models,"
        f" activated {result.activated}"
    )


@command.command("make-demo")
@click.option(
    "--images",
    default=500,
    show_default=True,
    type=click.IntRange(100, 20_000),
    help="Images of each plot type.",
)
@click.option("--epochs", default=9, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--polish",
    default=3,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="Epochs of each plot type alone, after the common ones.",
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_MODELS,
    show_default="deploy/models",
)
def make_demo(**options: Any) -> None:
    """Train the demo's models on the simulated experiment and write them.

    Needs the training extra (TensorFlow) and about a quarter of an hour on two free cores.

    Example: hydra-ioc models make-demo
    """
    from hydra_ioc.demo_models import make

    make(progress=lambda line: click.echo(line, err=True), **options)
