"""The command that gives a plot type its model."""

import pytest
from sqlalchemy import select

from db.audit import AuditLog
from db.engine import make_engine, reading
from db.models import Model
from pipeline.errors import ModelError
from tests.db.typed import done, model_folder, run


def test_given_a_signed_model_in_the_store_when_set_then_it_judges(config_file, config):
    done(config_file, "plots", "add", "CDC_occupancy")
    folder = model_folder(config, "CDC_occupancy")
    unsigned = run(config_file, "plots", "model", "CDC_occupancy", folder.name)
    assert "lacks a sign-off" in str(unsigned.exception)
    done(config_file, "plots", "model", "CDC_occupancy", folder.name, "--probation")
    for step in ("trained", "report-reviewed", "ai-signoff", "expert-signoff"):
        done(config_file, "models", "sign", folder.name, step, "--why", "looked")
    words = ("plots", "model", "CDC_occupancy", folder.name[:12], "--why", "new period")
    assert done(config_file, *words) == f"CDC_occupancy is judged by model {folder.name}\n"
    assert folder.name[:12] in done(config_file, "plots", "list")
    with reading(make_engine(config.database_url())) as session:
        model = session.scalars(select(Model)).one()
        assert (model.digest, model.expert_signoff_by) == (folder.name, "ann")
        made = select(AuditLog).where(AuditLog.action == "set-model").order_by(AuditLog.id.desc())
        line = session.scalars(made).first()
        assert (line.user_name, line.why) == ("ann", "new period")


def test_given_a_model_on_probation_when_set_then_nobody_has_signed(config_file, config):
    done(config_file, "plots", "add", "CDC_occupancy")
    folder = model_folder(config, "CDC_occupancy")
    done(config_file, "plots", "model", "CDC_occupancy", folder.name, "--probation")
    with reading(make_engine(config.database_url())) as session:
        assert session.scalars(select(Model)).one().expert_signoff_by is None


@pytest.mark.parametrize("given", ["../secret", "0" * 64, "", "ABCDEF12", "12"])
def test_given_no_such_model_when_set_then_it_is_told(config_file, config, given):
    done(config_file, "plots", "add", "CDC_occupancy")
    result = run(config_file, "plots", "model", "CDC_occupancy", given)
    assert isinstance(result.exception, ModelError)


def test_given_a_tampered_model_when_set_then_it_is_refused(config_file, config):
    done(config_file, "plots", "add", "CDC_occupancy")
    folder = model_folder(config, "CDC_occupancy")
    (folder / "model.onnx").write_bytes(b"other weights")
    result = run(config_file, "plots", "model", "CDC_occupancy", folder.name)
    assert isinstance(result.exception, ModelError)
    assert "no model" in done(config_file, "plots", "list")
