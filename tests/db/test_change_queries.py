"""Facts of a plot type are changed together, with their audit line."""

import pytest
from sqlalchemy import select

from db.audit import AuditLog
from db.catalogue_queries import catalogue
from db.change_queries import Change, change_plot
from db.engine import reading, writing
from pipeline.errors import CommandError
from tests.db.samples import WHO, judged_plot


def test_given_facts_when_changed_then_they_hold_and_old_and_new_are_audited(engine):
    new = Change(
        group="CDC",
        contact="bob",
        cadence_s=5.0,
        collect_fraction=0.25,
        labels=("NoData", "Bad", "Good", "LED"),
    )
    with writing(engine) as session:
        judged_plot(session)
        change_plot(session, WHO, "CDC_occupancy", new)
    with reading(engine) as session:
        (row,) = catalogue(session)
        line = session.scalars(select(AuditLog).where(AuditLog.action == "set-plots")).one()
    assert (row.group, row.contact, row.cadence_s, row.collect_fraction) == ("CDC", "bob", 5, 0.25)
    assert [label.name for label in row.labels] == ["NoData", "Bad", "Good", "LED"]
    assert row.description == ""
    assert line.old == {
        "group": "Other",
        "contact": "",
        "cadence_s": 60.0,
        "collect_fraction": None,
        "labels": ["Good", "Bad", "NoData"],
    }
    assert line.new == {
        "group": "CDC",
        "contact": "bob",
        "cadence_s": 5.0,
        "collect_fraction": 0.25,
        "labels": ["NoData", "Bad", "Good", "LED"],
    }


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (Change(), "expected a change of plot CDC_occupancy, received none"),
        (Change(cadence_s=0.0), "expected a cadence above 0"),
        (Change(collect_fraction=1.5), "expected a collect fraction of 0 to 1"),
        (Change(collect_fraction=float("nan")), "expected a collect fraction of 0 to 1"),
        (Change(labels=("Good", "LED")), r"gives labels \['Bad', 'NoData'\]; keep them"),
        (Change(group="x" * 101), "expected a group name"),
        (Change(contact="bob", labels=("Good",)), "keep them"),
    ],
)
def test_given_a_fact_of_no_use_when_changed_then_nothing_changes(engine, change, wanted):
    with writing(engine) as session:
        judged_plot(session)
        before = catalogue(session)
    with pytest.raises(CommandError, match=wanted), writing(engine) as session:
        change_plot(session, WHO, "CDC_occupancy", change)
    with reading(engine) as session:
        assert catalogue(session) == before
