"""``hydra-ioc screen``: the Run screen."""

import os
import sys
from pathlib import Path

import click

from displays.launch import epics_environment, open_screen
from pipeline.config import load
from pipeline.errors import HydraError


@click.command()
@click.option("--fullscreen", is_flag=True, help="Fill the whole display, as in a counting house.")
@click.option("--prefix", help="Another deployment's prefix; then the EPICS_ environment is used.")
@click.pass_obj
def command(config_file: Path | None, *, fullscreen: bool, prefix: str | None) -> None:
    """Open the Run screen of the deployment.

    A console needs nothing but the prefix and the EPICS network.

    Example: hydra-ioc screen --fullscreen
    """
    config = load(config_file)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and (
        os.environ.get("QT_QPA_PLATFORM", "xcb") in ("xcb", "wayland")
    ):
        raise HydraError(
            "no display: set DISPLAY (over ssh: 'ssh -X'), or draw the screen into a file"
            " with 'hydra-ioc picture run.png'"
        )
    if prefix is None:
        os.environ.update(
            epics_environment(config.ioc.interfaces, config.ioc.ca_port, config.ioc.pva_port)
        )
    sys.exit(open_screen(prefix or config.prefix, fullscreen=fullscreen))
