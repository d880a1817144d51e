"""Versions of references: which are in force, and those of a run type."""

import hashlib
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db.catalogue_queries import add_plot
from db.engine import make_engine, reading, writing
from db.reference_queries import (
    NewReferences,
    add_references,
    reference_history,
    references,
    references_in_force,
    retire_references,
    use_run_type,
)
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
        use_run_type(s, WHO, "helium")
    assert in_force(engine) == before


def test_given_references_when_listed_then_the_most_typical_image_is_named(engine: Engine) -> None:
    with reading(engine) as session:
        assert all(len(row.typical) == 64 for row in references(session))
