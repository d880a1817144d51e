"""The registry: who may judge what, and the thresholds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from db.audit import AuditLog
from db.catalogue_queries import add_plot, catalogue
from db.engine import reading, writing
from db.model_queries import activate_model, deactivate_model, register_model
from db.models import Model, ModelActivation, ModelThreshold, ThresholdHistory
from db.operation import RunHistory
from db.threshold_queries import set_threshold
from pipeline.errors import CommandError
from tests.db.samples import WHO, digest, judged_plot, new_model, verdict


def test_given_a_card_when_registered_then_all_it_says_is_on_record(engine):
    with writing(engine) as session:
        parent = register_model(session, new_model("parent"), "ann")
        key = register_model(session, new_model("child", parent=digest("parent")), None)
    with reading(engine) as session:
        model = session.get_one(Model, key)
        assert model.parent_id == parent
        assert model.created_at == 1_700_000_000.25
        assert model.confusion == [[10, 0, 0], [0, 5, 0], [0, 0, 2]]
        assert (model.labels, model.versions) == (["Good", "Bad", "NoData"], {"keras": "3"})
        assert model.expert_signoff_by is None
        assert session.get_one(Model, parent).expert_signoff_by == "ann"


def test_given_a_card_without_a_threshold_when_registered_then_it_begins_at_a_half(engine):
    with writing(engine) as session:
        key = register_model(session, new_model(thresholds={"Bad": 0.7}), None)
        rows = session.execute(
            select(ModelThreshold.threshold, ModelThreshold.method)
            .where(ModelThreshold.model_id == key)
            .order_by(ModelThreshold.id)
        ).all()
    assert [tuple(row) for row in rows] == [(0.5, "INIT"), (0.7, "max_f1"), (0.5, "INIT")]


def test_given_a_registered_model_when_registered_again_then_it_is_the_same_row(engine):
    with writing(engine) as session:
        first = register_model(session, new_model(), None)
        add_plot(session, "FDC_occupancy")
        again = register_model(session, new_model(), "bob")
        assert again == first
        activate_model(session, WHO, "FDC_occupancy", first)
        assert session.get_one(Model, first).trained_by == "bob"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"labels": ("Good", "Unheard")}, r"unknown labels \['Unheard'\]"),
        ({"thresholds": {"Bad": 1.5}}, "expected a threshold of 0 to 1"),
        ({"thresholds": {"Bad": float("nan")}}, "expected a threshold of 0 to 1"),
    ],
)
def test_given_a_card_of_no_use_when_registered_then_nothing_is_registered(engine, changes, wanted):
    with pytest.raises(CommandError, match=wanted), writing(engine) as session:
        register_model(session, new_model(**changes), None)
    with reading(engine) as session:
        assert session.scalars(select(Model)).all() == []


@pytest.mark.parametrize(
    ("changes", "signed", "probation", "wanted"),
    [
        ({"plots": ("FDC_occupancy",)}, "ann", False, "was not trained for plot CDC_occupancy"),
        ({}, None, False, "lacks a sign-off"),
        ({"labels": ("Good", "Cosmic"), "thresholds": {}}, "ann", False, r"labels \['Cosmic'\]"),
        ({"labels": ("Good", "LED"), "thresholds": {}}, None, True, r"labels \['LED'\]"),
    ],
)
def test_given_a_model_that_does_not_fit_when_activated_then_the_plot_keeps_what_it_has(
    engine, changes, signed, probation, wanted
):
    with writing(engine) as session:
        _, before = judged_plot(session)
        key = register_model(session, new_model("other", **changes), signed)
    with pytest.raises(CommandError, match=wanted), writing(engine) as session:
        activate_model(session, WHO, "CDC_occupancy", key, probation=probation)
    with reading(engine) as session:
        found = catalogue(session)[0].model
        assert found is not None
        assert found.model_id == before


def test_given_models_in_turn_when_activated_then_log_and_audit_tell_the_way(engine):
    with writing(engine) as session:
        _, first = judged_plot(session)
        second = register_model(session, new_model("second"), None)
        activate_model(session, WHO, "CDC_occupancy", second, probation=True)
    with reading(engine) as session:
        found = catalogue(session)[0].model
        assert found is not None
        assert (found.model_id, found.probation) == (second, True)
    with writing(engine) as session:
        deactivate_model(session, WHO, "CDC_occupancy")
        rows = session.scalars(select(ModelActivation).order_by(ModelActivation.id)).all()
        assert [(row.model_id, row.probation) for row in rows] == [
            (first, False),
            (second, True),
            (None, False),
        ]
        lines = session.scalars(select(AuditLog).order_by(AuditLog.id)).all()
        assert [(line.old, line.new) for line in lines] == [
            (None, digest("CDC_occupancy")),
            (digest("CDC_occupancy"), digest("second")),
            (digest("second"), None),
        ]
    with reading(engine) as session:
        assert catalogue(session)[0].model is None


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_given_any_thresholds_in_turn_when_set_then_the_histories_are_chains(engine, values):
    with writing(engine) as session:
        name = f"plot{len(catalogue(session))}"
        plot, model = judged_plot(session, name)
        session.add(verdict(plot, model))
    olds = []
    for value in values:
        with writing(engine) as session:
            olds.append(set_threshold(session, WHO, name, "Bad", value))
    assert olds == [0.7, *values[:-1]]
    with reading(engine) as session:
        row = next(row for row in catalogue(session) if row.name == name)
        assert row.thresholds == {"Good": 0.4, "Bad": values[-1], "NoData": 0.5}
        changes = session.execute(
            select(ThresholdHistory.old, ThresholdHistory.new, ThresholdHistory.user_name)
            .where(ThresholdHistory.model_id == model)
            .order_by(ThresholdHistory.id)
        ).all()
        assert [tuple(change) for change in changes] == [
            (old, new, "ann") for old, new in zip(olds, values, strict=True)
        ]
        audited = session.execute(
            select(AuditLog.old, AuditLog.new)
            .where(AuditLog.subject == f"{name} Bad")
            .order_by(AuditLog.id)
        ).all()
        assert [tuple(change) for change in audited] == list(zip(olds, values, strict=True))
        kept = session.scalars(select(RunHistory).where(RunHistory.plot_type_id == plot)).one()
        assert kept.thresholds == {"Good": 0.4, "Bad": 0.7}


@pytest.mark.parametrize(
    ("plot", "label", "value", "wanted"),
    [
        ("CDC_occupancy", "Bad", 1.0000001, "expected a threshold of 0 to 1"),
        ("CDC_occupancy", "Bad", -0.1, "expected a threshold of 0 to 1"),
        ("CDC_occupancy", "Bad", float("nan"), "expected a threshold of 0 to 1"),
        ("CDC_occupancy", "Bad", float("inf"), "expected a threshold of 0 to 1"),
        ("CDC_occupancy", "LED", 0.5, "gives no label LED"),
        ("CDC_occupancy", "bad", 0.5, "unknown labels"),
        ("Unjudged", "Bad", 0.5, "has no model"),
        ("Nowhere", "Bad", 0.5, "there is no plot"),
    ],
)
def test_given_a_threshold_of_no_use_when_set_then_nothing_changes(
    engine, plot, label, value, wanted
):
    with writing(engine) as session:
        judged_plot(session)
        add_plot(session, "Unjudged")
    with pytest.raises(CommandError, match=wanted), writing(engine) as session:
        set_threshold(session, WHO, plot, label, value)
    with reading(engine) as session:
        assert session.scalars(select(ThresholdHistory)).all() == []
        assert catalogue(session)[0].thresholds == {"Good": 0.4, "Bad": 0.7, "NoData": 0.5}
