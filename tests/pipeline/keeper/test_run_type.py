"""The run type: committed, audited, published, and known after a restart."""

import asyncio

import pytest

from db.audit import AuditLog
from db.audit_queries import Actor
from db.engine import writing
from db.reference_queries import NewReferences, add_references
from db.run_types import RunType
from db.user_queries import grant
from pipeline.messages import Accepted, Refused, Reload, SetRunType
from tests.pipeline.keeper.conftest import BARE
from tests.pipeline.keeper.deployment import WHO, rows, running

pytestmark = pytest.mark.usefixtures("hasty")


def run_type(value: str, **more: object) -> SetRunType:
    return SetRunType(who=WHO, run_type=value, **more)


def give_references(engine, *run_types: str) -> None:
    with writing(engine) as session:
        for number, kind in enumerate(run_types):
            new = NewReferences(
                digest=f"{number}" * 64,
                labels=("similar", "unlike"),
                input_shape=(8, 8, 3),
                preprocessing="area-rgb",
                images={"a" * 64: 1},
                threshold=0.002,
                run_type=kind,
            )
            add_references(session, Actor("ann", "console"), BARE, new)


def test_given_references_when_the_run_type_is_set_then_plots_have_theirs_before_accepted(
    config, engine
):
    give_references(engine, "cosmic", "production")

    async def scene():
        async with running(config) as client:
            assert client.sites[-1].run_type == ""
            reply = await client.ask(run_type("cosmic"))
            assert reply == Accepted(text="run type cosmic: references of 1 plots changed")
            await client.until(lambda: client.sites[-1].run_type == "cosmic", "the site")
            entry = {plot.name: plot for plot in client.catalogues[-1].plots}[BARE]
            assert (entry.similarity.version, entry.similarity.run_type) == (1, "cosmic")
            refused = await client.ask(run_type("helium"))
            assert "there are: cosmic, production" in refused.text
            # What the facility says is a fact, with references of it or without.
            assert isinstance(await client.ask(run_type("LED", measured=True)), Accepted)
            await client.until(lambda: client.sites[-1].run_type == "LED", "the site")
        async with running(config) as client:
            assert client.sites[-1].run_type == "LED"

    asyncio.run(scene())
    assert [row.run_type for row in rows(engine, RunType)] == ["cosmic", "LED"]
    audit = [row for row in rows(engine, AuditLog) if row.action == "set-run-type"]
    assert [(row.subject, row.old, row.accepted) for row in audit] == [
        ("cosmic", "", True),
        ("helium", None, False),
        ("LED", "cosmic", True),
    ]


def test_given_roles_when_the_run_type_is_set_then_people_need_the_right_and_the_facility_none(
    config, engine
):
    give_references(engine, "cosmic")
    with writing(engine) as session:
        grant(session, Actor("root", "console"), "root", "Admin")

    async def scene():
        async with running(config) as client:
            refused = await client.ask(run_type("cosmic"))
            assert isinstance(refused, Refused)
            assert refused.kind == "not-permitted"
            assert isinstance(await client.ask(run_type("cosmic", measured=True)), Accepted)

    asyncio.run(scene())


def test_given_a_run_type_set_by_another_program_when_told_to_reload_then_it_is_published(
    config, engine
):
    async def scene():
        async with running(config) as client:
            with writing(engine) as session:
                session.add(RunType(set_at=1.0, run_type="cosmic", user_name="ann", host="here"))
            await client.ask(Reload(who=WHO))
            await client.until(lambda: client.sites[-1].run_type == "cosmic", "the site")

    asyncio.run(scene())
