"""``hydra-ioc keeper``: judges, records, and says what every plot shows."""

from pathlib import Path

import click

from hydra_ioc.process import run_stage
from pipeline.config import load


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """Judge reports, record them, keep images, and publish what every plot shows.

    Example: hydra-ioc --config hall-d.toml keeper
    """
    from pipeline.keeper.service import serve

    config = load(config_file)
    run_stage("keeper", lambda: serve(config), throughput=True)
