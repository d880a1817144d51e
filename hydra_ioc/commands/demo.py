"""``hydra-ioc demo``: play the simulated experiment and break it."""

import os
from pathlib import Path

import click

from pipeline import config as configuration
from pipeline.errors import CommandError
from simulation import control
from simulation.drawing import Fault, Pixels
from simulation.faults import KINDS
from simulation.plots import PLOTS

DEFAULT_PLOTS = len(PLOTS)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Play the simulated experiment and break it.

    Example: hydra-ioc demo fault dead-crate CDC_occupancy
    """


@command.command()
@click.option("--period", type=click.FloatRange(0.01, 3600), help="Seconds between chunks [10].")
@click.option("--rate", type=click.FloatRange(0.001, 1000), help="Images per second instead.")
@click.option("--plots", type=click.IntRange(1, len(PLOTS)), default=DEFAULT_PLOTS)
@click.option("--burst", is_flag=True, help="All plots of a chunk at once.")
@click.option("--chunks", type=click.IntRange(1), default=60, help="Chunks of a run.")
@click.option("--cycles", type=click.IntRange(1), help="Stop after so many chunks.")
@click.option("--run", "first_run", type=click.IntRange(0), help="First run number.")
@click.option("--trip-every", type=click.IntRange(0), default=0, help="Chunks between beam trips.")
@click.option("--seed", type=click.IntRange(0), help="Same seed, same plots [random].")
@click.option("--nice", "niceness", type=click.IntRange(0, 19), default=10, show_default=True)
@click.pass_obj
def run(  # noqa: PLR0917 - one argument per option
    config_file: Path | None,
    period: float | None,
    rate: float | None,
    plots: int,
    burst: bool,
    chunks: int,
    cycles: int | None,
    first_run: int | None,
    trip_every: int,
    seed: int | None,
    niceness: int,
) -> None:
    """Play runs and chunks: plots go into the first input tree until stopped.

    Example: hydra-ioc demo run --period 5 --plots 21
    """
    from hydra_ioc.process import run_stage
    from simulation.beam import BeamWriter
    from simulation.experiment import Experiment, Plan
    from simulation.record import Recorder
    from simulation.server import next_run, serve

    if period is not None and rate is not None:
        raise click.UsageError("give --period or --rate, not both")
    config = configuration.load(config_file)
    if control.listens(config.socket_folder()):
        raise CommandError("a demo runs already; stop it first, or use another state_dir")
    os.nice(niceness)
    period = period or (plots / rate if rate else 10.0)
    state = config.under_state(Path("demo"))
    plan = Plan(
        tuple(PLOTS)[:plots],
        period_s=period,
        chunks=chunks,
        burst=burst,
        cycles=cycles,
        trip_every=trip_every,
        keep=config.input.after == "keep",
        seed=int.from_bytes(os.urandom(3)) if seed is None else seed,
    )
    tree = config.under_state(config.input.trees[0])
    recorder = Recorder(tree, state / "truth.jsonl")
    beam = None
    if config.beam.pv is None:
        address = config.ioc.interfaces[0]
        address = "127.0.0.1" if address == "0.0.0.0" else address  # noqa: S104
        beam = BeamWriter(f"{config.prefix}BeamCurrent", address, config.ioc.ca_port)
    kept = state / "run"
    experiment = Experiment(plan, recorder, next_run(kept, first_run), beam, kept)
    click.echo(f"demo: {plots} plots every {period:g} s into {tree}")
    run_stage("demo", lambda: serve(experiment, config.socket_folder()))


@command.command()
@click.argument("kind", metavar="KIND")
@click.argument("plot", metavar="PLOT")
@click.option("--crate", type=click.IntRange(0), help="Number of the crate.")
@click.option("--slot", type=click.IntRange(0), help="Slot within the crate.")
@click.option("--board", type=click.IntRange(0), help="Number of the HV board.")
@click.option("--pad", type=click.IntRange(0), help="Pad of the canvas, from 0.")
@click.option("--strength", type=click.FloatRange(0, 1), help="0 clearly visible, 1 strong.")
@click.pass_obj
def fault(  # noqa: PLR0917 - one argument per option
    config_file: Path | None,
    kind: str,
    plot: str,
    crate: int | None,
    slot: int | None,
    board: int | None,
    pad: int | None,
    strength: float | None,
) -> None:
    """Break something; it shows on PLOT within one period, and says what broke.

    KIND is dead-channel, dead-slot, dead-crate, hv-off, hot-channel,
    timing-shift, double-peak, empty, noise or light-leak. What is not given is
    chosen at random.

    Example: hydra-ioc demo fault dead-crate CDC_occupancy --crate 3
    """
    from simulation.faults import check

    check(kind, plot)
    asked = Fault(kind, plot, crate, slot, board, pad=pad, strength=strength)
    _tell(config_file, control.Inject(asked))


@command.command()
@click.argument("plot", metavar="[PLOT]", default="")
@click.pass_obj
def clear(config_file: Path | None, plot: str) -> None:
    """Mend everything, or all that shows on PLOT.

    Example: hydra-ioc demo clear CDC_occupancy
    """
    from simulation.faults import plot_kind

    if plot:
        plot_kind(plot)
    _tell(config_file, control.Clear(plot))


@command.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.pass_obj
def beam(config_file: Path | None, state: str) -> None:
    """Turn the beam on or off.

    Example: hydra-ioc demo beam off
    """
    _tell(config_file, control.Beam(state == "on"))


@command.command()
@click.pass_obj
def status(config_file: Path | None) -> None:
    """Tell run, chunk, beam and what is broken.

    Example: hydra-ioc demo status
    """
    _tell(config_file, control.Status())


def _tell(config_file: Path | None, request: control.AnyRequest) -> None:
    config = configuration.load(config_file)
    timeout = config.sockets.timeout_s
    click.echo(control.ask(config.socket_folder(), request, timeout))


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--per-plot", type=click.IntRange(1), default=100, show_default=True)
@click.option("--plot", "plots", multiple=True, help="Only this plot; may be repeated.")
@click.option("--faults", default="all", help="Kinds separated by commas, all or none.")
@click.option("--share", type=click.FloatRange(0, 1), default=0.5, help="Share with a fault.")
@click.option("--run", "first_run", type=click.IntRange(0), default=131_458)
@click.option("--seed", type=click.IntRange(0), default=0)
def images(  # noqa: PLR0917 - one argument per option
    folder: Path,
    per_plot: int,
    plots: tuple[str, ...],
    faults: str,
    share: float,
    first_run: int,
    seed: int,
) -> None:
    """Write a labelled set of plots into FOLDER: PNG files by run, truth.jsonl, labels.csv.

    A run has 20 images of a plot. 'hydra-ioc labels import FOLDER/labels.csv' takes them.

    Example: hydra-ioc demo images set --per-plot 40 --faults dead-slot,hot-channel
    """
    from simulation.dataset import TABLE, kinds_for, write_set

    chosen = plots or tuple(PLOTS)
    fitting = {kind for plot in chosen for kind in kinds_for(plot, KINDS)}
    every = tuple(kind for kind in KINDS if kind in fitting)
    kinds = {"all": every, "none": ()}.get(faults, tuple(faults.split(",")))
    if folder.exists() and any(folder.iterdir()):
        raise CommandError(f"{folder} is not empty; choose a new folder")
    try:
        total = write_set(
            folder,
            chosen,
            per_plot,
            kinds=kinds,
            share=share,
            first_run=first_run,
            seed=seed,
        )
    except OSError as error:
        raise CommandError(f"cannot write the set: {error}") from error
    click.echo(f"{total} plots, truth.jsonl and {TABLE} in {folder}")
    click.echo(f"next: 'hydra-ioc labels import {folder / TABLE}'", err=True)


@command.command(name="plots")
def list_plots() -> None:
    """List the plots and the faults that make sense on each.

    Example: hydra-ioc demo plots
    """
    for kind in PLOTS.values():
        click.echo(f"{kind.name:22s} {kind.detector.name:9s} {' '.join(kind.faults)}")


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("plot", metavar="[PLOT]", default="")
def sheet(file: Path, plot: str) -> None:
    """Draw all plots, or all faults of PLOT, side by side into a PNG file.

    Example: hydra-ioc demo sheet faults.png CDC_occupancy
    """
    from simulation.sheet import all_faults, all_plots

    _check_png(file)
    _write_png(file, all_faults(plot) if plot else all_plots())


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seed", type=click.IntRange(0), default=0, help="First species [0].")
@click.option("--species", "count", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option("--columns", type=click.IntRange(1, 20), default=6, show_default=True)
def zoo(file: Path, seed: int, count: int, columns: int) -> None:
    """Draw invented plot types, one a row, with their faults outlined, into a PNG file.

    Example: hydra-ioc demo zoo zoo.png --seed 40 --species 10
    """
    from simulation.zoo.sheet import sheet as zoo_sheet

    _check_png(file)
    _write_png(file, zoo_sheet(range(seed, seed + count), columns))


def _check_png(file: Path) -> None:
    if file.suffix != ".png":
        raise CommandError(f"expected a file name that ends in .png; received {file}")


def _write_png(file: Path, pixels: Pixels) -> None:
    from simulation.record import encode_png

    try:
        file.write_bytes(encode_png(pixels))
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error}") from error
    click.echo(f"{file}: {pixels.shape[1]} x {pixels.shape[0]} pixels")
