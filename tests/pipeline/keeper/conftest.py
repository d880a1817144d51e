"""Deployments for the tests of the Keeper."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import make_engine
from pipeline.config import Config
from pipeline.messages import PlotEntry
from tests.fixtures_mariadb import mariadb, mariadb_server  # noqa: F401
from tests.pipeline.keeper.deployment import build, entries, make_config

PLOTS = ["CDC_occupancy", "FCAL_occupancy"]
BARE = "TOF_occupancy"
"""A plot without a model."""


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of two plots with a model and one without, to be copied."""
    config = make_config(tmp_path_factory.mktemp("template"))
    build(config, PLOTS, bare=[BARE])
    return config.state_dir / "hydra.db"


@pytest.fixture
def folder(database: Path) -> Iterator[Path]:
    """A deployment's folder, short enough for sockets, with its database."""
    path = Path(tempfile.mkdtemp(prefix="hy"))
    shutil.copy(database, path / "hydra.db")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def config(folder: Path) -> Config:
    """A deployment on SQLite."""
    return make_config(folder)


@pytest.fixture
def plots(config: Config) -> dict[str, PlotEntry]:
    return entries(config)


@pytest.fixture
def cdc(plots: dict[str, PlotEntry]) -> PlotEntry:
    return plots["CDC_occupancy"]


@pytest.fixture
def engine(config: Config) -> Iterator[Engine]:
    made = make_engine(config.database_url())
    yield made
    made.dispose()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Keeper in this process whose clocks tick five times as fast."""
    monkeypatch.setattr("pipeline.keeper.service.TICK_S", 0.2)
    monkeypatch.setattr("pipeline.keeper.housekeeping.PERIOD_S", 0.2)
    monkeypatch.setattr("pipeline.health.PERIOD_S", 0.2)
