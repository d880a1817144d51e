"""Engines and transactions: made in one place, failures mapped to our own."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from db.append_only import guard
from pipeline.errors import ConfigError, StoreError, StoreUnavailable

BUSY_TIMEOUT_MS: Final = 5_000
"""How long SQLite waits for another process that writes."""
CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 10
"""A server that accepts a query and does not answer by then counts as away."""

AWAY_SQLITE: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
}
"""Primary result codes after which the same call may succeed later.

Source:
    SQLite, "Result and Error Codes".
"""
AWAY_SERVER: Final = {1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013, 2014, 2055}
"""Too many connections, shutdown, lock wait, deadlock, and lost connections.

Source:
    MariaDB Knowledge Base, "MariaDB Error Codes"; client errors ``CR_*``.
"""


def make_engine(
    url: str, password_file: Path | None = None, answer_timeout_s: int = ANSWER_TIMEOUT_S
) -> Engine:
    """Make the engine of a deployment's database.

    Args:
        url: SQLAlchemy URL: ``sqlite:///FILE`` or ``mariadb+pymysql://USER@HOST/NAME``.
        password_file: File that holds the password, so that the URL need not.
        answer_timeout_s: How long a server may take for one statement; SQLite
            has no such limit.

    Returns:
        The engine; nothing is connected yet.

    Raises:
        ConfigError: The URL or the password file cannot be used.
    """
    address = _address(url, password_file)
    backend = address.get_backend_name()
    if backend == "sqlite":
        return _sqlite(address)
    if backend in ("mysql", "mariadb"):
        return create_engine(
            address.set(drivername=f"{backend}+pymysql").update_query_dict({"charset": "utf8mb4"}),
            json_serializer=_to_json,
            pool_pre_ping=True,
            pool_recycle=3600,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "read_timeout": answer_timeout_s,
                "write_timeout": answer_timeout_s,
                "init_command": "SET SESSION sql_mode='TRADITIONAL'",
            },
        )
    raise ConfigError(
        f"expected a database URL of sqlite, mariadb+pymysql or mysql+pymysql, received {backend}"
    )


def safe_url(engine: Engine) -> str:
    """Give the URL of an engine with its password blanked, for messages."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a short session that only reads.

    Raises:
        StoreUnavailable: The database does not answer now.
        StoreError: The database refuses.
    """
    with _mapped(engine), Session(engine) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a session of one transaction: committed at the end, or not at all.

    On SQLite the lock for writing is taken at the start, so that what is read
    inside is still true when it is written.

    Raises:
        StoreUnavailable: The database does not answer now; nothing is written.
        StoreError: The database refuses; nothing is written.
    """
    with _mapped(engine):
        writer = engine.execution_options(hydra_writes=True)
        with Session(writer) as session, session.begin():
            guard(session)
            yield session


@contextmanager
def connected(engine: Engine, *, writes: bool = False) -> Iterator[Connection]:
    """Open a connection for schema work: what changes is committed at the end.

    Args:
        engine: The database.
        writes: Take SQLite's lock for writing at the start.

    Raises:
        StoreUnavailable: The database does not answer now.
        StoreError: The database refuses.
    """
    with _mapped(engine):
        engine = engine.execution_options(hydra_writes=writes)
        with engine.begin() as connection:
            yield connection


@contextmanager
def _mapped(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        where = safe_url(engine)
        if error.connection_invalidated or _is_away(error):
            raise StoreUnavailable(f"database {where} does not answer: {error.orig}") from error
        raise StoreError(f"database {where} refuses: {error.orig}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"database {safe_url(engine)}: {error}") from error


def _is_away(error: DBAPIError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in AWAY_SQLITE
    arguments: tuple[object, ...] = getattr(cause, "args", ())
    # PyMySQL reports a connection that is closed on our side as InterfaceError(0, "").
    return bool(arguments) and (arguments[0] in AWAY_SERVER or arguments[0] == 0)


def _address(url: str, password_file: Path | None) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "expected a database URL such as sqlite:///hydra.db, received one that cannot be read"
        ) from error
    if password_file is None:
        return address
    try:
        password = password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read database.password_file {password_file}: {error}") from error
    if not password:
        raise ConfigError(f"database.password_file {password_file} is empty")
    return address.set(password=password)


def _sqlite(address: URL) -> Engine:
    if address.database and address.database != ":memory:":
        folder = Path(address.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the database folder {folder}: {error}") from error
    engine = create_engine(address, json_serializer=_to_json)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own BEGIN comes too late for foreign keys and for DDL.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("hydra_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Have changes written ahead; two processes that begin with a new file get in each other's way.

    Source:
        SQLite, "Write-Ahead Logging": the change of mode needs the file for
        itself, and does not wait as ``busy_timeout`` says.
    """
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _to_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
