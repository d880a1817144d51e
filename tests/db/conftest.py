"""Databases for the tests of the record: every test runs on SQLite and MariaDB."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import connected, make_engine
from db.schema import METADATA
from db.startup import downgrade, upgrade
from tests.fixtures_mariadb import MariaDb, mariadb, mariadb_server  # noqa: F401

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
        url = request.getfixturevalue("mariadb_shared")
        made = make_engine(url)
        yield made
        _empty(made)
        made.dispose()
        downgrade(url, "0001")
        upgrade(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations have built."""
    path = tmp_path_factory.mktemp("template") / "record.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def mariadb_shared(mariadb_server: MariaDb) -> str:  # noqa: F811
    """A database that the migrations have built; tests empty it again."""
    mariadb_server.execute("CREATE DATABASE shared CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    upgrade(mariadb_server.url("shared"))
    return mariadb_server.url("shared")


def _empty(engine: Engine) -> None:
    with connected(engine, writes=True) as connection:
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=0")
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())
