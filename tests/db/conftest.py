"""Databases for the tests of the record: every test runs on SQLite and MariaDB."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, make_url

from db.engine import connected, make_engine
from db.schema import METADATA
from db.startup import upgrade
from pipeline.config import Config, load
from tests.fixtures_mariadb import MariaDb, mariadb, mariadb_server  # noqa: F401

Rows = dict[Table, list[dict[str, Any]]]
BACKENDS = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    return str(request.getfixturevalue("mariadb"))


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database as a release builds it, without any data."""
    if request.param == "sqlite":
        path = tmp_path / "record.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        made = make_engine(f"sqlite:///{path}")
        yield made
        made.dispose()
    else:
        shared, dictionaries = request.getfixturevalue("mariadb_shared")
        yield shared
        _empty(shared, dictionaries)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations have built."""
    path = tmp_path_factory.mktemp("template") / "record.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def mariadb_shared(mariadb_server: MariaDb) -> Iterator[tuple[Engine, Rows]]:  # noqa: F811
    """A database that the migrations have built, and the rows they put there."""
    mariadb_server.execute("CREATE DATABASE shared CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    upgrade(mariadb_server.url("shared"))
    made = make_engine(mariadb_server.url("shared"))
    with connected(made) as connection:
        rows = {
            table: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in METADATA.sorted_tables
        }
    yield made, rows
    made.dispose()


def _empty(engine: Engine, dictionaries: Rows) -> None:
    with connected(engine, writes=True) as connection:
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=0")
        for table, rows in dictionaries.items():
            connection.execute(table.delete())
            if rows:
                connection.execute(table.insert(), rows)
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=1")


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration of a deployment, and who types its commands."""
    monkeypatch.setenv("LOGNAME", "ann")
    path = tmp_path / "site.toml"
    path.write_text('state_dir = "state"\n[sockets]\ntimeout_s = 0.1\n')
    return path


@pytest.fixture
def config(config_file: Path, sqlite_template: Path) -> Config:
    """A deployment whose database the migrations have built."""
    made = load(config_file)
    made.state_dir.mkdir(parents=True)
    shutil.copy(sqlite_template, make_url(made.database_url()).database or "")
    return made
