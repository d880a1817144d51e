"""The commands of the users."""

from sqlalchemy import select

from db.audit import AuditLog
from db.engine import make_engine, reading
from pipeline.errors import NotPermitted
from tests.db.typed import done, model_folder, run


def test_given_users_with_roles_when_somebody_else_changes_something_then_it_is_refused_on_record(
    config_file, config, monkeypatch
):
    done(config_file, "users", "grant", "ann", "Admin")
    done(config_file, "users", "grant", "bob", "Labeler")
    assert "Labeler" in done(config_file, "users", "list")
    done(config_file, "plots", "add", "CDC_occupancy")
    monkeypatch.setenv("LOGNAME", "bob")
    for words in (
        ("plots", "add", "FDC_occupancy"),
        ("labels", "define", "Hot"),
        ("users", "grant", "bob", "Admin"),
        ("users", "revoke", "ann", "Admin"),
        ("plots", "model", "CDC_occupancy", model_folder(config, "CDC_occupancy").name),
    ):
        assert isinstance(run(config_file, *words).exception, NotPermitted), words
    with reading(make_engine(config.database_url())) as session:
        refused = session.scalars(select(AuditLog).where(~AuditLog.accepted)).all()
        assert [line.user_name for line in refused] == ["bob"] * 5
    monkeypatch.setenv("LOGNAME", "ann")
    assert done(config_file, "users", "revoke", "bob", "Labeler") == "bob is Labeler no more\n"
