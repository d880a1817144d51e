"""From a report to a row, a state and Done; over real sockets and a real database."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from db.catalogue import Plot
from db.engine import make_engine
from db.operation import MonitoringLog, RunHistory
from pipeline.alarm import Severity, Status
from pipeline.messages import SetConditions
from tests.pipeline.keeper.conftest import BARE, PLOTS
from tests.pipeline.keeper.deployment import (
    BAD,
    DOUBT,
    JPEG,
    WHO,
    build,
    entries,
    make_config,
    make_report,
    rows,
    running,
)


def test_given_no_image_when_started_then_every_plot_is_undefined(config, cdc):
    async def scene():
        async with running(config) as client:
            state = client.last(cdc.name)
            assert (state.label, state.severity, state.status) == (
                "Nothing",
                Severity.INVALID,
                Status.UDF,
            )
            assert state.reason == "no image yet"

    asyncio.run(scene())


def test_given_a_bad_image_when_reported_then_recorded_kept_shown_and_done(config, cdc, engine):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 12, weights=BAD))
            await client.until(lambda: client.done, "done")
            return client

    client = asyncio.run(scene())
    assert [done.outcome for done in client.done] == ["recorded"]
    state = client.last(cdc.name)
    assert (state.label, state.confirmed, state.severity, state.status, state.count) == (
        "Bad",
        True,
        Severity.MAJOR,
        Status.STATE,
        1,
    )
    assert state.reason == "Bad 0.97 >= threshold 0.65, run 100 chunk 12"
    picture, heat = client.frames[cdc.name]
    assert picture == JPEG + b"12"
    assert state.heat_shape == (2, 2)
    assert list(heat) == [146, 182, 219, 255]
    (row,) = rows(engine, RunHistory)
    assert (row.label, row.confirmed, row.output, row.late, row.error) == (
        "Bad",
        True,
        BAD,
        False,
        "",
    )
    assert row.thresholds == {"Good": 0.5, "Bad": 0.65, "NoData": 0.5}
    (kept,) = rows(engine, Plot)
    assert row.plot_id == kept.id
    assert not kept.unbiased
    stored = config.under_state(config.keeper.images) / kept.sha256[:2] / f"{kept.sha256[2:]}.png"
    assert stored.read_bytes() == b"CDC_occupancy 100 12 RunPeriod-2026-11"
    assert state.image_file == str(stored)
    (log,) = rows(engine, MonitoringLog)
    assert (log.label, log.is_confirmed, log.is_transition) == ("Bad", True, 3)


def test_given_a_good_image_when_reported_then_recorded_and_not_kept(config, cdc, engine):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1))
            await client.until(lambda: client.done, "done")
            state = client.last(cdc.name)
            assert (state.label, state.severity, state.image_file) == ("Good", 0, "")
            assert client.frames[cdc.name] == (JPEG + b"1", b"")

    asyncio.run(scene())
    (row,) = rows(engine, RunHistory)
    assert row.plot_id is None
    assert not rows(engine, Plot)
    assert not rows(engine, MonitoringLog)


def test_given_every_image_in_the_sample_when_reported_then_kept_as_unbiased(folder, cdc, engine):
    config = make_config(folder, keeper={"collect_fraction": 1.0})

    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1))
            await client.until(lambda: client.done, "done")

    asyncio.run(scene())
    (row,) = rows(engine, RunHistory)
    (kept,) = rows(engine, Plot)
    assert row.unbiased
    assert kept.unbiased
    assert row.plot_id == kept.id


def test_given_the_same_image_again_when_reported_then_known_and_no_second_row(config, cdc, engine):
    async def scene():
        async with running(config) as client:
            parts = make_report(config, cdc, 1, weights=BAD)
            for _ in range(3):
                await client.send(parts)
            await client.until(lambda: len(client.done) == 3, "done")
            assert sorted(done.outcome for done in client.done) == ["known", "known", "recorded"]
            assert client.last(cdc.name).count == 1
        async with running(config) as client:
            await client.send(parts)
            await client.until(lambda: client.done, "done")
            assert client.done[0].outcome == "known"
            assert client.last(cdc.name).count == 1

    asyncio.run(scene())
    for table in (RunHistory, Plot, MonitoringLog):
        assert len(rows(engine, table)) == 1


def test_given_an_older_image_when_reported_then_recorded_as_late_and_not_shown(
    config, cdc, engine
):
    now = time.time()

    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 5, image_time=now - 10))
            await client.until(lambda: client.done, "done")
            await client.send(make_report(config, cdc, 4, weights=BAD, image_time=now - 20))
            state = await client.shows(cdc.name, lambda state: state.count == 2)
            assert (state.label, state.chunk, state.image_time) == ("Good", 5, now - 10)
            assert client.frames[cdc.name][0] == JPEG + b"5"
        async with running(config) as client:
            state = client.last(cdc.name)
            assert (state.label, state.chunk, state.count) == ("Good", 5, 2)

    asyncio.run(scene())
    assert [(row.chunk, row.late) for row in rows(engine, RunHistory)] == [(5, False), (4, True)]


def test_given_an_image_of_the_future_when_reported_then_it_does_not_bar_those_that_follow(
    config, cdc
):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, image_time=time.time() + 1e6))
            state = await client.shows(cdc.name, lambda state: state.chunk == 1)
            assert state.image_time <= time.time()
            await client.send(make_report(config, cdc, 2))
            await client.shows(cdc.name, lambda state: state.chunk == 2)

    asyncio.run(scene())


def test_given_chunks_in_any_order_when_bad_then_the_log_joins_them_to_stretches(
    config, cdc, engine
):
    now = time.time()

    async def scene():
        async with running(config) as client:
            for chunk in (3, 1, 2, 7, 6, 9):
                parts = make_report(config, cdc, chunk, weights=BAD, image_time=now + chunk - 20)
                await client.send(parts)
            await client.send(make_report(config, cdc, 10, weights=DOUBT, image_time=now))
            await client.until(lambda: len(client.done) == 7, "done")

    asyncio.run(scene())
    logged = {row.chunk: row.is_transition for row in rows(engine, MonitoringLog)}
    assert logged == {1: 1, 2: 0, 3: 2, 6: 1, 7: 2, 9: 3, 10: 3}


def test_given_no_model_when_reported_then_shown_without_alarm_and_without_row(
    config, plots, engine
):
    bare = plots[BARE]

    async def scene():
        async with running(config) as client:
            parts = make_report(config, bare, 1)
            for _ in range(2):
                await client.send(parts)
            await client.until(lambda: len(client.done) == 2, "done")
            state = client.last(bare.name)
            assert (state.label, state.severity, state.confirmed, state.count) == (
                "NoModel",
                0,
                False,
                1,
            )
            assert client.frames[bare.name] == (JPEG + b"1", b"")
            assert [done.outcome for done in client.done] == ["shown", "known"]
        async with running(config) as client:
            state = client.last(bare.name)
            assert (state.label, state.severity, state.count) == ("NoModel", 0, 1)
            assert client.frames[bare.name] == (JPEG + b"1", b"")

    asyncio.run(scene())
    assert not rows(engine, RunHistory)
    assert not rows(engine, MonitoringLog)


def test_given_a_model_error_when_reported_then_invalid_kept_and_recorded_as_failed(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, error="no answer within 5 s"))
            await client.until(lambda: client.done, "done")
            state = client.last(cdc.name)
            assert (state.label, state.severity, state.status) == (
                "Nothing",
                Severity.INVALID,
                Status.CALC,
            )
            assert state.reason.startswith("the model failed: no answer within 5 s")

    asyncio.run(scene())
    (row,) = rows(engine, RunHistory)
    assert (row.error, row.confirmed, row.output) == ("no answer within 5 s", False, {})
    assert row.plot_id is not None
    assert not rows(engine, MonitoringLog)


def test_given_a_past_run_when_reported_then_recorded_never_alarmed_and_live_images_stay(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, weights=BAD, offline=True))
            state = await client.shows(cdc.name, lambda state: state.chunk == 1)
            assert (state.label, state.severity) == ("Bad", 0)
            assert state.reason.startswith("offline: Bad")
            await client.send(make_report(config, cdc, 2, image_time=time.time() - 100))
            await client.shows(cdc.name, lambda state: state.chunk == 2)
            await client.send(make_report(config, cdc, 3, weights=BAD, offline=True))
            state = await client.shows(cdc.name, lambda state: state.count == 3)
            assert (state.label, state.chunk) == ("Good", 2)

    asyncio.run(scene())
    assert [row.offline for row in rows(engine, RunHistory)] == [True, False, True]


def test_given_no_beam_when_bad_then_shown_without_alarm_recorded_and_not_logged(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            await client.ask(SetConditions(who=WHO, beam_current=0.0, run=100))
            for chunk, found in ((1, DOUBT), (2, BAD)):
                await client.send(make_report(config, cdc, chunk, weights=found))
                state = await client.shows(cdc.name, lambda state, n=chunk: state.chunk == n)
                assert (state.label, state.severity) == ("Bad", 0)
                assert state.reason.startswith("no beam: Bad")
            assert client.sites[-1].beam_on is False
            await client.ask(SetConditions(who=WHO, beam_current=50.0, run=100))
            state = client.last(cdc.name)
            assert state.severity == 0
            assert state.reason.startswith("no beam when it was taken")
            await client.send(make_report(config, cdc, 3, weights=BAD))
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)
            await client.ask(SetConditions(who=WHO, beam_current=0.5, run=100))
            await client.shows(cdc.name, lambda state: state.severity == 0)
            await client.ask(SetConditions(who=WHO, beam_current=None, run=100))
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)

    asyncio.run(scene())
    assert [row.beam_current for row in rows(engine, RunHistory)] == [0.0, 0.0, 50.0]
    assert [row.chunk for row in rows(engine, MonitoringLog)] == [3]


def test_given_no_source_file_when_it_should_be_kept_then_recorded_with_a_note_and_counted(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, weights=BAD, source=False))
            await client.until(lambda: client.done, "done")
            assert client.done[0].outcome == "recorded"
            assert "cannot keep" in client.last(cdc.name).reason

    asyncio.run(scene())
    (row,) = rows(engine, RunHistory)
    assert row.plot_id is None


def test_given_an_unknown_plot_when_reported_then_failed_and_the_others_go_on(config, cdc, engine):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, replace(cdc, name="Unheard_of"), 1))
            await client.send(make_report(config, cdc, 2, period="p" * 101))
            await client.send(make_report(config, cdc, 2**31))
            await client.send(make_report(config, cdc, 3))
            await client.until(lambda: len(client.done) == 4, "done")
            assert sorted(done.outcome for done in client.done) == [*["failed"] * 3, "recorded"]

    asyncio.run(scene())
    assert len(rows(engine, RunHistory)) == 1


def test_given_an_image_that_the_database_refuses_when_reported_then_it_alone_stays_undone(
    config, cdc, engine
):
    poison = replace(cdc, model=replace(cdc.model, model_id=999, digest="f" * 64))

    async def scene():
        async with running(config) as client:
            for chunk in range(5):
                entry = poison if chunk == 2 else cdc
                await client.send(make_report(config, entry, chunk))
            await client.until(lambda: len(client.done) == 4, "done")

    asyncio.run(scene())
    assert sorted(row.chunk for row in rows(engine, RunHistory)) == [0, 1, 3, 4]


@pytest.mark.mariadb
def test_given_mariadb_when_images_come_in_any_order_and_twice_then_as_on_sqlite(folder, mariadb):
    config = make_config(folder, database={"url": mariadb}, keeper={"collect_fraction": 0.5})
    build(config, PLOTS)
    cdc, now = entries(config)[PLOTS[0]], time.time()
    chunks = (3, 1, 2, 3, 7, 6, 1)

    async def scene():
        async with running(config) as client:
            for chunk in chunks:
                parts = make_report(config, cdc, chunk, weights=BAD, image_time=now + chunk - 20)
                await client.send(parts)
            await client.send(make_report(config, cdc, 9, image_time=now))
            await client.until(lambda: len(client.done) == 8, "done")
        async with running(config) as client:
            state = client.last(cdc.name)
            assert (state.label, state.chunk, state.count) == ("Good", 9, 6)

    asyncio.run(scene())
    engine = make_engine(mariadb)
    logged = {row.chunk: row.is_transition for row in rows(engine, MonitoringLog)}
    assert logged == {1: 1, 2: 0, 3: 2, 6: 1, 7: 2}
    assert len(rows(engine, RunHistory)) == 6
    assert len(rows(engine, Plot)) in (5, 6)
    engine.dispose()
