"""``hydra-ioc balancer``: hands orders to free workers."""

from pathlib import Path

import click

from hydra_ioc.process import run_stage
from pipeline.config import load


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """Hand orders from the Feeders to the Predict workers.

    Example: hydra-ioc --config hall-d.toml balancer
    """
    from pipeline.balancer.service import serve

    config = load(config_file)
    run_stage("balancer", lambda: serve(config), throughput=True)
