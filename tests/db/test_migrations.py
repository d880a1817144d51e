"""The schema goes up, down and up again, with data, and never drifts."""

from sqlalchemy import inspect

from db.schema import METADATA
from db.startup import current_revision, drift, head_revision, require_head


def test_given_an_empty_database_when_upgraded_then_nothing_drifts(engine):
    require_head(engine)
    assert drift(engine) == []
    assert current_revision(engine) == head_revision()


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
