"""A shadow's word beside a verdict: recorded with it, never a part of it."""

import asyncio
import hashlib

import pytest
from msgspec.structs import replace

from db.audit_queries import Actor
from db.catalogue import Plot
from db.engine import reading, writing
from db.operation import RunHistory
from db.shadow_comparison import comparison
from db.shadow_queries import end_shadow, set_shadow
from db.shadows import ShadowVerdict
from db.signoff_queries import find
from pipeline.alarm import Severity
from pipeline.messages import CompanionResult, Reload, decode, encode
from tests.pipeline.keeper.conftest import PLOTS
from tests.pipeline.keeper.deployment import (
    BAD,
    LABELS,
    WHO,
    entries,
    make_report,
    register,
    rows,
    running,
)

SHADOW = hashlib.sha256(b"shadow").hexdigest()
PLOT = PLOTS[0]
ACTOR = Actor("ann", "console", "test")


@pytest.fixture
def shadowed(config, engine):
    """The plot with a shadow, as the catalogue tells it."""
    with writing(engine) as session:
        high = dict.fromkeys(LABELS, 0.95)
        register(session, [PLOT], SHADOW, active=False, thresholds=high)
        set_shadow(session, ACTOR, PLOT, find(session, SHADOW))
    return entries(config)[PLOT]


def seen(config, entry, chunk, word, *, error="", **facts):
    """A report of an image that the shadow saw too."""
    report, frames = decode(make_report(config, entry, chunk, **facts))
    (shadow,) = [one for one in entry.companions if one.role == "shadow"]
    result = CompanionResult(
        role="shadow",
        digest=shadow.model.digest,
        model_id=shadow.model.model_id,
        labels=tuple(word),
        probabilities=tuple(word.values()),
        error=error,
    )
    return encode(replace(report, companions=(result,)), list(frames))


def test_given_a_shadow_that_disagrees_when_an_image_is_bad_then_only_its_own_word_differs(
    config, engine, shadowed
):
    async def scene():
        async with running(config) as client:
            good = {"Good": 0.9, "Bad": 0.06, "NoData": 0.04}
            await client.send(seen(config, shadowed, 1, good, weights=BAD))
            one = await client.shows(PLOT, lambda state: state.count == 1)
            await client.send(seen(config, shadowed, 2, BAD, weights=BAD))
            two = await client.shows(PLOT, lambda state: state.count == 2)
            await client.send(seen(config, shadowed, 3, {}, weights=BAD, error="it crashed"))
            three = await client.shows(PLOT, lambda state: state.count == 3)
            return one, two, three

    one, two, three = asyncio.run(scene())
    for state in (one, two, three):
        assert (state.label, state.severity, state.confirmed) == ("Bad", Severity.MAJOR, True)
        assert "shadow" not in state.reason
    assert (one.shadow.label, one.shadow.confirmed) == ("Good", False)
    assert (one.shadow.compared, one.shadow.disagreed) == (1, 1)
    assert (two.shadow.label, two.shadow.confirmed) == ("Bad", True)
    assert (two.shadow.compared, two.shadow.disagreed) == (2, 1)
    assert (three.shadow.label, three.shadow.error) == ("", "it crashed")
    assert (three.shadow.compared, three.shadow.disagreed) == (2, 1)
    stored = rows_by_image(engine)
    assert [row.label for row in stored] == ["Good", "Bad", ""]
    assert [row.active_label for row in stored] == ["Bad", "Bad", "Bad"]
    assert stored[0].thresholds == dict.fromkeys(LABELS, 0.95)


def test_given_a_shadow_when_the_labels_differ_then_the_image_is_kept_for_it_up_to_a_number(
    config, engine, shadowed, monkeypatch
):
    monkeypatch.setattr("pipeline.keeper.intake.DISPUTED", 2)
    good, bad = {"Good": 0.97, "Bad": 0.02, "NoData": 0.01}, BAD

    async def scene():
        async with running(config) as client:
            # (model that judges, shadow), by chunk
            words = [(good, good), (good, bad), (bad, good), (good, bad), (good, {})]
            for chunk, (active, shadow) in enumerate(words, 1):
                error = "" if shadow else "it crashed"
                await client.send(
                    seen(config, shadowed, chunk, shadow, weights=active, error=error)
                )
                await client.shows(PLOT, lambda state, now=chunk: state.count == now)

    asyncio.run(scene())
    assert {row.chunk: row.kept_for for row in rows(engine, Plot)} == {2: "shadow", 3: "look"}
    with reading(engine) as session:
        images = comparison(session, PLOT).images
    assert [one.kept_for for one in images] == ["", "shadow", "look", "", ""]
    assert [one.kept for one in images] == [False, True, True, False, False]


def rows_by_image(engine):
    with writing(engine) as session:
        found = session.query(ShadowVerdict).order_by(ShadowVerdict.run_history_id).all()
        session.expunge_all()
    return found


def test_given_the_same_image_twice_when_reported_then_the_shadow_counts_once(
    config, engine, shadowed
):
    async def scene():
        async with running(config) as client:
            parts = seen(config, shadowed, 1, {"Good": 0.9, "Bad": 0.1}, weights=BAD)
            for _ in range(2):
                await client.send(parts)
            await client.until(lambda: len(client.done) == 2, "both")
            assert [one.outcome for one in client.done] == ["recorded", "known"]
            return client.last(PLOT)

    assert asyncio.run(scene()).shadow.compared == 1
    assert len(rows_by_image(engine)) == 1


def test_given_a_restart_when_loaded_then_the_shadows_word_and_counts_go_on(
    config, engine, shadowed
):
    good = {"Good": 0.9, "Bad": 0.06, "NoData": 0.04}

    async def scene(chunk):
        async with running(config) as client:
            before = client.last(PLOT).shadow
            await client.send(seen(config, shadowed, chunk, good, weights=BAD))
            await client.shows(PLOT, lambda state: state.count == chunk)
            return before, client.last(PLOT).shadow

    assert asyncio.run(scene(1))[0] is None
    before, after = asyncio.run(scene(2))
    assert (before.model, before.label, before.compared, before.disagreed) == (SHADOW, "Good", 1, 1)
    assert (after.compared, after.disagreed) == (2, 2)


def test_given_a_shadow_when_ended_then_its_word_leaves_the_state_and_stays_on_record(
    config, engine, shadowed
):
    async def scene():
        async with running(config) as client:
            await client.send(seen(config, shadowed, 1, {"Good": 0.9, "Bad": 0.1}, weights=BAD))
            await client.shows(PLOT, lambda state: state.shadow is not None)
            with writing(engine) as session:
                end_shadow(session, ACTOR, PLOT)
            await client.ask(Reload(who=WHO))
            await client.shows(PLOT, lambda state: state.shadow is None)
            assert client.catalogues[-1].plots[0].companions == ()
            # An order of before may still bring its word: it is no shadow any more.
            await client.send(seen(config, shadowed, 2, {"Good": 0.9, "Bad": 0.1}, weights=BAD))
            state = await client.shows(PLOT, lambda state: state.count == 2)
            assert (state.label, state.shadow) == ("Bad", None)

    asyncio.run(scene())
    assert len(rows(engine, RunHistory)) == 2
    assert len(rows_by_image(engine)) == 2


def test_given_nonsense_from_a_shadow_when_reported_then_it_is_an_error_in_words(
    config, engine, shadowed
):
    async def scene():
        async with running(config) as client:
            await client.send(seen(config, shadowed, 1, {"Cosmic": 1.0}, weights=BAD))
            state = await client.shows(PLOT, lambda state: state.count == 1)
            assert (state.label, state.shadow.label) == ("Bad", "")
            assert "outside of the palette" in state.shadow.error

    asyncio.run(scene())
