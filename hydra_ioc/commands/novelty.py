"""``hydra-ioc novelty``: how unlike everything a model was trained with an image is."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from sqlalchemy import Engine

from db.audit_queries import Actor
from db.catalogue_queries import catalogue, plot_type
from db.doubt_queries import set_novel
from db.engine import reading, writing
from hydra_ioc.novelty import Known, fit_novelty, held_out, known_of
from hydra_ioc.record import actor, open_record, permit
from hydra_ioc.registry import find_model
from hydra_ioc.reload import reload_keeper
from hydra_ioc.training import Source, from_folder, from_record, from_simulation
from hydra_ioc.training_extra import need_training
from pipeline.config import Config, load
from pipeline.errors import CommandError
from pipeline.vision.card import ModelCard, read_card

WHY = click.option("--why", default="", help="The reason, for the record.")


@click.group()
def command() -> None:
    """Tell images that are unlike everything a model was trained with.

    Example: hydra-ioc novelty list
    """


@command.command("list")
@click.pass_obj
def list_(config_file: Path | None) -> None:
    """List the plots: whether their model tells novelty, and their limit.

    Example: hydra-ioc novelty list
    """
    with reading(open_record(load(config_file))) as session:
        for row in catalogue(session):
            model = row.model.digest[:12] if row.model else "no model"
            tells = "tells" if row.model and row.model.novelty else "cannot tell"
            limit = f"Unknown below {row.novel_below:g}" if row.novel_below else "no limit"
            click.echo(f"{row.name:30} {model:12} {tells:12} {limit}")


@command.command()
@click.argument("plot")
@click.option("--model", "digest", default="", help="Of the model; default: the active one.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder it was trained with, with labels.csv.",
)
@click.option("--simulated", type=click.IntRange(10, 100_000), help="So many drawings instead.")
@click.option("--labelled", is_flag=True, help="All labelled images of PLOT instead.")
@WHY
@click.pass_obj
def fit(
    config_file: Path | None,
    *,
    plot: str,
    digest: str,
    data: Path | None,
    simulated: int | None,
    labelled: bool,
    why: str,
) -> None:
    """Learn what the model of PLOT was trained with, from its images on record.

    A training does it by itself; this is for models of earlier releases and of
    somebody else's. Needs the training extra.

    Example: hydra-ioc novelty fit CDC_occupancy
    """
    if sum((data is not None, simulated is not None, labelled)) > 1:
        raise click.UsageError("give at most one of --data DIR, --simulated N and --labelled")
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, "set-model", plot)
    folder = _model_of(config, engine, plot, digest)
    card = read_card(folder)
    if data is not None:
        known = _known(from_folder(config, data, None, card.input_shape), card)
    elif simulated is not None:
        with need_training():
            known = _known(from_simulation(plot, simulated, card.input_shape, card.seed), card)
    elif labelled:
        known = _known(from_record(config, (plot,), card.input_shape, 0.0), card)
    else:
        known = _on_record(config, engine, folder)
    with click.progressbar(length=len(known.images), label="embedding", file=sys.stderr) as bar:
        made = fit_novelty(engine, folder, known, who, bar.update)
    click.echo(f"model {folder.name[:12]} tells novelty: {made.told()}")
    _tell_keeper(config, f"novelty of {plot} fitted", who)


@command.command()
@click.argument("plot")
@click.argument("below", type=click.FloatRange(0, 1))
@WHY
@click.pass_obj
def limit(config_file: Path | None, plot: str, below: float, why: str) -> None:
    """Call an image of PLOT Unknown where fewer known images than BELOW lie farther out.

    BELOW is a share, 0 to 1: 0.002 is one known image in 500. 0, the default, never.
    A label that is confirmed and alarms stays what it is.

    Example: hydra-ioc novelty limit CDC_occupancy 0.002 --why "new target"
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, "set-threshold", plot)
    with writing(engine) as session:
        before = set_novel(session, who, plot, below)
        row = next(row for row in catalogue(session) if row.name == plot)
    click.echo(f"{plot}: Unknown below a novelty of {below:g}, before {before:g}")
    if below and not (row.model and row.model.novelty):
        click.echo(
            f"the model of {plot} tells no novelty yet: 'hydra-ioc novelty fit {plot}'", err=True
        )
    _tell_keeper(config, f"novelty limit of {plot} changed", who)


def _model_of(config: Config, engine: Engine, plot: str, digest: str) -> Path:
    with reading(engine) as session:
        plot_type(session, plot)
        row = next(row for row in catalogue(session) if row.name == plot)
    if not digest and row.model is None:
        raise CommandError(f"plot {plot} has no model; name one with --model DIGEST")
    chosen = digest or (row.model.digest if row.model else "")
    return find_model(config.under_state(config.predict.models), chosen)


def _on_record(config: Config, engine: Engine, folder: Path) -> Known:
    try:
        return known_of(config, engine, folder)
    except CommandError as error:
        raise CommandError(
            f"{error}; choose --simulated N for a model of the demo, --labelled or --data DIR for"
            " one of somebody else's"
        ) from error


def _known(source: Source, card: ModelCard) -> Known:
    dataset = source.dataset
    return Known(dataset.images, dataset.runs, held_out(dataset.runs, card.validation_runs))


def _tell_keeper(config: Config, why: str, who: Actor) -> None:
    if asyncio.run(reload_keeper(config, Actor(who.user, who.host, why))):
        click.echo("the running Keeper has read the catalogue again")


@command.command()
@click.option("--plot", "plots", multiple=True, help="Only these simulated plots; repeatable.")
@click.option("--good", default=120, show_default=True, type=click.IntRange(20, 5000))
@click.option("--odd", default=120, show_default=True, type=click.IntRange(10, 5000))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--no-simulated", is_flag=True, help="No simulated plots.")
@click.option(
    "--real",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real plots with labels.csv (file, run, label) and png/; repeatable.",
)
@click.option(
    "--tables", type=click.Path(path_type=Path, dir_okay=False), help="Markdown to write."
)
def evaluate(
    *,
    plots: tuple[str, ...],
    good: int,
    odd: int,
    repeats: int,
    no_simulated: bool,
    folders: tuple[Path, ...],
    tables: Path | None,
) -> None:
    """Measure how well faults of a kind that was not described are told.

    Example: hydra-ioc novelty evaluate --plot CDC_occupancy
    """
    with need_training():
        from hydra_ioc.bench.novelty import run, write
    from hydra_ioc.bench.similarity_sets import Images, real, simulated
    from pipeline.vision.backbone import load as load_backbone
    from simulation.faults import plot_kind
    from simulation.plots import PLOTS

    for plot in plots:
        plot_kind(plot)
    names = () if no_simulated else plots or tuple(PLOTS)
    sets: list[Callable[[], Images]] = [
        partial(simulated, name, 1, good // 2, odd, 1) for name in names
    ]
    sets += [partial(real, folder) for folder in folders]
    found = run(sets, load_backbone(threads=2), repeats, lambda line: click.echo(line, err=True))
    click.echo(write(found, tables), nl=False)
