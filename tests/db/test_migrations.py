"""The schema goes up, down and up again, with data, and never drifts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, inspect, select, text

from db.catalogue import Classification
from db.engine import connected, make_engine, reading, writing
from db.models import Model
from db.operation import RunHistory
from db.schema import METADATA
from db.startup import (
    current_revision,
    downgrade,
    drift,
    head_revision,
    new_revision,
    require_head,
    upgrade,
)
from db.users import Role
from pipeline.errors import CommandError, WrongRevision
from tests.db.samples import fill


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database of its own at the head revision, since these tests change its schema."""
    upgrade(url)
    made = make_engine(url)
    yield made
    made.dispose()


def tables(engine: Engine) -> set[str]:
    with connected(engine) as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_given_an_empty_database_when_upgraded_then_nothing_drifts(engine):
    require_head(engine)
    assert drift(engine) == []
    assert current_revision(engine) == head_revision()
    assert tables(engine) == set(METADATA.tables)


def test_given_the_schema_when_inspected_then_every_constraint_has_its_name(engine):
    found = inspect(engine)
    for table in METADATA.tables.values():
        names = {c["name"] for c in found.get_foreign_keys(table.name)}
        names |= {c["name"] for c in found.get_unique_constraints(table.name)}
        names |= {c["name"] for c in found.get_check_constraints(table.name)}
        names |= {c["name"] for c in found.get_indexes(table.name)}
        wanted = {str(c.name) for c in table.constraints if c is not table.primary_key}
        wanted |= {str(index.name) for index in table.indexes}
        assert wanted <= names
        assert None not in names


def test_given_data_when_taken_down_and_up_step_by_step_then_it_is_as_before(url, engine):
    fill(engine)
    with reading(engine) as session:
        before = session.scalars(select(Classification.name).order_by(Classification.id)).all()
    assert downgrade(url, "0001") == "0001"
    assert upgrade(url) == head_revision()
    assert drift(engine) == []
    with reading(engine) as session:
        row = session.scalars(select(RunHistory)).one()
        assert row.output == {"Good": 0.1, "Bad": 0.9}
        after = session.scalars(select(Classification.name).order_by(Classification.id)).all()
        assert after == before
        assert session.scalar(select(func.count()).select_from(Model)) == 1


def test_given_data_when_taken_down_to_base_then_the_database_is_empty_and_goes_up(url, engine):
    fill(engine)
    assert downgrade(url, "base") == "base"
    assert tables(engine) == set()
    assert upgrade(url) == head_revision()
    assert drift(engine) == []


def test_given_changed_dictionaries_when_upgraded_again_then_what_people_changed_stays(url, engine):
    with writing(engine) as session:
        label = session.scalars(select(Classification).filter_by(name="Cosmic")).one()
        label.colour = "#123456"
        session.delete(session.scalars(select(Role).filter_by(name="Viewer")).one())
    downgrade(url, "0001")
    upgrade(url)
    with reading(engine) as session:
        label = session.scalars(select(Classification).filter_by(name="Cosmic")).one()
        assert label.colour == "#123456"
        assert session.scalar(select(func.count()).select_from(Role)) == 6


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE news ADD COLUMN colour VARCHAR(7)",
        "DROP INDEX ix_run_history_image_time {on_run_history}",
        "CREATE TABLE stranger (id INTEGER PRIMARY KEY)",
    ],
)
def test_given_a_schema_changed_by_hand_when_checked_then_the_drift_is_told(engine, statement):
    on = "" if engine.dialect.name == "sqlite" else "ON run_history"
    with connected(engine) as connection:
        connection.execute(text(statement.format(on_run_history=on)))
    assert len(drift(engine)) == 1


def test_given_an_empty_database_when_required_then_the_upgrade_command_is_told(url):
    with pytest.raises(WrongRevision, match=r"is empty; build it with 'hydra-ioc db upgrade'"):
        require_head(make_engine(url))


def test_given_an_older_database_when_required_then_backup_and_upgrade_are_told(url):
    upgrade(url, revision="0001")
    wanted = r"revision 0001, expected .*; make a backup, then run 'hydra-ioc db upgrade'"
    with pytest.raises(WrongRevision, match=wanted) as refusal:
        require_head(make_engine(url))
    assert "only for tests" not in str(refusal.value)
    assert "only%20for%20tests" not in str(refusal.value)


def test_given_a_newer_database_when_required_or_moved_then_it_is_refused(url, engine):
    with connected(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (
        lambda: require_head(engine),
        lambda: upgrade(url),
        lambda: downgrade(url, "base"),
    ):
        with pytest.raises(WrongRevision, match="revision 9999, which this release does not know"):
            act()
    assert tables(engine) == set(METADATA.tables)


def test_given_somebody_elses_database_when_required_then_it_is_left_alone(url):
    engine = make_engine(url)
    with connected(engine) as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER PRIMARY KEY)"))
    with pytest.raises(WrongRevision, match="holds tables but no revision of ours"):
        require_head(engine)


@pytest.mark.parametrize("revision", ["nonsense", "7777", "-1", ""])
def test_given_no_such_revision_when_upgraded_then_the_known_ones_are_listed(tmp_path, revision):
    with pytest.raises(CommandError, match=r"known are 0001, 0002, .* and base"):
        upgrade(f"sqlite:///{tmp_path / 'x.db'}", revision=revision)


def test_given_two_upgrades_at_once_when_both_end_then_the_schema_is_whole(url):
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(upgrade, [url, url])) == [head_revision()] * 2
    assert drift(make_engine(url)) == []


def test_given_a_failing_migration_when_upgraded_on_sqlite_then_nothing_of_it_stays(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    engine = make_engine(url)
    with connected(engine) as connection:
        # The last table of the first migration is in the way.
        connection.execute(text("CREATE TABLE training_report_responses (id INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        upgrade(url)
    assert tables(engine) == {"training_report_responses"}


def test_given_no_difference_when_a_revision_is_written_then_it_is_numbered_and_empty(
    tmp_path, monkeypatch
):
    import shutil

    from db import startup

    copy = tmp_path / "migrations"
    shutil.copytree(startup.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(startup, "MIGRATIONS", copy)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    upgrade(url)
    number = f"{int(head_revision()) + 1:04d}"
    path = new_revision(url, "change nothing")
    assert path.name == f"{number}_change_nothing.py"
    assert "pass" in path.read_text()
    assert upgrade(url) == number
