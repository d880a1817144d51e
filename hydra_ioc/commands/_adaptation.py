"""``hydra-ioc references adapt``, ``proposals``, ``accept`` and ``refuse``."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from db.adaptation_queries import proposals as list_proposals
from db.adaptation_queries import refuse_proposal
from db.audit_queries import Actor
from db.engine import reading, writing
from db.reference_queries import RIGHT, references_in_force
from hydra_ioc.adaptation import accept as accept_proposal
from hydra_ioc.adaptation import propose
from hydra_ioc.record import actor, open_record, permit
from hydra_ioc.reload import reload_keeper
from pipeline.config import Config, load
from pipeline.errors import CommandError, FileError, InputError, ModelError, NotPermitted

WHY = click.option("--why", default="", help="The reason, for the record.")


@click.command()
@click.argument("plots", nargs=-1)
@WHY
@click.pass_obj
def adapt(config_file: Path | None, *, plots: tuple[str, ...], why: str) -> None:
    """Propose to let the references of PLOTS follow what people called Good lately.

    Without PLOTS all that have references are looked at, and it is told where there is
    nothing to propose; the Keeper does so every references.adapt_period_s, where that is
    set. A step replaces a fifth of the references at most. Nothing changes before an
    expert accepts it.

    Example: hydra-ioc references adapt CDC_occupancy
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    names = plots
    if not names:
        with reading(engine) as session:
            names = tuple(sorted(row.plot for row in references_in_force(session).values()))
    made, faults = False, []
    for plot in names:
        try:
            found = propose(engine, config, who, plot)
        except (NotPermitted, FileError, ModelError) as error:
            if plots:
                raise
            faults.append(f"{plot}: {error}")
            continue
        except CommandError as error:
            if plots:
                raise
            click.echo(f"{plot}: nothing to propose: {error}")
            continue
        made = True
        unlike = f", {found.unlike} of them unlike the original: left out" if found.unlike else ""
        click.echo(
            f"{plot}: proposal {found.proposal_id}: {found.dropped} references go, {found.taken}"
            f" come; {found.candidates} images of {found.period} called Good, drift"
            f" {found.drift:.2f} of at most {config.references.drift:g} decades from version"
            f" {found.original_version}{unlike}"
        )
    if made:
        click.echo("next, by an expert: 'hydra-ioc references accept ID' or 'refuse ID'", err=True)
        _tell(config, "references proposed", who)
    if faults:
        raise InputError("\n".join(faults))


@click.command()
@click.option("--plot", metavar="NAME", help="Only this plot type.")
@click.option("--images", is_flag=True, help="List the images that go and come.")
@click.pass_obj
def proposals(config_file: Path | None, *, plot: str | None, images: bool) -> None:
    """List proposals to adapt references, and what became of them.

    Example: hydra-ioc references proposals --plot CDC_occupancy --images
    """
    with reading(open_record(load(config_file))) as session:
        for one in list_proposals(session, plot):
            when = datetime.fromtimestamp(one.made_at).astimezone()
            result = f" as version {one.version}" if one.version is not None else ""
            by = f" by {one.decided_by}" if one.decided_by else ""
            click.echo(
                f"{one.proposal_id:5} {one.plot:24} {when:%Y-%m-%d %H:%M} by {one.user}:"
                f" version {one.base_version}, {len(one.dropped)} go, {len(one.taken)} come,"
                f" drift {one.drift:.2f} from version {one.original_version},"
                f" {one.unlike} of {one.candidates} unlike it; {one.state}{result}{by}"
            )
            if images:
                for key in one.dropped:
                    click.echo(f"      goes  {key}")
                for key, run in one.taken.items():
                    click.echo(f"      comes {key} run {run}")


@click.command()
@click.argument("proposal", type=click.IntRange(1))
@WHY
@click.pass_obj
def accept(config_file: Path | None, *, proposal: int, why: str) -> None:
    """Let references be adapted as PROPOSAL says: a new version, in force at once.

    Example: hydra-ioc references accept 3 --why "new high voltage since Monday"
    """
    config, who = load(config_file), actor(why)
    plot, version = accept_proposal(open_record(config), config, who, proposal)
    click.echo(f"references of {plot}: version {version} in force")
    _tell(config, f"references of {plot} adapted", who)


@click.command()
@click.argument("proposal", type=click.IntRange(1))
@WHY
@click.pass_obj
def refuse(config_file: Path | None, *, proposal: int, why: str) -> None:
    """Leave references as they are.

    Example: hydra-ioc references refuse 3 --why "the gas is not right"
    """
    config, who = load(config_file), actor(why)
    engine = open_record(config)
    with reading(engine) as session:
        plot = next((o.plot for o in list_proposals(session) if o.proposal_id == proposal), None)
    permit(engine, who, RIGHT, plot)
    with writing(engine) as session:
        found = refuse_proposal(session, who, proposal)
    click.echo(f"proposal {proposal}: the references of {found.plot} stay as they are")
    _tell(config, f"proposal for {found.plot} refused", who)


def _tell(config: Config, why: str, who: Actor) -> None:
    if asyncio.run(reload_keeper(config, Actor(who.user, who.host, why))):
        click.echo("the running Keeper has read the catalogue again")
