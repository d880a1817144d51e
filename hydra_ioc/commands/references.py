"""``hydra-ioc references``: images that others of their plot are compared with."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from db.audit_queries import Actor
from db.engine import reading, writing
from db.reference_queries import (
    RIGHT,
    reference_history,
    references,
    retire_references,
    use_references,
)
from db.run_type_queries import set_run_type
from hydra_ioc.commands._adaptation import accept, adapt, proposals, refuse
from hydra_ioc.record import actor, open_record, permit
from hydra_ioc.references import DEFAULT_THRESHOLD, collect
from hydra_ioc.references import add as add_references
from hydra_ioc.reload import reload_keeper
from pipeline.alarm import Severity
from pipeline.config import Config, load

WHY = click.option("--why", default="", help="The reason of the change, for the record.")


@click.group()
def command() -> None:
    """Compare a plot's images with references: no model and no Bad example needed.

    Example: hydra-ioc references list
    """


for one in (adapt, proposals, accept, refuse):
    command.add_command(one)


@command.command()
@click.argument("plot")
@click.argument("images", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--run", type=click.IntRange(0), help="All kept images of this run too.")
@click.option("--sha256", "hashes", multiple=True, help="A kept image by its hash; repeatable.")
@click.option("--run-type", default="", help="Kind of run they are of, such as production.")
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    default=DEFAULT_THRESHOLD,
    show_default=True,
    help="Similarity below which an image is unlike them: the rate of false alarms.",
)
@click.option("--major", is_flag=True, help="MAJOR instead of MINOR for an image unlike them.")
@click.option("--only-watch", is_flag=True, help="Similarity alarms by itself; Class ignores it.")
@WHY
@click.pass_obj
def add(
    config_file: Path | None,
    *,
    plot: str,
    images: tuple[Path, ...],
    run: int | None,
    hashes: tuple[str, ...],
    run_type: str,
    threshold: float,
    major: bool,
    only_watch: bool,
    why: str,
) -> None:
    """Make IMAGES the references of PLOT, a new version, in force at once.

    Example: hydra-ioc references add CDC_occupancy good1.png good2.png --why "start of run"
    """
    if not images and run is None and not hashes:
        raise click.UsageError("give images, --run or --sha256")
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, RIGHT, plot)
    found = collect(engine, config, plot, images, run=run, hashes=hashes)
    version, with_backbone = add_references(
        engine,
        config,
        who,
        plot,
        found,
        run_type=run_type,
        threshold=threshold,
        severity=Severity.MAJOR if major else Severity.MINOR,
        decides=not only_watch,
    )
    looks = "with the backbone" if with_backbone else "without a backbone: none is shipped"
    click.echo(f"references of {plot}: version {version}, {len(found)} images, {looks}")
    if len(found) < 5:
        click.echo("five or more references of several runs tell good from odd far better")
    _tell(config, who)


@command.command("list")
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.pass_obj
def list_(config_file: Path | None, plot: str | None) -> None:
    """List all versions; the one in force is marked.

    Example: hydra-ioc references list --plot CDC_occupancy
    """
    with reading(open_record(load(config_file))) as session:
        for row in references(session, plot):
            state = "in force" if row.active else "retired"
            decides = "decides" if row.decides else "only watches"
            adapted = (
                f" adapted from version {row.original_version}, drift {row.drift:.2f}"
                if row.original_version
                else ""
            )
            click.echo(
                f"{row.plot:24} version {row.version:<3} {row.count:4} images {state:9}"
                f" threshold {row.threshold:g} {Severity(row.severity).name} {decides}"
                f" {row.run_type or 'all runs'} {row.digest[:12]}{adapted}"
            )


@command.command()
@click.argument("plot")
@click.argument("version", type=click.IntRange(1))
@WHY
@click.pass_obj
def use(config_file: Path | None, plot: str, version: int, why: str) -> None:
    """Compare PLOT with another VERSION, such as that of another run type.

    Example: hydra-ioc references use CDC_occupancy 2 --why "cosmic run"
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, RIGHT, plot)
    with writing(engine) as session:
        use_references(session, who, plot, version)
    click.echo(f"references of {plot}: version {version} in force")
    _tell(config, who)


@command.command("run-type")
@click.argument("run_type")
@WHY
@click.pass_obj
def run_type_(config_file: Path | None, run_type: str, why: str) -> None:
    """Compare all plots with their references of RUN_TYPE; for the start of a run.

    A plot without such takes those for all run types; one whose references are
    retired stays without.

    Example: hydra-ioc references run-type cosmic --why "run 131500"
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, RIGHT)
    with writing(engine) as session:
        changed = set_run_type(session, who, run_type)
    for plot, version in changed.items():
        click.echo(f"references of {plot}: version {version} in force")
    click.echo(f"{len(changed)} plots changed for run type {run_type}")
    _tell(config, who)


@command.command()
@click.argument("plot")
@WHY
@click.pass_obj
def retire(config_file: Path | None, plot: str, why: str) -> None:
    """Take the references of PLOT out of force; they stay on record.

    Example: hydra-ioc references retire CDC_occupancy --why "new geometry"
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    permit(engine, who, RIGHT, plot)
    with writing(engine) as session:
        version = retire_references(session, who, plot)
    click.echo(f"references of {plot}: version {version} retired")
    _tell(config, who)


@command.command()
@click.argument("plot")
@click.pass_obj
def history(config_file: Path | None, plot: str) -> None:
    """Show who changed the references of PLOT, when and why.

    Example: hydra-ioc references history CDC_occupancy
    """
    with reading(open_record(load(config_file))) as session:
        for row in reference_history(session, plot):
            when = datetime.fromtimestamp(row.changed_at).astimezone()
            click.echo(
                f"{when:%Y-%m-%d %H:%M:%S} version {row.version:<3} {row.action:9}"
                f" threshold {row.threshold:g} {row.user}@{row.host} {row.why}"
            )


def _tell(config: Config, who: Actor) -> None:
    if asyncio.run(reload_keeper(config, who)):
        click.echo("the running Keeper has read the catalogue again")


@command.command()
@click.option(
    "--references",
    "counts",
    multiple=True,
    type=click.IntRange(1, 500),
    default=(3, 5, 10, 20, 50),
    show_default=True,
    help="How many; may be repeated.",
)
@click.option("--good", default=100, show_default=True, type=click.IntRange(2))
@click.option("--odd", default=60, show_default=True, type=click.IntRange(2))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1, 1000))
@click.option("--real-repeats", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option("--seed", default=1, show_default=True)
@click.option("--plot", "plots", multiple=True, help="Only these simulated plots; repeatable.")
@click.option("--no-simulated", is_flag=True, help="No simulated plots.")
@click.option(
    "--real",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real plots with labels.csv (file, run, label) and png/; repeatable.",
)
@click.option(
    "--backbone",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of a backbone; default: the shipped one, if there is one.",
)
@click.option("--no-backbone", is_flag=True, help="Without one.")
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Trials, a line each; what is in there already is not made again.",
)
@click.option(
    "--tables", type=click.Path(path_type=Path, dir_okay=False), help="Markdown file to write."
)
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), help="PNG file to draw."
)
def evaluate(
    *,
    counts: tuple[int, ...],
    good: int,
    odd: int,
    repeats: int,
    real_repeats: int,
    seed: int,
    plots: tuple[str, ...],
    no_simulated: bool,
    folders: tuple[Path, ...],
    folder: Path | None,
    no_backbone: bool,
    file: Path | None,
    tables: Path | None,
    picture: Path | None,
) -> None:
    """Measure what references alone promise and find; no Bad example is used.

    References and judged Good images are of different runs. An interrupted
    call goes on where it was, with --json.

    Example: hydra-ioc references evaluate --references 20 --plot CDC_occupancy
    """
    from hydra_ioc.bench.similarity import Plan, run
    from hydra_ioc.bench.similarity_report import write_report
    from hydra_ioc.bench.similarity_sets import SHAPE
    from hydra_ioc.training_extra import need_training
    from pipeline.vision.backbone import load as load_backbone
    from pipeline.vision.references import backbone_for
    from simulation.faults import plot_kind
    from simulation.plots import PLOTS

    for plot in plots:
        plot_kind(plot)
    if no_simulated and not folders:
        raise click.UsageError("--no-simulated needs --real")
    if no_backbone:
        backbone = None
    else:
        backbone = load_backbone(folder) if folder is not None else backbone_for(SHAPE)
    plan = Plan(
        plots=() if no_simulated else plots or tuple(PLOTS),
        real=folders,
        references=tuple(sorted(set(counts))),
        good=good,
        odd=odd,
        repeats=repeats,
        real_repeats=real_repeats,
        seed=seed,
    )
    click.echo(f"{'with' if backbone else 'without'} a backbone", err=True)
    results = run(plan, backbone, file, lambda line: click.echo(line, err=True))
    click.echo(write_report(results, tables), nl=False)
    if picture is not None:
        with need_training():
            from hydra_ioc.bench.similarity_figure import draw
        draw(results, picture)
