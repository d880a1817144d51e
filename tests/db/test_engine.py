"""Engines, transactions and what becomes of a database that is away."""

import logging
import sqlite3
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from db.audit import AuditLog
from db.audit_queries import audit
from db.catalogue import PlotGroup
from db.engine import connected, make_engine, reading, safe_url, writing
from db.operation import News, RunHistory
from db.startup import require_head, upgrade
from pipeline.errors import ConfigError, StoreError, StoreUnavailable
from tests.db.samples import WHO, fill, verdict
from tests.fixtures_mariadb import PASSWORD

EVERY_TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=200)


def groups(engine) -> list[str]:
    with reading(engine) as session:
        return list(session.scalars(select(PlotGroup.name).order_by(PlotGroup.id)))


def test_given_a_failure_inside_when_writing_then_nothing_is_written(engine):
    with pytest.raises(ZeroDivisionError), writing(engine) as session:
        session.add(PlotGroup(name="CDC"))
        session.flush()
        1 / 0  # noqa: B018
    assert groups(engine) == []


def test_given_rows_that_break_a_rule_when_written_then_it_is_a_store_error(engine):
    with pytest.raises(StoreError, match="refuses"), writing(engine) as session:
        session.add_all([PlotGroup(name="CDC"), PlotGroup(name="CDC")])
    with pytest.raises(StoreError, match="refuses"), writing(engine) as session:
        session.add(verdict(plot=999, model=None))
    assert groups(engine) == []


def test_given_the_same_image_twice_when_recorded_then_the_database_itself_refuses(engine):
    fill(engine)
    with pytest.raises(StoreError, match="refuses"), writing(engine) as session:
        first = session.scalars(select(RunHistory)).one()
        session.add(verdict(first.plot_type_id, first.model_id))
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(RunHistory)) == 1


def test_given_names_that_differ_a_little_when_stored_then_they_are_not_the_same(engine):
    with writing(engine) as session:
        session.add_all(PlotGroup(name=name) for name in ("CDC", "cdc", "cdć", "CDC "))
    assert groups(engine) == ["CDC", "cdc", "cdć", "CDC "]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_given_a_weight_that_is_no_number_when_stored_then_it_is_refused(engine, bad):
    fill(engine)
    with pytest.raises(StoreError), writing(engine) as session:
        first = session.scalars(select(RunHistory)).one()
        session.add(verdict(first.plot_type_id, None, chunk=7, output={"Good": bad}))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    posted_at=st.floats(0, 4e9),
    words=EVERY_TEXT,
    weights=st.dictionaries(EVERY_TEXT.filter(bool), st.floats(0, 1), max_size=5),
)
def test_given_any_time_text_and_weights_when_stored_then_they_come_back_exactly(
    engine, posted_at, words, weights
):
    with writing(engine) as session:
        row = News(posted_at=posted_at, user_name="ann", text=words)
        session.add(row)
        audit(session, WHO, "test", words, new=weights)
        key = row.id
    with reading(engine) as session:
        row = session.get_one(News, key)
        assert (row.posted_at, row.text) == (posted_at, words)
        assert session.scalars(select(AuditLog.new).order_by(AuditLog.id.desc())).first() == weights


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://me@host/db", "expected a database URL of sqlite, mariadb"),
        ("not a url", "expected a database URL such as"),
        ("", "expected a database URL such as"),
    ],
)
def test_given_a_url_of_no_use_when_an_engine_is_made_then_it_is_a_config_error(url, wanted):
    with pytest.raises(ConfigError, match=wanted):
        make_engine(url)


def test_given_a_url_that_cannot_be_read_when_refused_then_the_password_is_not_told():
    with pytest.raises(ConfigError) as refusal:
        make_engine("mariadb+pymysql://hydra:s3cret@host:port/db")
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_given_a_password_file_of_no_use_when_an_engine_is_made_then_it_is_told(tmp_path, content):
    path = tmp_path / "password"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"database\.password_file"):
        make_engine("mariadb+pymysql://hydra@127.0.0.1/hydra", path)


@pytest.mark.mariadb
def test_given_a_password_file_when_connected_then_url_and_messages_do_without(
    mariadb_server, mariadb, tmp_path
):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    url = mariadb_server.url(mariadb.rsplit("/", 1)[1], password=False)
    upgrade(url, path)
    engine = make_engine(url, path)
    require_head(engine)
    assert "***" in safe_url(engine)
    assert PASSWORD not in repr(engine)


@pytest.mark.mariadb
def test_given_a_mariadb_server_by_the_name_of_mysql_when_required_then_the_url_is_told(mariadb):
    with pytest.raises(ConfigError, match=r"database\.url as mariadb\+pymysql://"):
        require_head(make_engine(mariadb.replace("mariadb+", "mysql+")))


@pytest.mark.mariadb
def test_given_a_wrong_password_when_connected_then_it_is_refused_and_not_called_away(
    mariadb_server, tmp_path
):
    path = tmp_path / "password"
    path.write_text("wrong")
    engine = make_engine(mariadb_server.url("mysql", password=False), path)
    with pytest.raises(StoreError, match="Access denied") as refusal, reading(engine) as session:
        session.execute(text("SELECT 1"))
    assert not isinstance(refusal.value, StoreUnavailable)


@pytest.mark.mariadb
def test_given_a_server_that_stops_when_it_comes_back_then_the_same_engine_goes_on(
    mariadb_server, mariadb
):
    upgrade(mariadb)
    engine = make_engine(mariadb)
    assert groups(engine) == []
    mariadb_server.stop()
    try:
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                groups(engine)
    finally:
        mariadb_server.start()
    assert groups(engine) == []


@pytest.mark.mariadb
def test_given_a_server_killed_within_a_transaction_when_committed_then_all_or_nothing(
    mariadb_server, mariadb
):
    upgrade(mariadb)
    engine = make_engine(mariadb)
    try:
        with pytest.raises(StoreUnavailable), writing(engine) as session:
            session.add(PlotGroup(name="CDC"))
            session.flush()
            mariadb_server.kill()
    finally:
        mariadb_server.start()
    assert groups(engine) == []


@pytest.mark.mariadb
def test_given_a_server_that_hangs_when_asked_then_it_counts_as_away_in_bounded_time(
    mariadb_server, mariadb, monkeypatch
):
    upgrade(mariadb)
    engine = make_engine(mariadb, answer_timeout_s=1)
    assert groups(engine) == []
    mariadb_server.freeze()
    began = time.monotonic()
    try:
        with pytest.raises(StoreUnavailable):
            groups(engine)
    finally:
        mariadb_server.resume()
    assert time.monotonic() - began < 15
    assert groups(engine) == []


def test_given_a_sqlite_file_that_another_program_writes_when_written_then_it_is_away(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("db.engine.BUSY_TIMEOUT_MS", 50)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    upgrade(url)
    engine = make_engine(url)
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert groups(engine) == []
        with pytest.raises(StoreUnavailable, match="locked"), writing(engine) as session:
            session.add(PlotGroup(name="CDC"))
    finally:
        other.close()
    with writing(engine) as session:
        session.add(PlotGroup(name="CDC"))
    assert groups(engine) == ["CDC"]


def test_given_a_sqlite_folder_that_is_a_file_when_opened_then_it_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot make the database folder"):
        make_engine(f"sqlite:///{tmp_path / 'file' / 'x.db'}")


def test_given_a_file_that_is_no_database_when_read_then_it_is_refused(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no database at all" * 100)
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(StoreError, match="not a database") as refusal:
        require_head(engine)
    assert not isinstance(refusal.value, StoreUnavailable)


def test_given_sqlite_when_opened_then_it_is_durable_and_checks_what_points_where(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'new' / 'x.db'}")
    with connected(engine) as connection:
        settings_ = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings_ == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_given_a_start_when_the_schema_is_looked_at_then_alembic_is_quiet(engine, caplog):
    with caplog.at_level(logging.INFO):
        require_head(engine)
    assert caplog.records == []
