"""``hydra-ioc users``: who may do what."""

from pathlib import Path

import click

from db.engine import reading, writing
from db.user_queries import grant as grant_role
from db.user_queries import grants
from db.user_queries import revoke as revoke_role
from hydra_ioc.record import actor, open_record, permit
from pipeline.config import load

PLOT = click.option("--plot", metavar="NAME", help="Only for this plot type.")
HOST = click.option("--host", default="*", show_default=True, help="Only from this host.")


@click.group()
def command() -> None:
    """List users, give them roles and take them back.

    As long as nobody has a role, everybody may do everything that EPICS access
    security allows; so give yourself Admin first.

    Example: hydra-ioc users grant ann "Detector Expert" --plot CDC_occupancy
    """


@command.command("list")
@click.pass_obj
def list_(config_file: Path | None) -> None:
    """List the roles of users: user, role, plot type, host.

    Example: hydra-ioc users list
    """
    with reading(open_record(load(config_file))) as session:
        for row in grants(session):
            click.echo(f"{row.user:20} {row.role:16} {row.plot or '*':30} {row.host}")


@command.command()
@click.argument("user")
@click.argument("role")
@PLOT
@HOST
@click.pass_obj
def grant(config_file: Path | None, user: str, role: str, plot: str | None, host: str) -> None:
    """Give USER the role ROLE.

    Example: hydra-ioc users grant ann "Detector Expert" --plot CDC_occupancy
    """
    engine = open_record(load(config_file))
    who = actor("users grant")
    permit(engine, who, "set-users")
    with writing(engine) as session:
        grant_role(session, who, user, role, plot=plot, host=host)
    click.echo(f"{user} is {role}")


@command.command()
@click.argument("user")
@click.argument("role")
@PLOT
@HOST
@click.pass_obj
def revoke(config_file: Path | None, user: str, role: str, plot: str | None, host: str) -> None:
    """Take the role ROLE from USER, as it was granted.

    Example: hydra-ioc users revoke ann "Detector Expert" --plot CDC_occupancy
    """
    engine = open_record(load(config_file))
    who = actor("users revoke")
    permit(engine, who, "set-users")
    with writing(engine) as session:
        revoke_role(session, who, user, role, plot=plot, host=host)
    click.echo(f"{user} is {role} no more")
