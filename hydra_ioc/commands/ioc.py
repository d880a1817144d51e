"""``hydra-ioc ioc``: serves the PVs."""

import logging
import os
from pathlib import Path

import click

from hydra_ioc.process import run_stage
from pipeline.config import load


@click.command()
@click.pass_obj
def command(config_file: Path | None) -> None:
    """Serve all PVs over Channel Access and pvAccess.

    Prints one line when every PV is served.

    Example: hydra-ioc --config hall-d.toml ioc
    """
    config = load(config_file)
    # Read by caproto when it is imported: how many updates it keeps for a
    # client, and how long a read waits for the put before it.
    os.environ["CAPROTO_MAX_SUBSCRIPTION_BACKLOG"] = "4"
    os.environ["CAPROTO_SERVER_WRITE_LOCK_TIMEOUT_SEC"] = "2"
    from ioc.service import serve

    # Its notes on every client that comes and goes belong into no log of ours.
    logging.getLogger("caproto").setLevel(logging.WARNING)

    run_stage("ioc", lambda: serve(config, lambda: click.echo("hydra-ioc ioc: ready")))
