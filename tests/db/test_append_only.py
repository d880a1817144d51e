"""Rows that are never changed nor deleted."""

import pytest
from sqlalchemy import delete, func, select, update

from db.append_only import APPEND_ONLY
from db.audit_queries import audit
from db.engine import connected, make_engine, reading, writing
from db.operation import RunHistory
from db.schema import METADATA
from db.startup import require_head, upgrade
from pipeline.errors import StoreError
from tests.db.samples import WHO, fill
from tests.fixtures_mariadb import PASSWORD


def test_given_the_tables_when_listed_then_every_log_and_the_history_only_grow():
    names = {table.__tablename__ for table in APPEND_ONLY}
    assert names == {
        "audit_log",
        "data_set_items",
        "data_sets",
        "training_data_sets",
        "emulated_images",
        "emulation_runs",
        "inference_masks",
        "label_history",
        "mask_history",
        "model_activations",
        "model_signoffs",
        "plot_values",
        "reference_history",
        "reference_images",
        "run_history",
        "threshold_history",
        "trainings",
        "novelties",
        "embedding_spaces",
        "shadow_terms",
        "shadow_verdicts",
        "reference_decisions",
        "reference_proposals",
        "run_types",
    }


@pytest.mark.parametrize("act", ["change", "remove", "update", "delete"])
def test_given_a_verdict_on_record_when_it_is_tampered_with_then_it_stays(engine, act):
    fill(engine)
    with pytest.raises(StoreError, match="never changed nor deleted"), writing(engine) as session:
        row = session.scalars(select(RunHistory)).one()
        if act == "change":
            row.label = "Good"
        elif act == "remove":
            session.delete(row)
        elif act == "update":
            session.execute(update(RunHistory).values(label="Good"))
        else:
            session.execute(delete(RunHistory))
    with reading(engine) as session:
        assert session.scalars(select(RunHistory.label)).all() == ["Bad"]


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_given_any_such_table_when_emptied_then_it_is_refused(engine, table):
    with pytest.raises(StoreError, match=table.__tablename__), writing(engine) as session:
        audit(session, WHO, "test", "x")
        session.execute(delete(table))
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(table)) == 0


@pytest.mark.mariadb
def test_given_a_user_with_the_rights_of_the_manual_when_it_works_then_the_server_guards_too(
    mariadb_server, mariadb
):
    upgrade(mariadb)
    name = mariadb.rsplit("/", 1)[1]
    mariadb_server.execute(f"CREATE USER 'writer'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
    try:
        mariadb_server.execute(f"GRANT SELECT ON {name}.* TO 'writer'@'127.0.0.1'")
        for table in METADATA.tables:
            grows = table in {grown.__tablename__ for grown in APPEND_ONLY}
            rights = "INSERT" if grows else "INSERT, UPDATE, DELETE"
            mariadb_server.execute(f"GRANT {rights} ON {name}.{table} TO 'writer'@'127.0.0.1'")
        engine = make_engine(mariadb.replace("//hydra:", "//writer:"))
        require_head(engine)
        fill(engine)
        with pytest.raises(StoreError, match="denied"), connected(engine) as connection:
            connection.exec_driver_sql("UPDATE run_history SET label = 'Good'")
        with pytest.raises(StoreError, match="denied"), connected(engine) as connection:
            connection.exec_driver_sql("DELETE FROM audit_log")
        engine.dispose()
    finally:
        mariadb_server.execute("DROP USER 'writer'@'127.0.0.1'")
