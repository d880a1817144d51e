"""``hydra-ioc pvs``: lists every PV."""

from pathlib import Path

import click

from hydra_ioc.catalogue import known_catalogue
from pipeline.config import load


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """List every PV of the deployment: name, type, description, one a line.

    Works without a running system: the catalogue comes from the Keeper if it
    runs and from the database otherwise.

    Example: hydra-ioc --config hall-d.toml pvs
    """
    config = load(config_file)
    from ioc.listing import list_all

    listing = list_all(config, known_catalogue(config))
    for one in listing.descriptions.values():
        click.echo(f"{one.name}\t{one.kind}\t{one.desc}")
    for name, reason in listing.problems.items():
        click.echo(f"hydra-ioc pvs: {name} is not served: {reason}", err=True)
    if listing.problems:
        raise click.exceptions.Exit(1)
