"""The commands of the schema."""

from db.engine import make_engine
from db.startup import head_revision
from pipeline.errors import WrongRevision
from tests.db.typed import done, run


def test_given_a_new_deployment_when_the_schema_is_asked_for_then_each_step_says_what_it_did(
    config_file,
):
    result = run(config_file, "plots", "list")
    assert isinstance(result.exception, WrongRevision)
    assert f"revision {head_revision()}" in done(config_file, "db", "upgrade")
    assert "as the code expects" in done(config_file, "db", "check")
    assert "revision 0001" in done(config_file, "db", "downgrade", "0001")
    result = run(config_file, "db", "check")
    assert "'hydra-ioc db upgrade'" in str(result.exception)
    assert "revision base" in done(config_file, "db", "downgrade", "base")


def test_given_a_drifted_database_when_checked_then_the_differences_are_listed(config_file, config):
    with make_engine(config.database_url()).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE stranger (id INTEGER)")
    result = run(config_file, "db", "check")
    assert isinstance(result.exception, WrongRevision)
    assert "stranger" in str(result.exception)
