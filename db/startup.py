"""The schema of a database: brought to the revision that this code expects, or refused."""

import argparse
import logging
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from db.engine import connected, make_engine, safe_url
from db.schema import METADATA
from pipeline.errors import CommandError, ConfigError, StoreError, StoreUnavailable, WrongRevision

MIGRATIONS: Final = Path(__file__).resolve().parent.parent / "migrations"
SCHEMA_TIMEOUT_S: Final = 86_400
"""How long one step may take: an index over 14 million rows needs minutes."""
LOCK_TIMEOUT_S: Final = 60
"""How long one upgrade waits for another."""

logger = logging.getLogger(__name__)
# Alembic tells at INFO that it looks at a database; we do that at every start.
for _talkative in ("alembic.runtime.migration", "alembic.runtime.plugins"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


def require_head(engine: Engine) -> None:
    """Refuse a database that is not at the revision this code expects.

    Args:
        engine: The database.

    Raises:
        WrongRevision: It is empty, older, or of a revision unknown here; the
            text holds the command that mends it.
        StoreUnavailable: The database does not answer.
    """
    found, is_empty = _state(engine)
    head = head_revision()
    where = safe_url(engine)
    if found == head:
        return
    if found is None and is_empty:
        raise WrongRevision(f"database {where} is empty; build it with 'hydra-ioc db upgrade'")
    if found is None:
        raise WrongRevision(
            f"database {where} holds tables but no revision of ours;"
            " point database.url at a database of its own, then 'hydra-ioc db upgrade'"
        )
    if found not in _known():
        raise WrongRevision(
            f"database {where} is at revision {found}, which this release does not know"
            f" (it expects {head}); run the release that wrote it, or go back with that"
            f" release's 'hydra-ioc db downgrade {head}'"
        )
    raise WrongRevision(
        f"database {where} is at revision {found}, expected {head};"
        " make a backup, then run 'hydra-ioc db upgrade'"
    )


def upgrade(url: str, password_file: Path | None = None, revision: str = "head") -> str:
    """Bring a database to a revision, step by step.

    Args:
        url: SQLAlchemy URL.
        password_file: File that holds the password.
        revision: The revision to reach.

    Returns:
        The revision reached.

    Raises:
        WrongRevision: The database is at a revision unknown here.
        CommandError: There is no such revision.
        StoreError: The database refuses.
    """
    return _move(make_engine(url, password_file, SCHEMA_TIMEOUT_S), revision, up=True)


def downgrade(url: str, revision: str, password_file: Path | None = None) -> str:
    """Take a database back to an earlier revision, ``base`` for none.

    Args:
        url: SQLAlchemy URL.
        revision: The revision to reach.
        password_file: File that holds the password.

    Returns:
        The revision reached; ``base`` when the database is empty again.

    Raises:
        WrongRevision: The database is at a revision unknown here.
        CommandError: There is no such revision.
        StoreError: The database refuses.
    """
    return _move(make_engine(url, password_file, SCHEMA_TIMEOUT_S), revision, up=False)


def drift(engine: Engine) -> list[str]:
    """List what the database has that the code has not, or the other way round.

    Args:
        engine: A database at the head revision.

    Returns:
        One line a difference; empty when there is none.

    Raises:
        StoreError: The database cannot be read.
    """
    with connected(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return [str(difference) for difference in compare_metadata(context, METADATA)]


def current_revision(engine: Engine) -> str | None:
    """Give the revision that a database is at, None for a database without one."""
    return _state(engine)[0]


def head_revision() -> str:
    """Give the revision that this code expects.

    Raises:
        StoreError: The migrations are missing or have several heads.
    """
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if head is None:
        raise StoreError(f"no migrations at {MIGRATIONS}; install the release again")
    return head


def _wait_for_others(connection: Connection) -> None:
    # SQLite has locked the whole file already. A server keeps this lock until
    # the connection closes.
    if connection.dialect.name != "sqlite":
        wait = text("SELECT GET_LOCK(CONCAT('hydra-ioc ', DATABASE()), :seconds)")
        if connection.scalar(wait, {"seconds": LOCK_TIMEOUT_S}) != 1:
            raise StoreUnavailable("another upgrade of this database is under way; try again")


def _alembic(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection}, cmd_opts=argparse.Namespace(quiet=True))
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def _state(engine: Engine) -> tuple[str | None, bool]:
    with connected(engine) as connection:
        # The two servers name their collations differently.
        if engine.dialect.name == "mysql" and getattr(engine.dialect, "is_mariadb", False):
            raise ConfigError(
                f"{safe_url(engine)} is a MariaDB server; write database.url as mariadb+pymysql://"
            )
        revision = MigrationContext.configure(connection).get_current_revision()
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
        return revision, not tables


def _move(engine: Engine, revision: str, *, up: bool) -> str:
    if revision not in {"head", "base", *_known()}:
        known = ", ".join(sorted(_known()))
        raise CommandError(f"there is no revision {revision!r}; known are {known} and base")
    try:
        found, _ = _state(engine)
        if found is not None and found not in _known():
            require_head(engine)
        with connected(engine, writes=True) as connection:
            _wait_for_others(connection)
            config = _alembic(connection)
            (command.upgrade if up else command.downgrade)(config, revision)
        reached = _state(engine)[0] or "base"
        logger.info("event=migrated database=%s from=%s to=%s", safe_url(engine), found, reached)
        return reached
    finally:
        engine.dispose()


def new_revision(url: str, message: str, password_file: Path | None = None) -> Path:
    """Write a new migration from the difference between code and database.

    Args:
        url: SQLAlchemy URL of a database at the head revision.
        message: What the migration does, in a few words.
        password_file: File that holds the password.

    Returns:
        The path of the file, to be reviewed by hand.

    Raises:
        StoreError: The database cannot be read.
    """
    engine = make_engine(url, password_file)
    try:
        with connected(engine) as connection:
            config = _alembic(connection)
            number = f"{len(_known()) + 1:04d}"
            script: Any = command.revision(config, message, autogenerate=True, rev_id=number)
        return Path(script.path)
    finally:
        engine.dispose()
