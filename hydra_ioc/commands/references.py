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
            click.echo(
                f"{row.plot:24} version {row.version:<3} {row.count:4} images {state:9}"
                f" threshold {row.threshold:g} {Severity(row.severity).name} {decides}"
                f" {row.run_type or 'all runs'} {row.digest[:12]}"
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
@click.option("--references", "count", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--good", default=60, show_default=True, type=click.IntRange(2))
@click.option("--odd", default=40, show_default=True, type=click.IntRange(2))
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--real",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with labels.csv and png/ instead of the simulated plots; repeatable.",
)
@click.option(
    "--backbone",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of a backbone; default: the shipped one, if there is one.",
)
def evaluate(
    *, count: int, good: int, odd: int, seed: int, folders: tuple[Path, ...], folder: Path | None
) -> None:
    """Measure how well references alone tell good from odd; no Bad example is used.

    Example: hydra-ioc references evaluate --references 20
    """
    from hydra_ioc.bench.similarity import SHAPE, real, simulated
    from hydra_ioc.training_extra import need_training
    from pipeline.vision.backbone import load as load_backbone
    from pipeline.vision.references import backbone_for

    with need_training():
        import sklearn as _  # noqa: F401
    backbone = load_backbone(folder) if folder is not None else backbone_for(SHAPE)
    click.echo(f"{count} references, {'with' if backbone else 'without'} a backbone")
    if folders:
        found = [one for path in folders for one in real(path, count, backbone, repeats=10)]
    else:
        found = []
        for one in simulated(count, good, odd, backbone, seed):
            found.append(one)
            click.echo(f"{one.name} done", err=True)
    for one in found:
        pixels = "" if one.pixels is None else f"  nearest in pixels {one.pixels:.3f}"
        click.echo(
            f"{one.name:28} good {one.good:4} odd {one.odd:4}  area {one.area:.3f}  below 0.01:"
            f" {one.alarms:6.1%} of good, {one.recall:6.1%} of odd{pixels}"
        )
    mean = sum(one.area for one in found) / len(found)
    alarms = sum(one.alarms for one in found) / len(found)
    click.echo(f"mean area {mean:.4f}, false alarms at 0.01: {alarms:.2%}")
