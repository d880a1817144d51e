"""``hydra-ioc masks``: known problems that a plot's model shall not judge."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue_queries import catalogue
from db.engine import reading, writing
from db.mask_queries import MaskRow, add_mask, enable_mask, expire_mask, masks
from hydra_ioc.mask_files import export_masks, import_masks, read_masks, read_time, write_time
from hydra_ioc.record import actor, open_record, permit
from hydra_ioc.reload import reload_keeper
from pipeline.config import load
from pipeline.vision.card import read_card
from pipeline.vision.normal import NORMAL_FILE

WHY = click.option("--why", default="", help="The reason of the change, for the record.")


class PointsType(click.ParamType[tuple[tuple[float, float], ...]]):
    """Corners such as ``0.1,0.2 0.4,0.2 0.4,0.5``."""

    name = "X,Y X,Y ..."

    def convert(
        self,
        value: str | tuple[tuple[float, float], ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[tuple[float, float], ...]:
        """Give the corners as numbers."""
        if isinstance(value, tuple):
            return value
        corners = []
        for corner in value.split():
            x, _, y = corner.partition(",")
            try:
                corners.append((float(x), float(y)))
            except ValueError:
                self.fail(
                    f"expected corners such as '0.1,0.2 0.4,0.5', received {corner!r}", param, ctx
                )
        return tuple(corners)


@click.group()
def command() -> None:
    """Cover parts of plots, so that known problems do not change the verdict.

    Example: hydra-ioc masks list
    """


@command.command("list")
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.pass_obj
def list_(config_file: Path | None, plot: str | None) -> None:
    """List masks with owner, reason and expiry, those out of force too.

    Example: hydra-ioc masks list --plot CDC_occupancy
    """
    with reading(open_record(load(config_file))) as session:
        for row in masks(session, plot):
            click.echo(_line(row, time.time()))


@command.command()
@click.argument("plot")
@click.argument("name")
@click.option("--rectangle", type=PointsType(), help="Two opposite corners.")
@click.option("--polygon", type=PointsType(), help="Three to 40 corners.")
@click.option("--reason", required=True, help="The known problem.")
@click.option("--owner", default="", help="Who answers for it; default: who asks.")
@click.option("--expires", help="Such as +8h, +3d or 2026-12-01T08:00; default never.")
@WHY
@click.pass_obj
def add(
    config_file: Path | None,
    *,
    plot: str,
    name: str,
    rectangle: tuple[tuple[float, float], ...] | None,
    polygon: tuple[tuple[float, float], ...] | None,
    reason: str,
    owner: str,
    expires: str | None,
    why: str,
) -> None:
    """Put the mask NAME on PLOT.

    Corners are x,y in fractions of the image, from its top left.

    Example: hydra-ioc masks add CDC_occupancy crate5 --rectangle "0.2,0.3 0.4,0.5"
    --reason "crate 5 waits for a power supply" --expires +3d
    """
    points = rectangle or polygon
    if points is None or (rectangle and polygon):
        raise click.UsageError("give one of --rectangle and --polygon")
    if rectangle and len(rectangle) != 2:
        raise click.UsageError("a rectangle has two corners")
    if polygon and len(polygon) < 3:
        raise click.UsageError("a polygon has three corners or more")
    who = actor(why)

    def work(session: Session) -> None:
        add_mask(
            session,
            who,
            plot,
            name,
            points=points,
            owner=owner or who.user,
            reason=reason,
            expires_at=None if expires is None else read_time(expires),
        )

    _change(config_file, who, (plot,), work, f"mask {name} put on {plot}")
    _warn_without_normal(config_file, plot)


@command.command()
@click.argument("plot")
@click.argument("name")
@WHY
@click.pass_obj
def enable(config_file: Path | None, plot: str, name: str, why: str) -> None:
    """Take the mask NAME of PLOT into force.

    Example: hydra-ioc masks enable CDC_occupancy crate5
    """
    _switch(config_file, plot, name, why, enabled=True)


@command.command()
@click.argument("plot")
@click.argument("name")
@WHY
@click.pass_obj
def disable(config_file: Path | None, plot: str, name: str, why: str) -> None:
    """Take the mask NAME of PLOT out of force; it stays on record.

    Example: hydra-ioc masks disable CDC_occupancy crate5 --why "crate is back"
    """
    _switch(config_file, plot, name, why, enabled=False)


@command.command()
@click.argument("plot")
@click.argument("name")
@click.option("--at", default="now", show_default=True, help="Such as +8h, a date, or never.")
@WHY
@click.pass_obj
def expire(config_file: Path | None, plot: str, name: str, at: str, why: str) -> None:
    """Set when the mask NAME of PLOT ends.

    Example: hydra-ioc masks expire CDC_occupancy crate5 --at +2d
    """
    who = actor(why)
    expires_at = None if at == "never" else read_time(at)
    _change(
        config_file,
        who,
        (plot,),
        lambda session: expire_mask(session, who, plot, name, expires_at),
        f"mask {name} of {plot} ends {'never' if expires_at is None else write_time(expires_at)}",
    )


@command.command()
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.pass_obj
def export(config_file: Path | None, plot: str | None) -> None:
    """Write all masks as JSON to the standard output.

    Example: hydra-ioc masks export > masks.json
    """
    with reading(open_record(load(config_file))) as session:
        click.echo(export_masks(session, plot), nl=False)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@WHY
@click.pass_obj
def import_(config_file: Path | None, file: Path, why: str) -> None:
    """Put the masks of the JSON FILE on their plots: all, or none.

    Example: hydra-ioc masks import masks.json
    """
    lines = read_masks(file)
    who = actor(why)
    done: list[tuple[int, int, int]] = []
    _change(
        config_file,
        who,
        tuple(sorted({line.plot for line in lines})),
        lambda session: done.append(import_masks(session, who, lines)),
        f"masks of {file.name} imported",
    )
    added, known, expired = done[0]
    click.echo(f"{added} masks added, {known} were there, {expired} had expired")


def _warn_without_normal(config_file: Path | None, plot: str) -> None:
    """Tell when white paper will be put under the mask, which may look like a fault."""
    config = load(config_file)
    with reading(open_record(config)) as session:
        model = next(row.model for row in catalogue(session) if row.name == plot)
    if model is None:
        return
    card = read_card(config.under_state(config.predict.models) / model.digest)
    if NORMAL_FILE not in card.files:
        click.echo(
            f"WARNING: model {model.digest[:12]} brings no {NORMAL_FILE}, so masked pixels become"
            " white; see on the next image whether it takes that for a fault",
            err=True,
        )


def _switch(config_file: Path | None, plot: str, name: str, why: str, *, enabled: bool) -> None:
    who = actor(why)
    _change(
        config_file,
        who,
        (plot,),
        lambda session: enable_mask(session, who, plot, name, enabled),
        f"mask {name} of {plot} {'enabled' if enabled else 'disabled'}",
    )


def _change(
    config_file: Path | None,
    who: Actor,
    plots: tuple[str, ...],
    work: Callable[[Session], None],
    text: str,
) -> None:
    config = load(config_file)
    engine = open_record(config)
    for plot in plots:
        permit(engine, who, "set-mask", plot)
    with writing(engine) as session:
        work(session)
    click.echo(text)
    if asyncio.run(reload_keeper(config, who)):
        click.echo("the running Keeper has read the catalogue again")


def _line(row: MaskRow, now: float) -> str:
    over = row.expires_at is not None and row.expires_at <= now
    state = "in force" if row.in_force(now) else ("expired" if over else "disabled")
    until = "never ends" if row.expires_at is None else f"until {write_time(row.expires_at)}"
    corners = " ".join(f"{x:g},{y:g}" for x, y in row.points)
    return (
        f"{row.plot:24} {row.name:20} {state:9} {until:32} {row.owner:12} {row.reason} ({corners})"
    )
