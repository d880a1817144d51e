"""``hydra-ioc db``: the schema of the database, up, down, new and checked."""

from pathlib import Path

import click

from db import startup
from db.engine import make_engine
from pipeline.config import Config, load
from pipeline.errors import WrongRevision


@click.group()
def command() -> None:
    """Bring the database to the schema of this release, or back.

    Example: hydra-ioc db upgrade
    """


@command.command()
@click.argument("revision", default="head")
@click.pass_obj
def upgrade(config_file: Path | None, revision: str) -> None:
    """Build the database, or bring it to REVISION (the newest one).

    Make a backup first when it holds something.

    Example: hydra-ioc db upgrade
    """
    config = load(config_file)
    reached = startup.upgrade(config.database_url(), _password_file(config), revision)
    click.echo(f"database is at revision {reached}")


@command.command()
@click.argument("revision")
@click.pass_obj
def downgrade(config_file: Path | None, revision: str) -> None:
    """Take the database back to REVISION; ``base`` removes every table.

    Make a backup first: what newer tables and columns hold is lost.

    Example: hydra-ioc db downgrade 0001
    """
    config = load(config_file)
    reached = startup.downgrade(config.database_url(), revision, _password_file(config))
    click.echo(f"database is at revision {reached}")


@command.command()
@click.argument("message")
@click.pass_obj
def revision(config_file: Path | None, message: str) -> None:
    """Write a new migration from what the code has and the database has not.

    MESSAGE says in a few words what it does. Review the file by hand.

    Example: hydra-ioc db revision "add shelving"
    """
    config = load(config_file)
    written = startup.new_revision(config.database_url(), message, _password_file(config))
    click.echo(str(written))


@command.command()
@click.pass_obj
def check(config_file: Path | None) -> None:
    """Tell whether the database has the schema that the code expects.

    Example: hydra-ioc db check
    """
    config = load(config_file)
    engine = make_engine(config.database_url(), _password_file(config))
    startup.require_head(engine)
    if differences := startup.drift(engine):
        raise WrongRevision("database and code differ:\n" + "\n".join(differences))
    click.echo(f"database is at revision {startup.head_revision()}, as the code expects")


def _password_file(config: Config) -> Path | None:
    path = config.database.password_file
    return config.under_state(path) if path is not None else None
