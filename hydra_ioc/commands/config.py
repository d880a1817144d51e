"""``hydra-ioc config``: check a configuration file, print the schema."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from pipeline.config import Config, load

if TYPE_CHECKING:
    from hydra_ioc.naming import Proposal

SHOWN = 10


@click.group()
def command() -> None:
    """Check a configuration file or print what it may hold.

    Example: hydra-ioc config check hall-d.toml
    """


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Read FILE and report every fault with its line.

    Example: hydra-ioc config check hall-d.toml
    """
    config = load(file)
    click.echo(f"{file}: deployment {config.deployment}, prefix {config.prefix}: no fault found")


@command.command()
def schema() -> None:
    """Print the JSON schema of the configuration file.

    Example: hydra-ioc config schema
    """
    click.echo(json.dumps(Config.model_json_schema(), indent=2))


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--deployment", help="Its name; the folder's name without it.")
@click.option("--prefix", help="Of all PVs; the deployment's name in capitals without it.")
def propose(folder: Path, deployment: str | None, prefix: str | None) -> None:
    """Write a configuration that fits the names of the plots in FOLDER.

    What it takes for plots and runs goes to the standard error; read it before you go on.

    Example: hydra-ioc config propose plots/ > csc.toml
    """
    from hydra_ioc.naming import propose as find

    found = find(folder)
    _tell(found)
    deployment = deployment or _name_of(folder)
    prefix = prefix or f"{re.sub('[^A-Z0-9]', '', deployment.upper())[:12]}:"
    try:
        Config(deployment=deployment, prefix=prefix)
    except ValidationError as error:
        told = "; ".join(f"--{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise click.UsageError(told) from error
    click.echo(f'prefix = "{prefix}"\ndeployment = "{deployment}"\nstate_dir = "var"\n')
    click.echo(f"[input]\ntrees = [{json.dumps(str(folder.resolve()), ensure_ascii=False)}]")
    click.echo('after = "keep"             # leave the files where they are')
    if found.grammar is not None:
        click.echo(f'\n[[input.grammars]]\nname = "{found.grammar.name}"')
        click.echo(f"pattern = '{found.grammar.pattern}'")
    command = "hydra-ioc --config FILE.toml"
    click.echo(
        f"next: keep this as FILE.toml, then '{command} db upgrade' and"
        f" '{command} plots discover {folder}'",
        err=True,
    )


def _tell(found: "Proposal") -> None:
    plots = [
        f"{plot.plot}: {plot.files} files of {plot.runs} runs, such as {plot.example}"
        for plot in found.plots
    ]
    strangers = [f"does not fit: {name}" for name in found.strangers]
    for lines in (plots, strangers):
        shown = lines[:SHOWN]
        if len(lines) > SHOWN:
            shown.append(f"and {len(lines) - SHOWN} more such")
        for line in shown:
            click.echo(line, err=True)
    if found.shared:
        click.echo(f"{found.shared} files share plot, run and chunk with another", err=True)


def _name_of(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_\- ]", "-", folder.resolve().name)[:40] or "plots"
