"""Shadows on record: who may be one, what they said, and how both compare."""

import pytest
from sqlalchemy import select

from db.audit import AuditLog
from db.catalogue_queries import plot_type
from db.engine import reading, writing
from db.model_queries import activate_model, deactivate_model, register_model
from db.models import Model
from db.reference_queries import NewReferences, add_references, references_in_force
from db.rollback_queries import roll_back
from db.shadow_comparison import comparison
from db.shadow_queries import (
    NewShadowVerdict,
    end_shadow,
    note_shadows,
    set_shadow,
    shadow_model,
    shadows_in_force,
)
from db.shadows import ShadowVerdict
from db.signoff_queries import find, sign
from db.threshold_queries import set_threshold
from hydra_ioc.shadow_summary import summary
from pipeline.errors import CommandError
from tests.db.samples import WHO, digest, judged_plot, new_model, verdict

PLOT = "CDC_occupancy"


def second(session, *, trained=True, name="second", **changes):
    """A registered model of the plot that judges nothing."""
    key = register_model(session, new_model(name, **{"plots": (PLOT,)} | changes), None)
    if trained:
        sign(session, WHO, digest(name), "trained")
    return session.get_one(Model, key)


def said(plot, term, active, **changes):
    facts = {
        "plot_type_id": plot,
        "term_id": term,
        "active_model_id": active,
        "active_label": "Bad",
        "label": "Good",
        "confidence": 0.9,
        "confirmed": True,
        "output": {"Good": 0.9, "Bad": 0.1},
        "thresholds": {"Good": 0.4},
    }
    return NewShadowVerdict(**facts | changes)


def test_given_a_trained_model_when_made_the_shadow_then_it_is_in_force_and_audited(engine):
    with writing(engine) as session:
        judged_plot(session)
        set_shadow(session, WHO, PLOT, second(session))
    with reading(engine) as session:
        (row,) = shadows_in_force(session).values()
        assert (row.digest, row.input_shape) == (digest("second"), (300, 400, 3))
        assert row.thresholds == {"Good": 0.4, "Bad": 0.7, "NoData": 0.5}
        line = session.scalars(select(AuditLog).order_by(AuditLog.id.desc())).first()
        assert (line.action, line.user_name) == ("set-shadow", "ann")
    with writing(engine) as session:
        assert end_shadow(session, WHO, PLOT) == digest("second")
        assert shadows_in_force(session) == {}
        with pytest.raises(CommandError, match="models shadow"):
            end_shadow(session, WHO, PLOT)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"trained": False}, "models sign .* trained"),
        ({"labels": ("Good", "Bad")}, "expected labels"),
        ({"input_shape": (240, 320, 3)}, "expected input shape"),
        ({"preprocessing": "other"}, "expected preprocessing"),
        ({"plots": ("FDC_occupancy",)}, "was not trained for plot"),
        ({"kind": "regression"}, "gives a number"),
    ],
)
def test_given_a_model_that_does_not_fit_when_made_the_shadow_then_told_what_to_do(
    engine, facts, what
):
    with writing(engine) as session:
        judged_plot(session)
        model = second(session, **facts)
        with pytest.raises(CommandError, match=what):
            set_shadow(session, WHO, PLOT, model)
        assert shadows_in_force(session) == {}


def test_given_no_model_or_the_same_one_when_made_the_shadow_then_refused(engine):
    with writing(engine) as session:
        judged_plot(session)
        own = find(session, digest(PLOT))
        with pytest.raises(CommandError, match="judges plot"):
            set_shadow(session, WHO, PLOT, own)
        model = second(session)
        deactivate_model(session, WHO, PLOT)
        with pytest.raises(CommandError, match="no model to compare"):
            set_shadow(session, WHO, PLOT, model)


def test_given_verdicts_of_a_shadow_when_noted_then_counts_go_on_and_begin_anew_with_another(
    engine,
):
    with writing(engine) as session:
        plot, active = judged_plot(session)
        set_shadow(session, WHO, PLOT, second(session))
        term = shadows_in_force(session)[plot].term_id
        rows = [verdict(plot, active, chunk) for chunk in range(1, 6)]
        session.add_all(rows)
        session.flush()
        keys = [row.id for row in rows]
        first = note_shadows(
            session,
            {
                keys[0]: said(plot, term, active),
                keys[1]: said(plot, term, active, label="Bad"),
                keys[2]: said(plot, term, active, label="", output={}, error="it crashed"),
            },
        )
        assert first == {keys[0]: (1, 1), keys[1]: (2, 1), keys[2]: (2, 1)}
    with writing(engine) as session:
        assert note_shadows(session, {keys[3]: said(plot, term, active)}) == {keys[3]: (3, 2)}
        found = summary(comparison(session, PLOT))
        assert (found["compared"], found["disagreed"], found["failed"]) == (3, 2, 1)
        assert found["interval"] == pytest.approx([0.2077, 0.9385], abs=1e-3)
        assert found["table"] == {"Bad": {"Bad": 1, "Good": 2}}
        assert found["last_failure"] == "it crashed"
        assert [one["chunk"] for one in found["images"]] == [4, 1]
        assert found["right"]["labelled"] == 0
    with writing(engine) as session:
        set_shadow(session, WHO, PLOT, second(session, name="third"))
        term = shadows_in_force(session)[plot].term_id
        assert note_shadows(session, {keys[4]: said(plot, term, active)}) == {keys[4]: (1, 1)}
        assert session.query(ShadowVerdict).count() == 5


def references_on(session):
    new = NewReferences(
        digest=digest("references"),
        labels=("similar", "different"),
        input_shape=(300, 400, 3),
        preprocessing="area-rgb",
        images={digest(1): 1},
        threshold=0.01,
    )
    add_references(session, WHO, PLOT, new)


def test_given_a_shadow_and_references_when_a_model_of_another_input_comes_then_refused(engine):
    with writing(engine) as session:
        plot, _active = judged_plot(session)
        set_shadow(session, WHO, PLOT, second(session))
        references_on(session)
        other = second(session, name="small", input_shape=(240, 320, 3))
        with pytest.raises(CommandError) as refused:
            activate_model(session, WHO, PLOT, other.id, probation=True)
        for part in ("models shadow", "references retire", "--end-companions", "(240, 320, 3)"):
            assert part in str(refused.value)
        assert plot in references_in_force(session)
        ended = activate_model(session, WHO, PLOT, other.id, probation=True, end_companions=True)
        assert len(ended) == 2
        assert plot not in references_in_force(session)
        assert shadow_model(session, plot) is None


def test_given_a_shadow_when_it_is_to_judge_itself_then_it_ends_as_a_shadow(engine):
    with writing(engine) as session:
        plot, _active = judged_plot(session)
        shadow = second(session)
        set_shadow(session, WHO, PLOT, shadow)
        (told,) = activate_model(session, WHO, PLOT, shadow.id, probation=True)
        assert "no longer the shadow" in told
        assert shadow_model(session, plot) is None


def test_given_thresholds_set_since_when_rolled_back_then_those_of_then_are_in_force(engine):
    with writing(engine) as session:
        judged_plot(session)
        set_threshold(session, WHO, PLOT, "Bad", 0.8)
        activate_model(session, WHO, PLOT, second(session).id, probation=True)
    with writing(engine) as session:
        # The first model judges elsewhere, where its threshold is changed.
        first = find(session, digest(PLOT))
        other = judged_plot(session, "FDC_occupancy")[0]
        register_model(session, new_model(PLOT, plots=("FDC_occupancy",)), None)
        activate_model(session, WHO, "FDC_occupancy", first.id)
        set_threshold(session, WHO, "FDC_occupancy", "Bad", 0.3)
        set_threshold(session, WHO, "FDC_occupancy", "Good", 0.9)
    with writing(engine) as session:
        done = roll_back(session, WHO, PLOT)
        assert done.digest == digest(PLOT)
        assert "judges FDC_occupancy too" in done.told[0]
    with writing(engine) as session:
        roll_back(session, WHO, PLOT)
        deactivate_model(session, WHO, "FDC_occupancy")
        assert other == plot_type(session, "FDC_occupancy").id
    with writing(engine) as session:
        set_threshold(session, WHO, PLOT, "Bad", 0.55)
        done = roll_back(session, WHO, PLOT)
        # The first model judged last while its thresholds were 0.3 and 0.9.
        assert done.told == ("its thresholds are as they were when it judged last",)


def test_given_a_rollback_when_thresholds_changed_under_another_plot_then_they_come_back(engine):
    with writing(engine) as session:
        judged_plot(session)
        set_threshold(session, WHO, PLOT, "Bad", 0.8)
        activate_model(session, WHO, PLOT, second(session).id, probation=True)
    with writing(engine) as session:
        first = find(session, digest(PLOT))
        judged_plot(session, "FDC_occupancy")
        register_model(session, new_model(PLOT, plots=("FDC_occupancy",)), None)
        activate_model(session, WHO, "FDC_occupancy", first.id)
        set_threshold(session, WHO, "FDC_occupancy", "Bad", 0.3)
        set_threshold(session, WHO, "FDC_occupancy", "Good", 0.9)
        deactivate_model(session, WHO, "FDC_occupancy")
    with writing(engine) as session:
        done = roll_back(session, WHO, PLOT)
    assert done.told == (
        "threshold of Bad is 0.8 again, as when it judged last; it was 0.3",
        "threshold of Good is 0.4 again, as when it judged last; it was 0.9",
    )
