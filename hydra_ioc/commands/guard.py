"""``hydra-ioc guard``: ends processes that live but no longer beat."""

from pathlib import Path

import click

from hydra_ioc.guard import serve
from hydra_ioc.process import run_stage
from pipeline.config import load


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """Kill hung processes of this host, for the supervisor to start again.

    Example: hydra-ioc --config hall-d.toml guard
    """
    config = load(config_file)
    run_stage("guard", lambda: serve(config))
