"""``hydra-ioc feeder``: run the Feeder of a deployment."""

import os
from pathlib import Path
from typing import Final

import click

from pipeline.config import load

NICENESS: Final = 5
"""Lower priority than the producer of the plots, should they share a machine."""


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """Watch the input trees and make an order of every plot file.

    Example: hydra-ioc --config hall-d.toml feeder
    """
    from hydra_ioc.process import run_stage
    from pipeline.feeder.service import serve

    config = load(config_file)
    os.nice(NICENESS)
    run_stage("feeder", lambda: serve(config), throughput=True)
