"""The database may stop for a minute: nothing is lost, and everybody sees it."""

import time

import pytest

from hydra_ioc.bench.plots import repeated
from hydra_ioc.bench.stand import wait_for
from tests.fixtures_mariadb import MariaDb
from tests.system.conftest import PLOTS
from tests.system.rows import history, keys, recorded

OUTAGE_S = 60.0

pytestmark = [pytest.mark.mariadb, pytest.mark.timeout(400)]


def test_given_mariadb_stopped_for_a_minute_when_it_is_back_then_no_image_is_lost(
    launch, good_files, mariadb_server: MariaDb
):
    mariadb_server.execute("CREATE DATABASE outage")
    stand, client = launch({"database": {"url": mariadb_server.url("outage")}})
    files = repeated(good_files, 80)
    for file in files[:40]:
        stand.drop(file.name, file.data)
    wait_for(lambda: recorded(stand) >= 10, "the first rows", 30)
    mariadb_server.kill()
    stopped = time.monotonic()
    for file in files[40:]:
        stand.drop(file.name, file.data)
    wait_for(lambda: client.get(f"{PLOTS[0]}:Class")["severity"] == 3, "INVALID plots", 10)
    assert "database" in client.get(f"{PLOTS[0]}:Reason.VAL$")["text"]
    assert list(stand.tree.rglob("*.png")), "files wait for the database"
    time.sleep(max(0.0, OUTAGE_S - (time.monotonic() - stopped)))
    mariadb_server.start()
    wait_for(lambda: recorded(stand) >= 80, "all rows", 60)
    assert keys(history(stand)) == sorted((file.plot, file.chunk) for file in files)
    wait_for(lambda: client.get(f"{PLOTS[0]}:Class")["severity"] == 0, "healing", 30)
