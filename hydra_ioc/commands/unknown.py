"""``hydra-ioc unknown``: when a verdict is Unknown instead of a guess."""

import asyncio
from pathlib import Path

import click

from db.doubt_queries import set_doubt
from db.engine import writing
from hydra_ioc.record import actor, open_record, permit
from hydra_ioc.reload import reload_keeper
from pipeline.config import load


@click.command()
@click.argument("plot")
@click.option(
    "--below",
    type=click.FloatRange(0.0, 1.0),
    required=True,
    help="A verdict whose weight is lower is Unknown, at least MINOR; 0 never.",
)
@click.option("--why", default="", help="The reason of the change, for the record.")
@click.pass_obj
def command(config_file: Path | None, *, plot: str, below: float, why: str) -> None:
    """Say from which weight on a label of PLOT is believed at all.

    Example: hydra-ioc unknown CDC_occupancy --below 0.6 --why "two labels look alike"
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, "set-plots", plot)
    with writing(engine) as session:
        old = set_doubt(session, who, plot, below)
    click.echo(f"{plot}: Unknown below {below:g}, was {old:g}")
    if asyncio.run(reload_keeper(config, who)):
        click.echo("the running Keeper has read the catalogue again")
