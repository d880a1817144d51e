"""Labels are superseded, never lost."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from db.catalogue import Plot
from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.label_queries import NewLabel, add_label, labels
from db.labels import LabelHistory, PlotLabel
from pipeline.errors import CommandError, LabelError
from tests.db.samples import digest, kept


def say(label: str, user: str = "ann", chunk: int = 1, comment: str = "") -> NewLabel:
    return NewLabel(
        plot="CDC_occupancy", sha256=digest(chunk), label=label, user=user, comment=comment
    )


@pytest.fixture
def images(engine):
    with writing(engine) as session:
        plot = add_plot(session, "CDC_occupancy", labels=("Good", "Bad", "Cosmic"))
        session.add_all([kept(plot, chunk=1), kept(plot, chunk=2)])
    return engine


def test_given_a_label_when_another_expert_disagrees_then_the_later_counts_and_both_stay(images):
    with writing(images) as session:
        assert add_label(session, say("Good")) == 1
        assert add_label(session, say("Bad", user="bob", comment="dead slot")) == 1
    with reading(images) as session:
        (row,) = labels(session)
        assert (row.label, row.user, row.comment) == ("Bad", "bob", "dead slot")
        assert (row.plot, row.run, row.chunk) == ("CDC_occupancy", 131458, 1)
        first, second = session.scalars(select(PlotLabel).order_by(PlotLabel.id))
        assert (first.superseded_by, second.superseded_by) == (second.id, None)
        history = session.scalars(select(LabelHistory).order_by(LabelHistory.id)).all()
        assert [line.transaction["label"] for line in history] == ["Good", "Bad"]


def test_given_the_same_said_again_when_labelled_then_nothing_is_written(images):
    with writing(images) as session:
        assert add_label(session, say("Good")) == 1
        assert add_label(session, say("Good")) == 0
        assert len(session.scalars(select(PlotLabel)).all()) == 1
        assert len(session.scalars(select(LabelHistory)).all()) == 1


def test_given_labels_of_two_kinds_when_both_are_given_then_both_count(images):
    with writing(images) as session:
        add_label(session, say("Good"))
        add_label(session, say("Cosmic"))
        assert [row.label for row in labels(session)] == ["Good", "Cosmic"]


def test_given_the_same_content_in_two_runs_when_labelled_then_both_are(images):
    with writing(images) as session:
        plot = session.scalars(select(Plot.plot_type_id).limit(1)).one()
        session.add(kept(plot, chunk=1, run=7))
        session.flush()
        assert add_label(session, say("Bad")) == 2
        assert [row.run for row in labels(session, "CDC_occupancy")] == [7, 131458]


def test_given_ignore_when_labelled_then_it_is_allowed_for_any_plot(images):
    with writing(images) as session:
        assert add_label(session, say("Ignore")) == 1


@pytest.mark.parametrize(
    ("new", "kind", "wanted"),
    [
        (say("NoData"), LabelError, r"expected a label of plot CDC_occupancy: \['Good', 'Bad'"),
        (say("good"), LabelError, "received good"),
        (say("Good", chunk=9), LabelError, "no image .* is kept"),
        (
            NewLabel(plot="Nowhere", sha256=digest(1), label="Good", user="ann"),
            CommandError,
            "there is no plot Nowhere",
        ),
    ],
)
def test_given_a_label_of_no_use_when_given_then_nothing_is_written(images, new, kind, wanted):
    with pytest.raises(kind, match=wanted), writing(images) as session:
        add_label(session, say("Good", chunk=2))
        add_label(session, new)
    with reading(images) as session:
        assert labels(session) == ()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    said=st.lists(
        st.tuples(
            st.sampled_from(["Good", "Bad"]), st.sampled_from(["ann", "bob"]), st.integers(1, 2)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_given_any_labelling_when_done_then_one_label_counts_and_none_is_lost(images, said):
    with writing(images) as session:
        before = len(session.scalars(select(PlotLabel)).all())
        written = sum(add_label(session, say(*words)) for words in said)
        rows = session.scalars(select(PlotLabel)).all()
        assert len(rows) == before + written
        assert len(session.scalars(select(LabelHistory)).all()) == len(rows)
        last = {chunk: (label, user) for label, user, chunk in said}
        counting = {row.chunk: (row.label, row.user) for row in labels(session)}
        assert {chunk: counting[chunk] for chunk in last} == last
        assert len(labels(session)) == len(counting)
