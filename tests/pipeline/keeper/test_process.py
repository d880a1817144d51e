"""The Keeper as a process of its own: killed at any moment, stopped, refused."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from db.catalogue import Plot
from db.engine import writing
from db.operation import MonitoringLog, RunHistory
from tests.pipeline.keeper.deployment import BAD, client_of, make_report, rows

IMAGES = 200
PROGRAM = "from hydra_ioc.cli import main; main()"


@pytest.fixture
def file(folder):
    path = folder / "hydra.toml"
    path.write_text('state_dir = "."\n[keeper]\ncollect_fraction = 0.5\n')
    return path


@contextmanager
def keeper(file):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--config", str(file), "keeper"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_given_the_keeper_killed_again_and_again_when_orders_are_sent_again_then_once_each(
    config, plots, file, engine
):
    cdc, fcal, _ = plots.values()
    now = time.time()
    reports = {}
    for index in range(IMAGES):
        entry = (cdc, fcal)[index % 2]
        weights = BAD if index % 3 else None
        parts = make_report(
            config, entry, index // 2, weights=weights, image_time=now - IMAGES + index
        )
        reports[entry.name, index // 2] = parts

    async def life(client, kill_at):
        """One life of the Keeper; gives whether all is done."""
        with keeper(file) as process:
            await client.join()
            begun = len(client.done)
            done = {one.order_id for one in client.done}
            for parts in reports.values():
                if order_id(parts) not in done:
                    await client.send(parts)
            await client.until(
                lambda: (
                    len(client.done) >= begun + kill_at
                    or len({one.order_id for one in client.done}) == IMAGES
                ),
                "some done",
            )
            process.send_signal(signal.SIGKILL)
            process.wait()

    async def scene():
        async with client_of(config) as client:
            for kill_at in (1, 90, IMAGES):
                await life(client, kill_at)
            assert len({one.order_id for one in client.done}) == IMAGES

    asyncio.run(scene())
    history = rows(engine, RunHistory)
    assert len(history) == IMAGES
    assert len({(row.plot_type_id, row.chunk) for row in history}) == IMAGES
    bad = [row for row in history if row.label == "Bad"]
    assert len(rows(engine, MonitoringLog)) == len(bad)
    kept = {row.id for row in rows(engine, Plot)}
    assert kept == {row.plot_id for row in history if row.plot_id is not None}
    assert all(row.plot_id in kept for row in bad)
    assert all((row.plot_id is not None) == (row.unbiased or row.label == "Bad") for row in history)


def order_id(parts):
    from pipeline.messages import decode

    return decode(parts)[0].order.order_id


def test_given_a_running_keeper_when_terminated_then_it_ends_at_once_and_well(config, file):
    async def scene():
        async with client_of(config) as client:
            with keeper(file) as process:
                await client.join()
                process.terminate()
                assert process.wait(10) == 0

    asyncio.run(scene())


def test_given_a_database_of_another_release_when_started_then_refused_with_the_command(
    config, file, engine
):
    with writing(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with keeper(file) as process:
        _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "hydra-ioc db upgrade" in told
    assert "Traceback" not in told
