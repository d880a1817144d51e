"""``hydra-ioc bench``: the benchmarks of the whole system."""

import json
from pathlib import Path

import click

from hydra_ioc.bench.run import Effort, run

GOALS = {
    "throughput_vs_bound": (">=", 0.7),
    "throughput_vs_original": (">=", 10.0),
    "burst_92_s": ("<=", 10.0),
    "latency_p99_ms": ("<=", 500.0),
    "map_overhead": ("<=", 0.05),
}


@click.command()
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the figures here.",
)
@click.option("--quick", is_flag=True, help="A tenth of the effort, to see that it runs.")
def command(file: Path | None, quick: bool) -> None:
    """Measure throughput, burst, latency and the cost of maps on a deployment of its own.

    Takes some minutes and both cores. Example: hydra-ioc bench --json figures.json
    """
    effort = Effort(images=60, rounds=1, latency_images=12) if quick else Effort()
    figures = run(effort, lambda text: click.echo(f"bench: {text}", err=True))
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, (sign, goal) in GOALS.items():
        value = figures.get(name)
        shown = "not measured" if value is None else f"{value:.3g}"
        click.echo(f"{name:24} {shown:>12}   goal {sign} {goal:g}")
    click.echo(json.dumps(figures["absolute"]))
