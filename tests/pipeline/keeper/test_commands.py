"""Commands: committed, audited and judged by before they are accepted; refused otherwise."""

import asyncio
import math
import random
import time

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text

from db.audit import AuditLog
from db.audit_queries import Actor
from db.catalogue import Classification, PlotType, ValidClassification
from db.engine import reading, writing
from db.models import ModelThreshold, ThresholdHistory
from db.operation import LivePlot, RunHistory
from db.user_queries import grant
from pipeline.alarm import Severity
from pipeline.messages import (
    Accepted,
    Catalogue,
    Heartbeat,
    PlotState,
    PutRefused,
    Refused,
    Reload,
    SetConditions,
    SetIgnore,
    SetNews,
    SetThreshold,
    SiteState,
    SnapshotRequest,
    Who,
    decode,
    encode,
)
from tests.pipeline.keeper.conftest import BARE, PLOTS
from tests.pipeline.keeper.deployment import BAD, WHO, make_report, register, rows, running

pytestmark = pytest.mark.usefixtures("hasty")


def live(engine, severity):
    with reading(engine) as session:
        return session.scalars(select(LivePlot).where(LivePlot.severity == severity)).first()


def threshold(value, plot="CDC_occupancy", label="Bad"):
    return SetThreshold(who=WHO, plot=plot, label=label, value=value)


def test_given_a_bad_image_when_the_threshold_is_raised_then_it_is_judged_again_before_accepted(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, weights=BAD))
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)
            serial = client.catalogues[-1].serial
            reply = await client.ask(threshold(0.98))
            assert reply == Accepted(text="threshold of CDC_occupancy Bad: 0.65 -> 0.98")
            state = await client.shows(cdc.name, lambda state: not state.confirmed)
            assert (state.severity, state.count) == (Severity.MINOR, 1)
            assert state.reason.startswith("Bad 0.97 < threshold 0.98: unconfirmed")
            await client.until(lambda: client.catalogues[-1].serial > serial, "catalogue")
            entry = {plot.name: plot for plot in client.catalogues[-1].plots}[cdc.name]
            assert entry.thresholds["Bad"] == 0.98
            await client.ask(threshold(0.97))
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)

    asyncio.run(scene())
    assert [(row.old, row.new) for row in rows(engine, ThresholdHistory)] == [
        (0.65, 0.98),
        (0.98, 0.97),
    ]
    audit = [row for row in rows(engine, AuditLog) if row.action == "set-threshold"]
    assert [(row.old, row.new, row.user_name, row.host, row.why) for row in audit] == [
        (0.65, 0.98, "ann", "console", "test"),
        (0.98, 0.97, "ann", "console", "test"),
    ]
    (row,) = rows(engine, RunHistory)
    assert row.thresholds["Bad"] == 0.65, "the record keeps what was in force"
    assert row.confirmed


def test_given_an_image_when_the_limit_of_novelty_is_raised_then_it_is_unknown_before_accepted(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            report, frames = decode(make_report(config, cdc, 1))
            await client.send(encode(replace(report, novelty=0.004), frames))
            before = await client.shows(cdc.name, lambda state: state.label == "Good")
            assert (before.novelty, before.novelty_severity) == (0.004, Severity.NO_ALARM)
            reply = await client.ask(threshold(0.01, label="Novelty"))
            assert reply == Accepted(text="threshold of CDC_occupancy Novelty: 0 -> 0.01")
            state = await client.shows(cdc.name, lambda state: state.label == "Unknown")
            assert (state.severity, state.novelty_severity) == (Severity.MINOR, Severity.MINOR)
            assert state.reason.startswith("novel: 0.004 < 0.01")
            assert {plot.name: plot.novel_below for plot in client.catalogues[-1].plots}[
                cdc.name
            ] == 0.01
            await client.ask(threshold(0.0, label="Novelty"))
            await client.shows(cdc.name, lambda state: state.label == "Good")
            refused = await client.ask(threshold(0.01, plot="Nowhere", label="Novelty"))
            assert isinstance(refused, Refused)

    asyncio.run(scene())
    audit = [row for row in rows(engine, AuditLog) if row.action == "set-threshold"]
    assert [(row.subject, row.old, row.user_name, row.accepted) for row in audit] == [
        ("CDC_occupancy Novelty", 0.0, "ann", True),
        ("CDC_occupancy Novelty", 0.01, "ann", True),
        ("Nowhere Novelty", None, "ann", False),
    ]
    (row,) = rows(engine, RunHistory)
    assert row.label == "Good"


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (threshold(0.5, plot="Unheard_of"), "there is no plot"),
        (threshold(0.5, label="Diamond"), "unknown labels"),
        (threshold(0.5, label="Cosmic"), "gives no label Cosmic"),
        (threshold(0.5, plot=BARE), "has no model"),
        (SetIgnore(who=WHO, plot="Unheard_of", ignored=True), "there is no plot"),
    ],
)
def test_given_a_command_that_makes_no_sense_when_asked_then_refused_audited_and_counted(
    config, engine, command, word
):
    async def scene():
        async with running(config) as client:
            reply = await client.ask(command)
            assert isinstance(reply, Refused)
            assert reply.kind == "invalid"
            assert word in reply.text

    asyncio.run(scene())
    (row,) = [row for row in rows(engine, AuditLog) if not row.accepted]
    assert row.action in ("set-threshold", "set-ignore")
    assert word in row.new["refused"]
    assert all(row.threshold in (0.5, 0.65) for row in rows(engine, ModelThreshold))


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_given_a_threshold_out_of_range_when_asked_then_refused_and_nothing_changes(
    config, engine, value
):
    async def scene():
        async with running(config) as client:
            reply = await client.ask(threshold(value))
            assert isinstance(reply, Refused)
            assert reply.kind == "invalid"

    asyncio.run(scene())
    assert not rows(engine, ThresholdHistory)


def test_given_a_bad_plot_when_ignored_and_back_then_its_alarm_goes_and_comes(config, cdc, engine):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, weights=BAD))
            await client.shows(cdc.name, lambda state: state.severity == Severity.MAJOR)
            for ignored, severity in ((True, 0), (False, Severity.MAJOR)):
                command = SetIgnore(who=WHO, plot=cdc.name, ignored=ignored)
                assert isinstance(await client.ask(command), Accepted)
                state = await client.shows(cdc.name, lambda state, s=severity: state.severity == s)
                assert state.reason.startswith("ignored: Bad") is ignored

    asyncio.run(scene())
    audit = [row for row in rows(engine, AuditLog) if row.action == "set-ignore"]
    assert [(row.old, row.new) for row in audit] == [(False, True), (True, False)]


def test_given_news_when_posted_then_told_to_all_and_kept_over_a_restart(config):
    async def scene():
        async with running(config) as client:
            await client.ask(SetNews(who=WHO, text="Beam studies until noon"))
            await client.until(lambda: client.sites[-1].news == "Beam studies until noon", "news")
        async with running(config) as client:
            assert client.sites[-1].news == "Beam studies until noon"
            await client.ask(SetNews(who=WHO, text=""))
            await client.until(lambda: client.sites[-1].news == "", "no news")

    asyncio.run(scene())


def test_given_a_model_activated_elsewhere_when_told_to_reload_then_the_catalogue_has_it(
    config, engine
):
    async def scene():
        async with running(config) as client:
            plots = {plot.name: plot for plot in client.catalogues[-1].plots}
            assert plots[BARE].model is None
            with writing(engine) as session:
                register(session, [BARE], digest="b" * 64)
            assert isinstance(await client.ask(Reload(who=WHO)), Accepted)
            await client.until(
                lambda: {p.name: p for p in client.catalogues[-1].plots}[BARE].model, "the model"
            )

    asyncio.run(scene())


def test_given_a_plot_that_no_message_can_carry_when_read_then_left_out_and_told(config, engine):
    with writing(engine) as session:
        session.execute(text("UPDATE classifications SET colour = 'red' WHERE name = 'Cosmic'"))
        cosmic = session.scalars(select(Classification).filter_by(name="Cosmic")).one()
        plot = session.scalars(select(PlotType).filter_by(name=BARE)).one()
        session.add(
            ValidClassification(plot_type_id=plot.id, classification_id=cosmic.id, position=9)
        )

    async def scene():
        async with running(config) as client:
            assert sorted(plot.name for plot in client.catalogues[-1].plots) == PLOTS
            await client.until(lambda: client.beats, "a heartbeat")
            await client.until(lambda: BARE in client.beats[-1].reason, "the reason")
            assert client.beats[-1].state == "Degraded"

    asyncio.run(scene())


@pytest.mark.parametrize(
    "command",
    [
        SetConditions(who=WHO, beam_current=math.nan),
        SetConditions(who=WHO, beam_current=math.inf),
        SetConditions(who=WHO, beam_current=1.0, run=2**40),
        SetConditions(who=WHO, beam_current=1.0, run=-2),
    ],
)
def test_given_conditions_that_are_none_when_told_then_refused(config, command):
    async def scene():
        async with running(config) as client:
            reply = await client.ask(command)
            assert isinstance(reply, Refused)
            assert reply.kind == "invalid"

    asyncio.run(scene())


def test_given_run_and_beam_when_told_then_the_site_shows_them(config, cdc):
    async def scene():
        async with running(config) as client:
            await client.send(make_report(config, cdc, 1, run=100))
            await client.until(lambda: client.sites[-1].run == 100, "the image's run")
            await client.ask(SetConditions(who=WHO, beam_current=42.0, run=131458))
            await client.until(lambda: client.sites[-1].run == 131458, "the facility's run")
            site = client.sites[-1]
            assert (site.beam_current, site.beam_on) == (42.0, True)
            assert site.period == "RunPeriod-2026-11"

    asyncio.run(scene())


def test_given_images_on_show_when_the_keeper_restarts_then_a_snapshot_gives_all_as_before(
    config, plots, engine
):
    async def scene():
        async with running(config) as client:
            await client.ask(SetConditions(who=WHO, beam_current=42.0, run=100))
            for chunk, plot in enumerate(plots.values()):
                await client.send(make_report(config, plot, chunk, weights=BAD))
            await client.until(lambda: len(client.done) == 3, "done")
            await client.ask(threshold(0.99))
            before = await client.ask_all(SnapshotRequest())
            await client.until(lambda: live(engine, Severity.MINOR), "it to be saved")
        async with running(config) as client:
            after = await client.ask_all(SnapshotRequest())
        return before, after

    before, after = asyncio.run(scene())
    kinds = [Catalogue, *[PlotState] * 3, SiteState, Accepted]
    assert [type(message) for message, _ in before] == kinds
    assert [frames for _, frames in after] == [frames for _, frames in before]
    assert all(frames[0] for _, frames in after[1:4])
    assert [message for message, _ in after[1:4]] == [message for message, _ in before[1:4]]
    assert after[0][0].plots == before[0][0].plots
    assert after[0][0].serial > before[0][0].serial
    assert after[4][0].beam_current == 42.0


def garbage(count: int) -> list[list[bytes]]:
    """Random, truncated, mistyped and oversized messages."""
    draw = random.Random(7)
    good = [bytes(part) for part in encode(Reload(who=WHO))]
    heartbeat = [
        bytes(part)
        for part in encode(
            Heartbeat(stage="Feeder", host="h", pid=1, started=0.0, beat=1, state="Running")
        )
    ]
    made = []
    for index in range(count):
        match index % 5:
            case 0:
                parts = [draw.randbytes(draw.randrange(200)) for _ in range(draw.randrange(1, 5))]
            case 1:
                parts = [good[0][: draw.randrange(len(good[0]))]]
            case 2:
                parts = [*heartbeat, b"x"]
            case 3:
                parts = [b"\x91" * draw.randrange(1, 5000)]
            case _:
                broken = bytearray(good[0])
                broken[draw.randrange(len(broken))] ^= 1 << draw.randrange(8)
                parts = [bytes(broken), b"frame"]
        made.append(parts)
    return made


def test_given_1000_malformed_reports_when_sent_then_all_refused_and_counted_and_work_goes_on(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            for parts in garbage(1000):
                await client.send(parts)
            good = [bytes(part) for part in make_report(config, cdc, 1)]
            await client.send([*good[:1], b"123", *good[2:]])
            await client.send(good)
            await client.until(lambda: client.done, "done")
            await client.until(lambda: client.gauge("RefusedMalformed") == 1001, "the count")

    asyncio.run(scene())
    assert len(rows(engine, RunHistory)) == 1


def test_given_1000_malformed_commands_when_sent_then_all_refused_and_counted_and_work_goes_on(
    config,
):
    async def scene():
        async with running(config) as client:
            answers = 0
            for index, parts in enumerate(garbage(1000)):
                await client.commands.send_multipart([index.to_bytes(4, "big"), *parts])
            await client.commands.send_multipart([b"alone"])
            await client.commands.send_multipart([b"x" * 17, *encode(Reload(who=WHO))])
            deadline = time.monotonic() + 20
            while answers < 1000:
                _, *parts = await client.commands.recv_multipart()
                answers += 1
                assert time.monotonic() < deadline
            assert isinstance(await client.ask(threshold(0.7)), Accepted)
            await client.until(lambda: client.gauge("RefusedMalformed") == 1002, "the count")

    asyncio.run(scene())


def test_given_many_changes_at_once_when_asked_then_all_are_answered_in_order(config, engine):
    async def scene():
        async with running(config) as client:
            values = [index / 100 for index in range(50)]
            for index, value in enumerate(values):
                await client.commands.send_multipart(
                    [index.to_bytes(4, "big"), *encode(threshold(value, plot=PLOTS[1]))]
                )
            for index in range(50):
                echoed, *_ = await client.commands.recv_multipart()
                assert int.from_bytes(echoed, "big") == index

    asyncio.run(scene())
    assert [row.new for row in rows(engine, ThresholdHistory)] == [n / 100 for n in range(50)]


def test_given_roles_when_a_user_without_one_asks_then_not_permitted_and_audited(
    config, cdc, engine
):
    with writing(engine) as session:
        grant(session, Actor("chief", "console", ""), "chief", "Admin")

    async def scene():
        async with running(config) as client:
            reply = await client.ask(threshold(0.9))
            assert isinstance(reply, Refused)
            assert reply.kind == "not-permitted"
            assert f"user {WHO.user} on host {WHO.host} may not set-threshold" in reply.text

    asyncio.run(scene())
    with reading(engine) as session:
        assert session.scalars(select(ModelThreshold.threshold)).first() != 0.9
        refusal = session.scalars(select(AuditLog).where(~AuditLog.accepted)).one()
        assert refusal.action == "set-threshold"


def test_given_a_put_that_the_ioc_refused_when_noted_then_it_is_in_the_audit_log(config, engine):
    note = PutRefused(
        who=Who(user="mallory", host="10.0.0.9", why="no right"), pv="X:Y", value="7", times=3
    )

    async def scene():
        async with running(config) as client:
            assert await client.ask(note) == Accepted()

    asyncio.run(scene())
    with reading(engine) as session:
        line = session.scalars(select(AuditLog).where(AuditLog.action == "put")).one()
        assert (line.user_name, line.host, line.subject) == ("mallory", "10.0.0.9", "X:Y")
        assert line.new == {"value": "7", "refused": "no right", "times": 3}
        assert not line.accepted
