"""Every state of a model names the command that comes next."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, update

from db.audit_queries import Actor
from db.engine import make_engine, reading, writing
from db.models import ActiveModel, Model, ModelPlotType, TrainingReport
from db.signoff_queries import sign, signatures
from db.signoffs import AI, EXPERT, REVIEWED, TRAINED
from hydra_ioc.next_step import next_of
from tests.pipeline.keeper.deployment import build, make_config

PLOT = "CDC_occupancy"
DIGEST = "5" * 64
WHO = Actor("ann", "here", "")


@pytest.fixture
def engine() -> Iterator[Engine]:
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    config = make_config(folder)
    build(config, [PLOT])
    made = make_engine(config.database_url())
    with writing(made) as session:
        session.execute(delete(ActiveModel))
        # The model of the fixture is signed, and signatures stay; another one of the same kind.
        old = session.scalars(select(Model)).one()
        fields = {one.key: getattr(old, one.key) for one in Model.__table__.columns}
        unsigned = dict.fromkeys((key for key in fields if key.endswith("_by")), None)
        fresh = Model(**fields | unsigned | {"id": None, "digest": DIGEST})
        session.add(fresh)
        session.flush()
        session.add(ModelPlotType(model_id=fresh.id, plot_type_id=1))
    yield made
    made.dispose()
    shutil.rmtree(folder)


def next_now(engine: Engine) -> str:
    with reading(engine) as session:
        return next_of(session, session.scalars(select(Model).where(Model.digest == DIGEST)).one())


def test_given_a_model_when_it_goes_its_way_then_each_step_names_the_next(engine):
    with writing(engine) as session:
        model = session.scalars(select(Model).where(Model.digest == DIGEST)).one()
        short, key, digest = model.digest[:12], model.id, model.digest
        assert signatures(session, model) == ()
        sign(session, WHO, digest, TRAINED)
    assert next_now(engine).startswith(f"'hydra-ioc models report {short}'")
    with writing(engine) as session:
        session.add(TrainingReport(reported_at=time.time(), model_id=key, title="t", body="r.html"))
    for step in (REVIEWED, AI, EXPERT):
        assert next_now(engine) == f"'hydra-ioc models sign {short} {step}'"
        with writing(engine) as session:
            sign(session, WHO, digest, step)
    assert next_now(engine) == f"'hydra-ioc plots model {PLOT} {short}'"
    with writing(engine) as session:
        session.add(ActiveModel(plot_type_id=1, model_id=key, probation=True))
    assert next_now(engine) == f"'hydra-ioc plots model {PLOT} {short}'"
    with writing(engine) as session:
        session.execute(update(ActiveModel).values(probation=False))
    assert next_now(engine).startswith("nothing")
