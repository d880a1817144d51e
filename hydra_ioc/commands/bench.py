"""``hydra-ioc bench``: the benchmarks of the whole system."""

import json
from pathlib import Path

import click

from hydra_ioc.bench.guard import GOALS, check, write_figures
from hydra_ioc.bench.run import Effort, run


@click.command()
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the figures here.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Fail when a ratio is a fifth worse than in this file.",
)
@click.option("--quick", is_flag=True, help="A tenth of the effort, to see that it runs.")
def command(file: Path | None, against: Path | None, quick: bool) -> None:
    """Measure throughput, burst, latency and the cost of maps on a deployment of its own.

    Takes some minutes and both cores. Example: hydra-ioc bench --json figures.json
    """
    effort = Effort(images=60, rounds=1, latency_images=12) if quick else Effort()
    figures = run(effort, lambda text: click.echo(f"bench: {text}", err=True))
    if file is not None:
        write_figures(file, figures)
    for name, (sign, goal) in GOALS.items():
        value = figures.get(name)
        shown = "not measured" if value is None else f"{value:.3g}"
        click.echo(f"{name:24} {shown:>12}   goal {sign} {goal:g}")
    click.echo(json.dumps(figures["absolute"]))
    if against is not None:
        check(against, figures)
