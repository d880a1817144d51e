"""Masks in the Keeper: committed, audited, on record with each verdict, ended in time."""

import asyncio
import time

import msgspec
import pytest

from db.audit import AuditLog
from db.audit_queries import Actor
from db.engine import reading, writing
from db.mask_queries import add_mask, expire_mask
from db.masks import InferenceMask, Mask, MaskHistory
from db.operation import RunHistory
from db.user_queries import grant
from pipeline.errors import CommandError, StoreError
from pipeline.messages import Accepted, ChangeMask, Refused, decode, encode
from tests.pipeline.keeper.deployment import BAD, WHO, entries, make_report, rows, running

BOX = ((0.1, 0.2), (0.3, 0.4))
ANN = Actor("ann", "console")


def change(action="add", name="crate5", **more):
    facts = {"points": BOX, "reason": "waits for a supply"} if action == "add" else {}
    return ChangeMask(who=WHO, plot="CDC_occupancy", action=action, name=name, **(facts | more))


def masks_of(client):
    return {plot.name: plot for plot in client.catalogues[-1].plots}["CDC_occupancy"].masks


def refused(reply, text):
    assert isinstance(reply, Refused)
    assert reply.kind == "invalid"
    assert text in reply.text


def test_given_a_mask_when_added_then_it_is_committed_audited_and_in_the_catalogue(
    config, cdc, engine
):
    async def scene():
        async with running(config) as client:
            assert await client.ask(change()) == Accepted(text="mask crate5 put on CDC_occupancy")
            (mask,) = await client.until(lambda: masks_of(client), "the mask")
            assert mask.points == ((0.1, 0.2), (0.3, 0.2), (0.3, 0.4), (0.1, 0.4))
            assert (mask.owner, mask.reason) == ("ann", "waits for a supply")
            await client.ask(change("disable"))
            await client.until(lambda: not masks_of(client), "it to go")
            await client.ask(change("enable"))
            await client.until(lambda: masks_of(client), "it to come back")

    asyncio.run(scene())
    assert [row.action for row in rows(engine, MaskHistory)] == ["add", "disable", "enable"]
    audit = [row for row in rows(engine, AuditLog) if row.action == "set-mask"]
    assert [row.subject for row in audit] == ["CDC_occupancy crate5"] * 3
    assert audit[0].new["reason"] == "waits for a supply"
    assert audit[1].old == {"enabled": True, "expires_at": None, "ended": False}
    assert {row.user_name for row in audit} == {"ann"}


def test_given_masks_that_cannot_be_used_when_asked_for_then_each_is_refused_and_on_record(
    config, engine
):
    async def scene():
        async with running(config) as client:
            refused(await client.ask(change("disable", "none")), "has no mask 'none'")
            refused(await client.ask(change(points=None)), "expected points")
            refused(await client.ask(change(reason="")), "expected a reason")
            refused(await client.ask(change(name="a;b")), "expected a name")
            refused(await client.ask(change(points=((0.1, 0.1), (0.1, 0.9)))), "with an area")
            crossed = ((0.1, 0.1), (0.4, 0.5), (0.4, 0.1), (0.1, 0.4))
            refused(await client.ask(change(points=crossed)), "do not cross")
            bow = ((0.1, 0.1), (0.4, 0.4), (0.4, 0.1), (0.1, 0.4))
            refused(await client.ask(change(points=bow)), "do not cross")
            refused(await client.ask(change(points=((0, 0), (0.9, 0.9)))), "would cover 81%")
            refused(await client.ask(change(expires_at=1.0)), "in the future")
            refused(await client.ask(change(expires_at=float("nan"))), "in the future")
            refused(await client.ask(change(expires_at=1e12)), "before 2100")
            unknown = msgspec.structs.replace(change(), plot="none")
            refused(await client.ask(unknown), "there is no plot none")
            for number in range(8):
                corner = number / 10
                small = ((corner, 0.1), (corner + 0.05, 0.2))
                assert await client.ask(change(name=f"m{number}", points=small)) is not None
            refused(await client.ask(change(name="m9")), "8 masks in force already")

    asyncio.run(scene())
    assert len(rows(engine, Mask)) == 8
    assert sum(not row.accepted for row in rows(engine, AuditLog)) == 13


def test_given_roles_when_a_user_without_the_right_adds_a_mask_then_it_is_not_permitted(
    config, engine
):
    with writing(engine) as session:
        grant(session, ANN, "root", "Admin")
        grant(session, ANN, "eve", "Labeler")

    async def scene():
        async with running(config) as client:
            reply = await client.ask(msgspec.structs.replace(change(), who=eve))
            assert (type(reply), reply.kind) == (Refused, "not-permitted")

    eve = msgspec.structs.replace(WHO, user="eve")
    asyncio.run(scene())
    assert rows(engine, Mask) == []
    assert [row.accepted for row in rows(engine, AuditLog) if row.action == "set-mask"] == [False]


def masked_report(config, cdc, chunk):
    """A report of an image that was judged with all masks of its plot."""
    parts = make_report(config, cdc, chunk, weights=BAD)
    report, frames = decode(parts)
    ids = tuple(mask.mask_id for mask in cdc.masks)
    return encode(msgspec.structs.replace(report, masks=ids), frames)


def test_given_a_masked_image_when_recorded_then_masks_and_reason_are_on_record_over_a_restart(
    config, engine
):
    with writing(engine) as session:
        for name, right in (("crate5", 0.3), ("slot 7", 0.2)):
            add_mask(
                session,
                ANN,
                "CDC_occupancy",
                name,
                points=((0.1, 0.2), (right, 0.4)),
                owner="ann",
                reason="known",
            )
    cdc = entries(config)["CDC_occupancy"]
    words = "judged with 2 masks (crate5, slot 7)"

    async def scene(first):
        async with running(config) as client:
            if first:
                await client.send(masked_report(config, cdc, 1))
            await client.shows(cdc.name, lambda state: state.reason.endswith(words))

    asyncio.run(scene(True))
    (row,) = rows(engine, RunHistory)
    with reading(engine) as session:
        noted = session.query(InferenceMask).order_by(InferenceMask.mask_id).all()
        assert [(one.run_history_id, one.mask_id) for one in noted] == [(row.id, 1), (row.id, 2)]
    asyncio.run(scene(False))


def test_given_a_mask_with_a_time_when_it_comes_then_the_catalogue_changes_with_an_audit_row(
    config, engine
):
    async def scene():
        async with running(config) as client:
            await client.ask(change(expires_at=time.time() + 1.5))
            await client.until(lambda: masks_of(client), "the mask")
            await client.until(lambda: not masks_of(client), "its end")

    asyncio.run(scene())
    (mask,) = rows(engine, Mask)
    assert (mask.ended, mask.enabled) == (True, True)
    assert [row.action for row in rows(engine, MaskHistory)] == ["add", "ended"]
    (end,) = [row for row in rows(engine, AuditLog) if row.user_name == "hydra"]
    assert (end.subject, end.new["ended"]) == ("CDC_occupancy crate5", True)


def test_given_the_history_of_masks_when_changed_by_our_own_sessions_then_it_is_refused(engine):
    with writing(engine) as session:
        add_mask(session, ANN, "CDC_occupancy", "a", points=BOX, owner="a", reason="b")
    with pytest.raises(StoreError, match="never changed"), writing(engine) as session:
        session.query(MaskHistory).update({"why": "nothing"})
    with pytest.raises(CommandError, match="has a mask 'a' already"), writing(engine) as session:
        add_mask(session, ANN, "CDC_occupancy", "a", points=BOX, owner="a", reason="b")
    with writing(engine) as session:
        expire_mask(session, ANN, "CDC_occupancy", "a", 1.0)
    (mask,) = rows(engine, Mask)
    assert mask.expires_at == pytest.approx(time.time(), abs=30)
