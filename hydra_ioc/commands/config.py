"""``hydra-ioc config``: check a configuration file, print the schema."""

import json
from pathlib import Path

import click

from pipeline.config import Config, load


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
