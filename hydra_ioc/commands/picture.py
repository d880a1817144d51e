"""``hydra-ioc picture``: the Run screen as a file."""

import os
import re
from pathlib import Path

import click

from displays.launch import NotDrawn, draw_screen, epics_environment
from pipeline.config import load
from pipeline.errors import HydraError

SIZE = re.compile(r"([1-9]\d{2,3})x([1-9]\d{2,3})")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--size", default="1920x1080", show_default=True, help="Width x height in pixels.")
@click.option(
    "--timeout", "timeout_s", default=30.0, show_default=True, help="Seconds to wait for all PVs."
)
@click.option("--prefix", help="Another deployment's prefix; then the EPICS_ environment is used.")
@click.pass_obj
def command(
    config_file: Path | None, file: Path, size: str, timeout_s: float, prefix: str | None
) -> None:
    """Draw the Run screen of the running deployment into FILE, a PNG.

    It needs no display. It waits until every card has all its PVs and its
    picture.

    Example: hydra-ioc picture docs/images/run-screen.png
    """
    config = load(config_file)
    pixels = SIZE.fullmatch(size)
    if pixels is None:
        raise click.BadParameter(f"expected WIDTHxHEIGHT such as 1920x1080, received {size}")
    if prefix is None:
        os.environ.update(
            epics_environment(config.ioc.interfaces, config.ioc.ca_port, config.ioc.pva_port)
        )
    try:
        draw_screen(prefix or config.prefix, file, (int(pixels[1]), int(pixels[2])), timeout_s)
    except NotDrawn as error:
        raise HydraError(str(error)) from error
    click.echo(f"{file}: Run screen of {prefix or config.prefix}")
