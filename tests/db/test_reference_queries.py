"""Versions of references: which are in force, and those of a run type."""

import hashlib
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from db.audit import AuditLog
from db.catalogue_queries import add_plot
from db.engine import make_engine, reading, writing
from db.reference_queries import (
    NewReferences,
    add_references,
    reference_history,
    references,
    references_in_force,
    retire_references,
    use_references,
    use_run_type,
)
from db.run_type_queries import run_type_now, set_run_type
from db.run_types import RunType
from db.startup import upgrade
from pipeline.errors import CommandError
from tests.db.samples import WHO


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    upgrade(url)
    made = make_engine(url)
    with writing(made) as session:
        for plot in ("one", "two", "three"):
            add_plot(session, plot)
        for plot, run_type in (
            ("one", ""),
            ("one", "cosmic"),
            ("one", "production"),
            ("two", "cosmic"),
            ("two", ""),
            ("three", "production"),
        ):
            add_references(session, WHO, plot, new(run_type))
    yield made
    made.dispose()


def new(run_type: str) -> NewReferences:
    sha256 = hashlib.sha256(run_type.encode()).hexdigest()
    return NewReferences(
        digest=sha256,
        labels=("Similar", "Unlike"),
        input_shape=(240, 320, 3),
        preprocessing="area-rgb",
        images={sha256: 1},
        threshold=0.002,
        run_type=run_type,
        typical=sha256,
    )


def in_force(engine: Engine) -> dict[str, tuple[int, str]]:
    with reading(engine) as session:
        rows = references_in_force(session).values()
        return {row.plot: (row.version, row.run_type) for row in rows}


def test_given_a_run_type_when_chosen_then_each_plot_takes_its_own_or_those_for_all(
    engine: Engine,
) -> None:
    assert in_force(engine) == {
        "one": (3, "production"),
        "two": (2, ""),
        "three": (1, "production"),
    }
    with writing(engine) as session:
        assert use_run_type(session, WHO, "cosmic") == {"one": 2, "two": 1}
    assert in_force(engine)["three"] == (1, "production")
    with writing(engine) as session:
        assert use_run_type(session, WHO, "production") == {"one": 3, "two": 2}
        assert use_run_type(session, WHO, "production") == {}
        history = reference_history(session, "two")
        assert [row.action for row in history] == ["add", "add", "use", "use"]


def test_given_retired_references_when_a_run_type_is_chosen_then_they_stay_retired(
    engine: Engine,
) -> None:
    with writing(engine) as session:
        retire_references(session, WHO, "one")
        assert use_run_type(session, WHO, "cosmic") == {"two": 1}
    assert "one" not in in_force(engine)


def test_given_a_run_type_of_no_references_when_chosen_then_it_is_refused_and_nothing_changes(
    engine: Engine,
) -> None:
    before = in_force(engine)
    with pytest.raises(CommandError, match="there are: cosmic, production"), writing(engine) as s:
        set_run_type(s, WHO, "helium")
    assert in_force(engine) == before
    with reading(engine) as session:
        assert run_type_now(session) == ""


def test_given_a_run_type_when_set_then_it_is_on_record_with_who_and_audited(
    engine: Engine,
) -> None:
    with writing(engine) as session:
        assert set_run_type(session, WHO, "cosmic") == {"one": 2, "two": 1}
    with reading(engine) as session:
        assert run_type_now(session) == "cosmic"
        (row,) = session.scalars(select(RunType))
        assert (row.user_name, row.host) == (WHO.user, WHO.host)
        line = session.scalars(select(AuditLog).where(AuditLog.action == "set-run-type")).one()
        assert (line.old, line.new, line.accepted) == ("", "cosmic", True)
    with writing(engine) as session:
        assert set_run_type(session, WHO, "") == {"one": 1, "two": 2}


def test_given_a_facility_that_repeats_a_run_type_when_set_then_a_persons_choice_stays(
    engine: Engine,
) -> None:
    with writing(engine) as session:
        set_run_type(session, WHO, "cosmic", measured=True)
        use_references(session, WHO, "one", 3)
        assert set_run_type(session, WHO, "cosmic", measured=True) == {}
        # Run types that nobody made references for are facts, too.
        assert set_run_type(session, WHO, "LED", measured=True) == {"one": 1, "two": 2}
        assert run_type_now(session) == "LED"


@pytest.mark.parametrize("run_type", ["x" * 40, "a\nb", "\u00e4" * 20])
def test_given_what_is_no_run_type_when_set_then_it_is_refused(
    engine: Engine, run_type: str
) -> None:
    with pytest.raises(CommandError, match="at most 39 bytes"), writing(engine) as session:
        set_run_type(session, WHO, run_type, measured=True)


def test_given_references_when_listed_then_the_most_typical_image_is_named(engine: Engine) -> None:
    with reading(engine) as session:
        assert all(len(row.typical) == 64 for row in references(session))
