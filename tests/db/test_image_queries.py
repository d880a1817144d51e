"""Images are found by their unique key, from an index."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from db.catalogue import Plot
from db.catalogue_queries import add_plot, catalogue
from db.engine import reading, writing
from db.image_queries import by_keys, kept, recorded
from db.operation import RunHistory
from tests.db import samples
from tests.db.samples import digest, judged_plot, verdict

PERIOD = "RunPeriod-2026-11"
numbers = st.sets(st.integers(0, 400), max_size=300)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(there=numbers, asked=numbers)
def test_given_any_images_when_asked_for_then_exactly_those_on_record_are_found(
    engine, there, asked
):
    with writing(engine) as session:
        session.execute(delete(Plot))
        plot = add_plot(session, f"plot{len(catalogue(session))}")
        session.add_all(samples.kept(plot, chunk) for chunk in there)
        session.flush()
        found = kept(session, [(plot, 131458, n, PERIOD, digest(n)) for n in asked])
        assert {key[2] for key in found} == there & asked
        assert len(set(found.values())) == len(found)


def test_given_an_image_when_any_part_of_its_key_differs_then_it_is_another(engine):
    with writing(engine) as session:
        plot, model = judged_plot(session)
        row = verdict(plot, model, 1)
        session.add(row)
        session.flush()
        key = (plot, 131458, 1, PERIOD, digest(1))
        others = [
            (plot + 1, *key[1:]),
            (plot, 131459, *key[2:]),
            (*key[:2], 2, *key[3:]),
            (*key[:3], "RunPeriod-2026-12", key[4]),
            (*key[:4], digest(2)),
        ]
        assert recorded(session, [key, *others]) == {key: row.id}
        assert recorded(session, []) == {}


@pytest.mark.parametrize("table", [RunHistory, Plot])
def test_given_many_images_when_some_are_asked_for_then_an_index_finds_them(engine, table):
    with writing(engine) as session:
        plot, model = judged_plot(session)
        make = samples.kept if table is Plot else lambda p, n: verdict(p, model, n)
        session.add_all(make(plot, chunk) for chunk in range(1000))
    keys = [(plot, 131458, n, PERIOD, digest(n)) for n in range(16)]
    statement = by_keys(table, keys).compile(engine, compile_kwargs={"literal_binds": True})
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not sqlite:
            connection.exec_driver_sql(f"ANALYZE TABLE {table.__tablename__}").all()
        rows = connection.exec_driver_sql(
            f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}"
        ).all()
    if sqlite:
        plans = [row[3] for row in rows]
        assert not [plan for plan in plans if plan.startswith("SCAN")]
        assert [plan for plan in plans if "SEARCH" in plan]
    else:
        assert [(row.type, row.key.startswith("uq_")) for row in rows] == [("range", True)]
    with reading(engine) as session:
        assert len((kept if table is Plot else recorded)(session, keys)) == 16
