"""``hydra-ioc emulate``: faults emulated in good plots (Iolaus)."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from pipeline.config import load
from pipeline.vision.emulation import FAULTS, KINDS


@click.group()
def command() -> None:
    """Make labelled images of faults that have not happened yet.

    Example: hydra-ioc emulate make CDC_occupancy --map cells.csv
    """


@command.command()
@click.argument("plot")
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="Channel map: CSV of cells with crate, slot, channel and board.",
)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="May be repeated.")
@click.option(
    "--bases",
    default=10,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Good images to start from, of as many clusters and runs as there are.",
)
@click.option(
    "--most",
    default=20,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Images of each kind and base; of more knock-outs, as many are drawn.",
)
@click.option("--scan", "full", is_flag=True, help="Every knock-out of each kind, whatever --most.")
@click.option("--size", help="Width x height where the map is in pixels, such as 1600x1200.")
@click.option("--seed", default=1, show_default=True)
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def make(
    config_file: Path | None,
    *,
    plot: str,
    map_file: Path,
    kinds: tuple[str, ...],
    bases: int,
    most: int,
    full: bool,
    size: str | None,
    seed: int,
    why: str,
) -> None:
    """Emulate faults in good images of PLOT; keep them, labelled and with their origin.

    The bases are kept images that people labelled Good. An emulated image
    counts as one of the run of its base. Its label has the source simulated.

    Example: hydra-ioc emulate make FCAL_occupancy --map cells.csv --kind dead-slot --scan
    """
    from hydra_ioc.emulation import Wish, make_images
    from hydra_ioc.record import actor, open_record
    from pipeline.vision.channel_map import read_map

    channels = read_map(map_file, _size(size))
    wish = Wish(plot, channels, kinds or FAULTS, bases, None if full else most, seed)
    config = load(config_file)
    with click.progressbar(length=1, label="emulating", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        made = make_images(open_record(config), config, wish, actor(why), progress)
    for kind in dict.fromkeys((*kinds, *made.by_kind)):
        click.echo(f"{kind:14} {made.by_kind.get(kind, 0)} images")
    click.echo(
        f"{made.images} images of {made.bases} bases in {made.runs} runs,"
        f" {made.known} were there, {made.unseen} would not show; emulation {made.run_id}"
    )
    for key, reason in made.refused.items():
        click.echo(f"base {key[:12]} was left out: {reason}", err=True)
    if absent := [kind for kind in kinds if kind not in made.by_kind]:
        click.echo(
            f"nothing new of {', '.join(absent)}: there before, or nothing in the map can show it;"
            " 'hydra-ioc emulate coverage' tells which",
            err=True,
        )
    if made.images:
        click.echo(f"next: 'hydra-ioc train {plot}' learns from them", err=True)


@command.command("map")
@click.argument("plot")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def map_(plot: str, file: Path) -> None:
    """Write the channel map of the simulated PLOT to FILE.

    Example: hydra-ioc emulate map FCAL_occupancy cells.csv
    """
    from hydra_ioc.bench.emulated import write_map

    click.echo(f"{write_map(plot, file)} rows in {file}")


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--plot", "plots", multiple=True, help="A simulated plot; may be repeated.")
@click.option("--kind", "kinds", multiple=True, help="A fault of it; may be repeated.")
def sheet(file: Path, *, plots: tuple[str, ...], kinds: tuple[str, ...]) -> None:
    """Draw good plots, emulated faults and true ones side by side into FILE, a PNG.

    Example: hydra-ioc emulate sheet emulation.png --plot FCAL_occupancy --kind dead-slot
    """
    from hydra_ioc.bench.emulated import DEFAULT_PLOTS, TRUE_KINDS
    from hydra_ioc.bench.emulated_sheet import draw_sheet
    from simulation.faults import plot_kind

    for plot in plots:
        plot_kind(plot)
    if unknown := [kind for kind in kinds if kind not in TRUE_KINDS]:
        raise click.UsageError(f"expected kinds of {', '.join(TRUE_KINDS)}, received {unknown}")
    rows = draw_sheet(list(plots or DEFAULT_PLOTS), list(kinds or TRUE_KINDS), file)
    click.echo(f"{rows} rows in {file}")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.pass_obj
def coverage(config_file: Path | None, *, as_json: bool) -> None:
    """Show which faults have been emulated for which plot, and what is missing.

    Example: hydra-ioc emulate coverage
    """
    from db.emulation_queries import coverage as read
    from db.engine import reading
    from hydra_ioc.record import open_record

    with reading(open_record(load(config_file))) as session:
        rows = read(session)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo("| plot | group | model | good labels | true bad | " + " | ".join(FAULTS) + " |")
    click.echo("|---" * (5 + len(FAULTS)) + "|")
    for row in rows:
        counts = " | ".join(str(row["kinds"].get(kind, "-")) for kind in FAULTS)
        has = "yes" if row["model"] else "no"
        facts = f"| {row['plot']} | {row['group']} | {has} | {row['good']} | {row['bad']} "
        click.echo(f"{facts}| {counts} |")


@command.command()
@click.option("--plot", "plots", multiple=True, help="A simulated plot; may be repeated.")
@click.option("--images", default=300, show_default=True, type=click.IntRange(40, 100_000))
@click.option("--faulty", default=25, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--epochs", default=14, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--few",
    type=click.IntRange(20, 1000),
    help="Train on so many images with the pretrained backbone instead.",
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Results, a line each model; what is in there already is not tried again.",
)
def bench(
    *,
    plots: tuple[str, ...],
    images: int,
    faulty: int,
    epochs: int,
    few: int | None,
    seed: int,
    json_file: Path | None,
) -> None:
    """Train on emulated faults alone, judge true ones; compare with true training.

    Needs the training extra; TensorFlow only without --few. An interrupted call
    goes on where it was, with --json.

    Example: hydra-ioc emulate bench --plot FCAL_occupancy --few 56 --json bench.json
    """
    from hydra_ioc.bench.emulated import DEFAULT_PLOTS, Plan
    from hydra_ioc.bench.emulated_trials import run
    from simulation.faults import plot_kind

    for plot in plots:
        plot_kind(plot)
    plan = Plan(images=images, faulty=faulty, epochs=epochs, few=few, seed=seed)
    begun = time.monotonic()

    def progress(line: str) -> None:
        click.echo(f"{time.monotonic() - begun:6.0f} s  {line}", err=True)

    click.echo("| plot | trained on | judged | right | heat inside, median |")
    click.echo("|---|---|---|---|---|")
    for one in run(plots or DEFAULT_PLOTS, plan, json_file, progress):
        for kind, rate in one["rates"].items():
            heat = one["heat"].get(kind)
            inside = "" if heat is None else f"{100 * heat:.0f} %"
            facts = f"| {one['plot']} | {one['model']} faults | {kind} | {_rate(rate)}"
            click.echo(f"{facts} | {inside} |")


def _rate(rate: dict[str, Any]) -> str:
    return (
        f"{100 * rate['value']:.1f} % ({rate['hits']}/{rate['total']},"
        f" {100 * rate['low']:.0f}..{100 * rate['high']:.0f})"
    )


def _size(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise click.UsageError(f"expected --size such as 1600x1200, received {text!r}")
    return int(width), int(height)
