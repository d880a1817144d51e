"""``hydra-ioc plots``: the catalogue of plot types and their models."""

import asyncio
from pathlib import Path

import click
from sqlalchemy import Engine

from db.audit_queries import audit
from db.catalogue_queries import DEFAULT_LABELS, PlotRow, add_plot, catalogue
from db.change_queries import Change, change_plot
from db.doubt_queries import set_doubt
from db.engine import reading, writing
from db.signoff_queries import find
from db.steadiness_queries import set_steadiness
from hydra_ioc.next_step import next_of
from hydra_ioc.record import actor, open_record, permit
from hydra_ioc.registry import find_model, install_model
from hydra_ioc.reload import reload_keeper
from pipeline.config import Config, load


@click.group()
def command() -> None:
    """List, add and discover plot types; say which model judges them.

    Example: hydra-ioc plots list
    """


@command.command("list")
@click.pass_obj
def list_(config_file: Path | None) -> None:
    """List the catalogue, one plot type a line, name first.

    Example: hydra-ioc plots list
    """
    engine = open_record(load(config_file))
    with reading(engine) as session:
        for plot in catalogue(session):
            click.echo(_line(plot))


@command.command()
@click.argument("name")
@click.option("--group", default="Other", show_default=True, help="Detector system.")
@click.option("--description", default="", help="What the plot shows.")
@click.option("--contact", default="", help="Whom to call.")
@click.option("--guidance", default="", help="What the shift crew should do when it is bad.")
@click.option(
    "--cadence",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Longest expected time between two images, s.",
)
@click.option(
    "--labels",
    default=",".join(DEFAULT_LABELS),
    show_default=True,
    help="The palette, in the order of the enum states.",
)
@click.option("--file-type", default="png", show_default=True)
@click.option("--chunked/--unchunked", default=True, show_default=True)
@click.pass_obj
def add(
    config_file: Path | None,
    *,
    name: str,
    group: str,
    description: str,
    contact: str,
    guidance: str,
    cadence: float,
    labels: str,
    file_type: str,
    chunked: bool,
) -> None:
    """Put the plot type NAME into the catalogue.

    Example: hydra-ioc plots add CDC_occupancy --group CDC --labels Good,Bad,NoData
    """
    config = load(config_file)
    with writing(_open_for_plots(config)) as session:
        add_plot(
            session,
            name,
            file_type=file_type,
            chunked=chunked,
            group=group,
            description=description,
            contact=contact,
            guidance=guidance,
            cadence_s=cadence,
            labels=_split(labels),
        )
        audit(session, actor(), "set-plots", name, new={"group": group, "labels": labels})
    click.echo(f"added {name}")
    _tell_keeper(config, f"plot {name} added")


@command.command()
@click.argument("name")
@click.option("--group", help="Detector system.")
@click.option("--description", help="What the plot shows.")
@click.option("--contact", help="Whom to call.")
@click.option("--guidance", help="What the shift crew should do when it is bad.")
@click.option(
    "--cadence",
    type=click.FloatRange(min=0, min_open=True),
    help="Longest expected time between two images, s.",
)
@click.option("--collect", type=click.FloatRange(0, 1), help="Share of images kept at random.")
@click.option("--labels", help="The palette, in the order of the enum states.")
@click.option("--consecutive", type=click.IntRange(1, 20), help="Equal results before one shows.")
@click.option(
    "--hysteresis", type=click.FloatRange(0, 1), help="How far below its threshold a label is left."
)
@click.option(
    "--hold", "hold_s", type=click.FloatRange(0, 86400), help="An alarm stays so long, s."
)
@click.option(
    "--delay", "delay_s", type=click.FloatRange(0, 86400), help="Not OK for less is no alarm, s."
)
@click.option("--count", type=click.IntRange(0, 50), help="Not OK more often within --delay is.")
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def change(
    config_file: Path | None,
    *,
    name: str,
    group: str | None,
    description: str | None,
    contact: str | None,
    guidance: str | None,
    cadence: float | None,
    collect: float | None,
    labels: str | None,
    consecutive: int | None,
    hysteresis: float | None,
    hold_s: float | None,
    delay_s: float | None,
    count: int | None,
    why: str,
) -> None:
    """Change what the catalogue says of the plot type NAME.

    Example: hydra-ioc plots change CDC_occupancy --cadence 30 --contact "ann, 1234"
    """
    given = {
        "consecutive": consecutive,
        "hysteresis": hysteresis,
        "hold_s": hold_s,
        "delay_s": delay_s,
        "count": count,
    }
    over_time = {key: value for key, value in given.items() if value is not None}
    facts = Change(
        group=group,
        description=description,
        contact=contact,
        guidance=guidance,
        cadence_s=cadence,
        collect_fraction=collect,
        labels=_split(labels) if labels is not None else None,
    )
    config = load(config_file)
    with writing(_open_for_plots(config)) as session:
        for setting, value in over_time.items():
            set_steadiness(session, actor(why), name, setting, value)
        if not over_time or facts != Change():
            change_plot(session, actor(why), name, facts)
    click.echo(f"changed {name}")
    _tell_keeper(config, f"plot {name} changed")


@command.command()
@click.argument("name")
@click.argument("weight", type=click.FloatRange(0, 1))
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def doubt(config_file: Path | None, name: str, weight: float, why: str) -> None:
    """Call an image of NAME Unknown when no label reaches WEIGHT; 0 never does.

    Example: hydra-ioc plots doubt CDC_occupancy 0.6
    """
    config = load(config_file)
    with writing(_open_for_plots(config)) as session:
        before = set_doubt(session, actor(why), name, weight)
    click.echo(f"{name}: Unknown below {weight:g}, before {before:g}")
    _tell_keeper(config, f"doubt of {name} changed")


@command.command()
@click.argument("tree", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--group", default="Other", show_default=True, help="Detector system of new ones.")
@click.option(
    "--labels", default=",".join(DEFAULT_LABELS), show_default=True, help="Their palette."
)
@click.pass_obj
def discover(config_file: Path | None, tree: Path, group: str, labels: str) -> None:
    """Add every plot type that the files below TREE belong to.

    Example: hydra-ioc plots discover /data/rootspy
    """
    from hydra_ioc.discovery import discover as find

    config = load(config_file)
    found, strangers = find(config, tree)
    with writing(_open_for_plots(config)) as session:
        there = {plot.name for plot in catalogue(session)}
        for kind in found:
            if kind.plot in there:
                click.echo(f"known {kind.plot} ({kind.files} files)")
                continue
            there.add(kind.plot)
            add_plot(
                session,
                kind.plot,
                file_type=kind.file_type,
                chunked=kind.chunked,
                group=group,
                labels=_split(labels),
            )
            facts = {"group": group, "labels": labels}
            audit(session, actor(f"found in {tree}"), "set-plots", kind.plot, new=facts)
            click.echo(f"added {kind.plot} ({kind.files} files)")
    for path in strangers[:10]:
        click.echo(f"no rule fits {path}", err=True)
    if len(strangers) > 10:
        click.echo(f"no rule fits {len(strangers) - 10} more files", err=True)
    _tell_keeper(config, f"plots discovered in {tree.name}")


@command.command()
@click.argument("plot")
@click.argument("digest")
@click.option("--probation", is_flag=True, help="On trial: unsigned, and never above MINOR.")
@click.option(
    "--end-companions",
    is_flag=True,
    help="End references and a shadow that do not suit it, in the same step.",
)
@click.option("--why", default="", help="The reason, for the record.")
@click.pass_obj
def model(
    config_file: Path | None,
    *,
    plot: str,
    digest: str,
    probation: bool,
    end_companions: bool,
    why: str,
) -> None:
    """Let the model DIGEST of the model store judge PLOT from now on.

    The model needs all its sign-offs (hydra-ioc models sign), unless it is taken
    on probation. One that does not suit the plot's references or shadow is
    refused, unless --end-companions ends these.

    The first 8 or more digits of DIGEST are enough.

    Example: hydra-ioc plots model CDC_occupancy 3f0c92aa
    """
    config = load(config_file)
    folder = find_model(config.under_state(config.predict.models), digest)
    ended = install_model(
        open_record(config),
        folder,
        [plot],
        actor(why),
        probation=probation,
        end_companions=end_companions,
    )
    for text in ended:
        click.echo(text)
    trial = ", on probation: never above MINOR" if probation else ""
    click.echo(f"{plot} is judged by model {folder.name}{trial}")
    _tell_keeper(config, f"model of {plot} changed")
    with reading(open_record(config)) as session:
        click.echo(f"next: {next_of(session, find(session, folder.name))}", err=True)


def _open_for_plots(config: Config) -> Engine:
    engine = open_record(config)
    permit(engine, actor(), "set-plots")
    return engine


def _split(labels: str) -> list[str]:
    return [label.strip() for label in labels.split(",")]


def _tell_keeper(config: Config, why: str) -> None:
    if asyncio.run(reload_keeper(config, actor(why))):
        click.echo("the running Keeper has read the catalogue again")


def _line(plot: PlotRow) -> str:
    labels = ",".join(label.name for label in plot.labels)
    judged_by = "no model" if plot.model is None else plot.model.digest[:12]
    hidden = "  ignored" if plot.ignored else ""
    return (
        f"{plot.name:30} {plot.group:12} {plot.cadence_s:6.0f} s  {labels:30} {judged_by}{hidden}"
    )
