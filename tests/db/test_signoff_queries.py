"""Sign-offs in their order, and the way back."""

import pytest

from db.engine import reading, writing
from db.model_queries import activate_model, register_model
from db.rollback_queries import roll_back
from db.signoff_queries import find, sign, signatures, terms
from db.signoffs import STEPS
from pipeline.errors import CommandError, StoreError
from tests.db.samples import WHO, digest, judged_plot, new_model


def unsigned(engine, name="second"):
    with writing(engine) as session:
        judged_plot(session)
        return register_model(session, new_model(name, plots=("CDC_occupancy",)), None)


def test_given_an_unsigned_model_when_signed_in_order_then_it_may_judge(engine):
    key = unsigned(engine)
    following = []
    for step in STEPS:
        with writing(engine) as session:
            following.append(sign(session, WHO, digest("second"), step))
    assert following == [*STEPS[1:], None]
    with writing(engine) as session:
        activate_model(session, WHO, "CDC_occupancy", key)
        found = signatures(session, find(session, digest("second")))
    assert [one.step for one in found] == list(STEPS)
    assert {one.user for one in found} == {"ann"}
    assert [one.at for one in found] == sorted(one.at for one in found)


@pytest.mark.parametrize("step", STEPS[1:])
def test_given_a_step_out_of_order_when_signed_then_it_is_refused_with_the_command(engine, step):
    unsigned(engine)
    with pytest.raises(CommandError, match="trained comes first"), writing(engine) as session:
        sign(session, WHO, digest("second"), step)


def test_given_a_step_that_is_signed_when_signed_again_then_it_is_refused(engine):
    unsigned(engine)
    with writing(engine) as session:
        sign(session, WHO, digest("second"), "trained")
    with pytest.raises(CommandError, match="signed already"), writing(engine) as session:
        sign(session, WHO, digest("second"), "trained")


def test_given_a_model_without_all_signatures_when_activated_then_it_is_refused(engine):
    key = unsigned(engine)
    with writing(engine) as session:
        sign(session, WHO, digest("second"), "trained")
    with pytest.raises(CommandError, match="lacks a sign-off"), writing(engine) as session:
        activate_model(session, WHO, "CDC_occupancy", key)


def test_given_a_signature_when_changed_then_the_record_refuses(engine):
    unsigned(engine)
    from db.signoffs import ModelSignoff

    with pytest.raises(StoreError, match="never changed"), writing(engine) as session:
        sign(session, WHO, digest("second"), "trained")
        row = session.query(ModelSignoff).first()
        row.user_name = "mallory"
        session.flush()


def test_given_a_second_model_when_rolled_back_then_the_first_judges_again(engine):
    key = unsigned(engine)
    with writing(engine) as session:
        activate_model(session, WHO, "CDC_occupancy", key, probation=True)
    with writing(engine) as session:
        assert roll_back(session, WHO, "CDC_occupancy").digest == digest("CDC_occupancy")
    with reading(engine) as session:
        found = terms(session, "CDC_occupancy")
    assert [one.digest for one in found] == [
        digest("CDC_occupancy"),
        digest("second"),
        digest("CDC_occupancy"),
    ]
    assert [one.probation for one in found] == [False, True, False]


def test_given_only_one_model_ever_when_rolled_back_then_it_is_refused(engine):
    with writing(engine) as session:
        judged_plot(session)
    with pytest.raises(CommandError, match="never judged by another"), writing(engine) as session:
        roll_back(session, WHO, "CDC_occupancy")


@pytest.mark.parametrize("text", ["12", "nonsense!", "abcdefab"])
def test_given_no_such_model_when_found_then_it_is_told(engine, text):
    with pytest.raises(CommandError, match="expected"), reading(engine) as session:
        find(session, text)
