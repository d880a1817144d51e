"""Databases for the tests of the record: every test runs on SQLite and MariaDB."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import make_engine
from db.startup import upgrade
from tests.fixtures_mariadb import mariadb, mariadb_server  # noqa: F401


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    return str(request.getfixturevalue("mariadb"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database at the head revision."""
    upgrade(url)
    engine = make_engine(url)
    yield engine
    engine.dispose()
