"""Tables that only grow: our own sessions refuse to change or delete their rows."""

from typing import Final

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from db.adaptations import ReferenceDecision, ReferenceProposal
from db.audit import AuditLog
from db.data_sets import DataSet, DataSetItem, TrainingDataSet
from db.emulations import EmulatedImage, EmulationRun
from db.labels import LabelHistory
from db.masks import InferenceMask, MaskHistory
from db.models import ModelActivation, ThresholdHistory
from db.novelties import EmbeddingSpace, Novelty
from db.operation import RunHistory
from db.references import ReferenceHistory, ReferenceImage
from db.run_types import RunType
from db.shadows import ShadowTerm, ShadowVerdict
from db.signoffs import ModelSignoff
from db.trainings import PlotValue, Training
from pipeline.errors import StoreError

APPEND_ONLY: Final = (
    AuditLog,
    DataSet,
    DataSetItem,
    TrainingDataSet,
    LabelHistory,
    ModelActivation,
    RunHistory,
    ThresholdHistory,
    EmulatedImage,
    EmulationRun,
    InferenceMask,
    MaskHistory,
    ModelSignoff,
    PlotValue,
    Training,
    ReferenceHistory,
    ReferenceImage,
    Novelty,
    EmbeddingSpace,
    ShadowTerm,
    ShadowVerdict,
    ReferenceDecision,
    ReferenceProposal,
    RunType,
)


def guard(session: Session) -> None:
    """Let a session only insert into the tables that only grow.

    Args:
        session: A new session. What it is asked to do against the rule raises
            StoreError, and its transaction is taken back.
    """
    event.listen(session, "before_flush", _check_objects)
    event.listen(session, "do_orm_execute", _check_statement)


def _check_objects(session: Session, _context: object, _instances: object) -> None:
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in [*changed, *session.deleted]:
        if isinstance(row, APPEND_ONLY):
            raise StoreError(f"rows of {row.__tablename__} are never changed nor deleted")


def _check_statement(state: ORMExecuteState) -> None:
    mapper = state.bind_mapper
    if (state.is_update or state.is_delete) and mapper and mapper.class_ in APPEND_ONLY:
        raise StoreError(f"rows of {mapper.class_.__tablename__} are never changed nor deleted")
