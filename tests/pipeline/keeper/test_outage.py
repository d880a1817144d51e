"""The record away: nothing is lost, every plot says so within 10 s, and all heals by itself."""

import asyncio
import shutil
import sqlite3
import time

import pytest

from db.engine import make_engine
from db.operation import RunHistory
from pipeline.alarm import Severity, Status
from pipeline.messages import Accepted, Refused, SetThreshold
from tests.pipeline.keeper.conftest import PLOTS
from tests.pipeline.keeper.deployment import (
    BAD,
    WHO,
    build,
    entries,
    make_config,
    make_report,
    rows,
    running,
)

pytestmark = pytest.mark.usefixtures("hasty")

BOUND_S = 9.0
"""10 s, less the second by which the hurried clock is early."""


async def suffer(client, config, cdc, take_away, give_back):
    """Take the record away, send, look, give it back, look again."""
    threshold = SetThreshold(who=WHO, plot=cdc.name, label="Bad", value=0.7)
    await client.send(make_report(config, cdc, 1))
    await client.until(lambda: len(client.done) == 1, "done")
    take_away()
    begun = time.monotonic()
    for chunk in range(2, 12):
        await client.send(make_report(config, cdc, chunk))
    state = await client.shows(cdc.name, lambda state: state.severity == Severity.INVALID)
    took = time.monotonic() - begun
    assert took < BOUND_S
    assert state.status is Status.COMM
    assert state.reason.startswith("database away"), state.reason
    assert (state.label, state.chunk) == ("Good", 1)
    await client.until(lambda: "database away" in client.beats[-1].reason, "the heartbeat")
    assert client.beats[-1].state == "Degraded"
    assert "database away" in client.sites[-1].reason
    reply = await client.ask(threshold)
    assert isinstance(reply, Refused)
    assert reply.kind == "unavailable"
    beats = len(client.beats)
    await client.until(lambda: len(client.beats) > beats, "heartbeats go on")
    assert len(client.done) == 1
    give_back()
    await client.until(lambda: len(client.done) == 11, "all done")
    await client.shows(cdc.name, lambda state: state.chunk == 11 and state.severity == 0)
    await client.until(lambda: client.beats[-1].state == "Running", "Running")
    assert isinstance(await client.ask(threshold), Accepted)


def check(url):
    engine = make_engine(url)
    assert sorted(row.chunk for row in rows(engine, RunHistory)) == list(range(1, 12))
    engine.dispose()


def test_given_sqlite_locked_when_it_is_freed_then_nothing_is_lost(config, cdc, folder):
    locker = sqlite3.connect(folder / "hydra.db", isolation_level=None, check_same_thread=False)

    async def scene():
        async with running(config) as client:
            await suffer(
                client,
                config,
                cdc,
                lambda: locker.execute("BEGIN IMMEDIATE"),
                lambda: locker.execute("ROLLBACK"),
            )

    asyncio.run(scene())
    locker.close()
    check(config.database_url())


def test_given_the_sqlite_file_gone_when_it_is_back_then_nothing_is_lost(config, cdc, folder):
    away = folder / "away"
    away.mkdir()

    def move(source, target):
        for path in list(source.glob("hydra.db*")):
            shutil.move(path, target / path.name)

    async def scene():
        async with running(config) as client:
            await suffer(
                client, config, cdc, lambda: move(folder, away), lambda: move(away, folder)
            )

    asyncio.run(scene())
    check(config.database_url())


def test_given_another_database_in_its_place_when_probed_then_not_written_to(config, cdc, folder):
    async def scene():
        async with running(config) as client:
            (folder / "hydra.db").rename(folder / "away.db")
            (folder / "hydra.db").touch()
            await client.send(make_report(config, cdc, 1))
            await client.until(
                lambda: client.beats and "is empty" in client.beats[-1].reason, "the heartbeat"
            )
            assert not client.done

    asyncio.run(scene())


def revive(server):
    try:
        server.resume()
    except RuntimeError:
        server.start()


@pytest.mark.mariadb
@pytest.mark.parametrize("how", ["stop", "freeze"])
def test_given_mariadb_away_when_it_is_back_then_nothing_is_lost(
    folder, mariadb, mariadb_server, how
):
    config = make_config(folder, database={"url": mariadb})
    build(config, PLOTS)
    cdc = entries(config)[PLOTS[0]]
    take, give = {
        "stop": (mariadb_server.kill, mariadb_server.start),
        "freeze": (mariadb_server.freeze, mariadb_server.resume),
    }[how]

    async def scene():
        async with running(config) as client:
            await suffer(client, config, cdc, take, give)

    try:
        asyncio.run(scene())
    finally:
        revive(mariadb_server)
    check(mariadb)


def test_given_a_full_image_store_when_there_is_room_then_nothing_is_lost(config, cdc, engine):
    images = config.under_state(config.keeper.images)
    images.write_text("in the way: no folder can be made here")

    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, weights=BAD))
            await client.until(
                lambda: client.beats and "image store" in client.beats[-1].reason, "the heartbeat"
            )
            assert client.beats[-1].state == "Degraded"
            assert not client.done
            assert not rows(engine, RunHistory)
            images.unlink()
            await client.until(lambda: client.done, "done")
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)

    asyncio.run(scene())
    assert len(rows(engine, RunHistory)) == 1


def test_given_no_database_at_the_start_when_it_comes_then_the_keeper_begins(config, cdc, folder):
    (folder / "hydra.db").rename(folder / "away.db")

    async def scene():
        async with running(config, ready=False) as client:
            await client.send(make_report(config, cdc, 1))
            reply = await client.ask(SetThreshold(who=WHO, plot="x", label="Bad", value=0.7))
            assert isinstance(reply, Refused)
            assert reply.kind == "unavailable"
            await client.until(lambda: client.beats and client.beats[-1].reason, "a reason")
            assert client.beats[-1].state == "Degraded"
            (folder / "away.db").rename(folder / "hydra.db")
            await client.join()
            await client.until(lambda: client.last(cdc.name).chunk == 1, "the image")

    asyncio.run(scene())
