"""A deployment of its own for every system test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hydra_ioc.bench.plots import PlotFile, draw_files
from hydra_ioc.bench.stand import Stand, wait_for
from tests.fixtures_mariadb import MariaDb
from tests.system.ca import CaClient

PLOTS = ["CDC_occupancy", "FCAL_occupancy", "ST_occupancy", "TOF_occupancy"]
SETTINGS: dict[str, Any] = {
    "input": {"resend_s": 3.0, "rescan_s": 3.0},
    "keeper": {"collect_fraction": 0.0, "stale_factor": 100.0},
}


@pytest.fixture(scope="session")
def good_files() -> list[PlotFile]:
    return draw_files(PLOTS, seed=3)


@pytest.fixture(scope="session")
def bad_files() -> list[PlotFile]:
    return draw_files(PLOTS, bad=True, seed=4)


def ready(client: CaClient) -> bool:
    names = [f"{plot}:Class" for plot in PLOTS]
    return all(one["connected"] for one in client.get_all(names).values())


@pytest.fixture(scope="session")
def prepared() -> Iterator[Stand]:
    """A deployment with its database and the demo's models, to be copied; it never runs."""
    with Stand(SETTINGS) as stand:
        prepare(stand)
        yield stand


def prepare(stand: Stand) -> None:
    stand.command("db", "upgrade")
    stand.command("models", "install")


def copy_state(prepared: Stand, stand: Stand) -> None:
    """Give a new deployment on SQLite what the commands gave the prepared one."""
    shutil.copy(prepared.folder / "hydra.db", stand.folder / "hydra.db")
    models = prepared.config.predict.models
    shutil.copytree(prepared.config.under_state(models), stand.config.under_state(models))


@pytest.fixture
def launch(prepared: Stand) -> Iterator[Callable[..., tuple[Stand, CaClient]]]:
    """Start a deployment with the demo's models and give it with a libca client."""
    with ExitStack() as stack:

        def start(settings: dict[str, Any] | None = None) -> tuple[Stand, CaClient]:
            stand = stack.enter_context(Stand({**SETTINGS, **(settings or {})}))
            if "database" in (settings or {}):
                prepare(stand)
            else:
                copy_state(prepared, stand)
            stand.start()
            client = CaClient(stand)
            stack.callback(client.close)
            wait_for(lambda: ready(client), "all PVs", 60)
            return stand, client

        yield start


@pytest.fixture
def mariadb_server() -> Iterator[MariaDb]:
    """A MariaDB server that the test may stop."""
    with tempfile.TemporaryDirectory(prefix="hydra-mariadb-") as folder:
        server = MariaDb(Path(folder))
        server.start()
        yield server
        server.stop()
