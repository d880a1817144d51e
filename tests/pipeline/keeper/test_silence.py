"""What is silent shows: plots that stop coming, their producer, other processes."""

import asyncio
import time

import pytest
import zmq

from db.catalogue import PlotType
from db.engine import reading, writing
from db.operation import RunStatus
from db.process_queries import processes
from pipeline.alarm import Severity, Status
from pipeline.messages import Heartbeat, SetIgnore, encode
from pipeline.sockets import open_socket
from tests.pipeline.keeper.deployment import BAD, WHO, make_config, make_report, running

pytestmark = pytest.mark.usefixtures("hasty")


def hasten(engine, cadence_s):
    with writing(engine) as session:
        for plot in session.query(PlotType):
            plot.cadence_s = cadence_s


def test_given_a_plot_that_stops_coming_when_time_passes_then_invalid_and_it_heals(
    folder, config, cdc, engine
):
    hasten(engine, 0.5)

    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, weights=BAD))
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)
            begun = time.monotonic()
            state = await client.shows(cdc.name, lambda state: state.severity == Severity.INVALID)
            assert 0.5 < time.monotonic() - begun < 4
            assert (state.status, state.label, state.confidence) == (Status.TIMEOUT, "Bad", 0.97)
            assert state.reason.startswith("no image for 00:00:0")
            assert "expected every 0.5 s; Bad 0.97" in state.reason
            assert client.frames[cdc.name][0], "the picture stays"
            await client.send(make_report(config, cdc, 2))
            await client.shows(cdc.name, lambda state: (state.label, state.severity) == ("Good", 0))

    asyncio.run(scene())


def test_given_most_plots_stale_when_counted_then_the_producer_is_silent_and_heals(
    config, plots, engine
):
    async def scene():
        async with running(config) as client:
            old, now = time.time() - 3600, time.time()
            cdc, fcal, tof = plots.values()
            for plot, image_time in ((cdc, old), (fcal, old), (tof, now)):
                await client.send(make_report(config, plot, 1, image_time=image_time))
            await client.until(lambda: client.sites[-1].producer_silent, "a silent producer")
            assert client.sites[-1].reason == (
                "no new images for 2 of 3 plots: the producer is silent"
            )
            await client.until(lambda: client.gauge("Stale") == 2, "the gauge")
            assert client.gauge("Producer") == 0
            await client.send(make_report(config, cdc, 2))
            await client.until(lambda: not client.sites[-1].producer_silent, "its return")
            await client.ask(SetIgnore(who=WHO, plot=fcal.name, ignored=True))
            await client.until(lambda: client.gauge("Stale") == 0, "the ignored one left out")
            assert client.last(fcal.name).severity == 0

    asyncio.run(scene())


def test_given_heartbeats_when_they_stop_then_the_record_says_so(folder, engine):
    config = make_config(folder, ioc={"silence_s": 1.5})

    def recorded():
        with reading(engine) as session:
            return {row.stage: row for row in processes(session)}

    async def scene():
        async with running(config) as client:
            feeder = open_socket(
                zmq.asyncio.Context.instance(), config, zmq.PUB, connect="health_keeper"
            )
            beat = 0
            while "Feeder" not in recorded():
                beat += 1
                message = Heartbeat(
                    stage="Feeder", host="h", pid=7, started=1.0, beat=beat, state="Running"
                )
                await feeder.send_multipart(encode(message))
                await asyncio.sleep(0.1)
            assert recorded()["Feeder"].status == "Running"
            await client.until(lambda: recorded()["Feeder"].status == "Silent", "silence")
            await client.until(lambda: "Keeper" in recorded(), "the Keeper's own row")
            degraded = Heartbeat(
                stage="Feeder", host="h", pid=8, started=2.0, beat=1, state="Degraded", reason="ill"
            )
            await feeder.send_multipart(encode(degraded))
            await client.until(lambda: recorded()["Feeder"].status == "Degraded", "its return")
            assert (recorded()["Feeder"].pid, recorded()["Feeder"].reason) == (8, "ill")
            feeder.close(0)

    asyncio.run(scene())
    zmq.asyncio.Context.instance().destroy(0)


def test_given_images_of_two_runs_when_shown_then_the_record_has_both_and_one_goes_on(
    config, cdc, engine
):
    def on_record():
        with reading(engine) as session:
            return {row.run: row.state for row in session.query(RunStatus)}

    async def scene():
        async with running(config) as client:
            for run in (100, 101):
                await client.send(make_report(config, cdc, 1, run=run))
                await client.shows(cdc.name, lambda state, r=run: state.run == r)
            # A look at the conditions of before may be written after the image.
            async with asyncio.timeout(20):
                while on_record() != {100: "Ended", 101: "Running"}:
                    await asyncio.sleep(0.05)

    asyncio.run(scene())
    assert on_record() == {100: "Ended", 101: "Running"}
