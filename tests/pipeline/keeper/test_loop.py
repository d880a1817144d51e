"""The Keeper on plots that are judged over time, and on how its models do."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest
from sqlalchemy import select

from db.audit import AuditLog
from db.audit_queries import Actor
from db.engine import reading, writing
from db.label_queries import NewLabel, add_label
from db.operation import RunHistory
from db.performance import RetrainRequest, TrailingAccuracy
from db.retrain_queries import close_request, open_request, requests
from db.steadiness_queries import set_steadiness
from pipeline.alarm import Severity
from pipeline.errors import CommandError
from pipeline.messages import Accepted, Refused, SetSteadiness
from tests.pipeline.keeper.deployment import (
    BAD,
    WHO,
    make_config,
    make_report,
    register,
    rows,
    running,
)

ANN = Actor("ann", "console", "test")


def scene(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop of its own."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Keeper that looks at its models at once."""
    monkeypatch.setattr("pipeline.keeper.progress.FIRST_S", 0.0)


@scene
async def test_given_three_in_a_row_asked_for_when_bad_comes_then_the_third_publishes_it(
    config, cdc
):
    async with running(config) as client:
        await client.send(make_report(config, cdc, 1))
        await client.shows("CDC_occupancy", lambda s: s.label == "Good")
        asked = SetSteadiness(who=WHO, plot="CDC_occupancy", setting="consecutive", value=3)
        reply = await client.ask(asked)
        assert isinstance(reply, Accepted)
        assert reply.text == "consecutive of CDC_occupancy: 1 -> 3"
        for chunk in (2, 3):
            await client.send(make_report(config, cdc, chunk, weights=BAD))
        held = await client.shows("CDC_occupancy", lambda s: s.chunk == 3)
        # One Good image before the rule is not enough for a state, either.
        assert "pending Bad 2 of 3" in held.reason
        await client.send(make_report(config, cdc, 4, weights=BAD))
        bad = await client.shows("CDC_occupancy", lambda s: s.chunk == 4)
        assert (bad.label, bad.severity) == ("Bad", Severity.MAJOR)


@scene
async def test_given_a_restart_in_between_when_images_go_on_then_none_is_forgotten(
    config, cdc, engine
):
    with writing(engine) as session:
        set_steadiness(session, ANN, "CDC_occupancy", "consecutive", 3)
    async with running(config) as client:
        for chunk in (1, 2, 3):
            await client.send(make_report(config, cdc, chunk))
        await client.shows("CDC_occupancy", lambda s: s.chunk == 3 and s.label == "Good")
        for chunk in (4, 5):
            await client.send(make_report(config, cdc, chunk, weights=BAD))
        before = await client.shows("CDC_occupancy", lambda s: "Bad 2 of 3" in s.reason)
    async with running(config) as client:
        after = await client.shows("CDC_occupancy", lambda s: s.chunk == 5)
        assert (after.label, after.severity, after.reason) == (
            before.label,
            before.severity,
            before.reason,
        )
        await client.send(make_report(config, cdc, 6, weights=BAD))
        await client.shows("CDC_occupancy", lambda s: s.label == "Bad")


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [("consecutive", 2.5, "whole consecutive"), ("hysteresis", 3.0, "hysteresis of 0 to 1")],
)
@scene
async def test_given_a_value_out_of_range_when_asked_then_it_is_refused_and_on_record(
    config, engine, setting, value, text
):
    async with running(config) as client:
        asked = SetSteadiness(who=WHO, plot="CDC_occupancy", setting=setting, value=value)
        reply = await client.ask(asked)
    assert isinstance(reply, Refused)
    assert text in reply.text
    refused = [row for row in rows(engine, AuditLog) if row.action == "set-steadiness"]
    assert [row.accepted for row in refused] == [False]


@scene
async def test_given_a_sample_when_it_is_labelled_then_the_accuracy_becomes_known(
    folder, cdc, eager
):
    config = make_config(
        folder, keeper={"collect_fraction": 1.0}, loop={"period_s": 0.2, "accuracy": 0.9}
    )
    async with running(config) as client:
        for chunk in range(1, 11):
            await client.send(make_report(config, cdc, chunk))
        await client.until(lambda: len(client.done) == 10, "ten images")

        def last():
            found = [p for p in client.performances if p.plot == "CDC_occupancy"]
            return found[-1] if found else None

        unknown = await client.until(lambda: (p := last()) and p.reason[:15] and p, "a look")
        assert not unknown.known
        assert unknown.severity is Severity.INVALID
        from db.engine import make_engine

        engine = make_engine(config.database_url())
        with writing(engine) as session:
            shas = session.scalars(select(RunHistory.sha256).order_by(RunHistory.id)).all()
            for index, sha in enumerate(shas):
                label = "Bad" if index < 6 else "Good"
                add_label(
                    session, NewLabel(plot="CDC_occupancy", sha256=sha, label=label, user="b")
                )
        known = await client.until(
            lambda: (p := last()) and p.known and p.count == 10 and p, "an accuracy"
        )
        assert (known.accuracy, known.coverage) == (0.4, 1.0)
        assert 0.15 < known.low < 0.2
        assert 0.65 < known.high < 0.7
        assert known.severity is Severity.MINOR
        await client.until(lambda: last().retrain == 1, "a request")
        assert "accuracy 0.400" in last().retrain_reason
        await client.until(
            lambda: [p for p in client.performances if p.plot == "*" and p.count == 10], "all"
        )
        with reading(engine) as session:
            assert len(session.scalars(select(RetrainRequest)).all()) == 1
            days = session.scalars(select(TrailingAccuracy)).all()
            assert {row.labelled for row in days} == {10, 0}
        engine.dispose()


def test_given_a_request_when_asked_for_again_then_there_is_one(engine, cdc):
    with writing(engine) as session:
        assert open_request(session, cdc.plot_type_id, "drift", "far", 0.0)
        assert not open_request(session, cdc.plot_type_id, "drift", "farther", 0.0)
        assert open_request(session, cdc.plot_type_id, "period", "new", 0.0)
    with writing(engine) as session:
        first = requests(session)[-1]
        with pytest.raises(CommandError, match="expected a reason"):
            close_request(session, ANN, first.id, "  ")
        assert close_request(session, ANN, first.id, "a known change").closed_by == "ann"
        with pytest.raises(CommandError, match="is closed: a known change"):
            close_request(session, ANN, first.id, "again")
        # Closed by hand it stays closed, until another model is active.
        assert not open_request(session, cdc.plot_type_id, "drift", "far", 0.0)
        later = requests(session, closed=True)[-1].closed_at
        assert later is not None
        assert open_request(session, cdc.plot_type_id, "drift", "far", later + 1.0)


def test_given_a_request_when_another_model_is_activated_then_it_closes(engine, cdc):
    from db.performance_queries import read_facts
    from db.retrain_queries import close_trained

    with writing(engine) as session:
        open_request(session, cdc.plot_type_id, "drift", "far", 0.0)
    with writing(engine) as session:
        register(session, ["CDC_occupancy"], digest="b" * 64)
        facts = read_facts(session, cdc.plot_type_id, since=0.0, images=10, newest=100)
        assert facts is not None
        assert close_trained(session, cdc.plot_type_id, facts.since) == 1
        assert requests(session) == []
        assert requests(session, closed=True)[0].close_reason == "another model was activated"
