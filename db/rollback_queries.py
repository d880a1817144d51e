"""Going back to the model before, with its thresholds as they were then."""

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, PlotType
from db.catalogue_queries import plot_type
from db.model_queries import activate_model
from db.models import ActiveModel, Model, ModelActivation, ModelThreshold, ThresholdHistory
from pipeline.errors import CommandError

METHOD: Final = "rollback"
"""Of thresholds that were brought back."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """What going back did."""

    digest: str
    """Of the model that judges now."""
    told: tuple[str, ...]
    """In words: thresholds that changed or stayed, companions that ended."""


def roll_back(session: Session, who: Actor, plot: str, *, end_companions: bool = False) -> Rollback:
    """Let the model judge that judged before the present one, as it did then.

    Its thresholds become those in force when it judged the plot last; but where it
    judges another plot now, they stay: they belong to the model, and would change
    under that plot.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        end_companions: End references and a shadow that do not suit it.

    Raises:
        CommandError: There was no other model, or it cannot judge now.
    """
    target = plot_type(session, plot)
    active = session.get(ActiveModel, target.id)
    present = active.model_id if active is not None else None
    rows = session.scalars(
        select(ModelActivation)
        .where(ModelActivation.plot_type_id == target.id)
        .order_by(ModelActivation.id.desc())
    ).all()
    for index, term in enumerate(rows):
        if term.model_id is None or term.model_id == present:
            continue
        model = session.get_one(Model, term.model_id)
        ended = activate_model(
            session,
            who,
            plot,
            model.id,
            probation=term.probation,
            end_companions=end_companions,
        )
        # The newest term has no follower where the plot was left without a model by hand.
        until = rows[index - 1].activated_at if index else time.time()
        return Rollback(model.digest, (*ended, *_bring_back(session, who, target, model, until)))
    raise CommandError(f"plot {plot} was never judged by another model")


def _bring_back(
    session: Session, who: Actor, target: PlotType, model: Model, until: float
) -> list[str]:
    rows = session.execute(
        select(ModelThreshold, Classification.name)
        .join(Classification, ModelThreshold.classification_id == Classification.id)
        .where(ModelThreshold.model_id == model.id)
        .order_by(Classification.name)
    ).all()
    changes = []
    for row, label in rows:
        then = _in_force(session, row, until)
        if then != row.threshold:
            changes.append((row, label, then))
    if not changes:
        return ["its thresholds are as they were when it judged last"]
    others = session.scalars(
        select(PlotType.name)
        .join(ActiveModel, ActiveModel.plot_type_id == PlotType.id)
        .where(ActiveModel.model_id == model.id, PlotType.id != target.id)
        .order_by(PlotType.name)
    ).all()
    if others:
        names = ", ".join(others)
        return [
            f"threshold of {label} stays {row.threshold:g}, was {then:g} then:"
            f" the model judges {names} too"
            for row, label, then in changes
        ]
    return [
        _set(session, who, row, plot=target.name, label=label, then=then)
        for row, label, then in changes
    ]


def _in_force(session: Session, row: ModelThreshold, until: float) -> float:
    """Give the threshold at a time, seconds since the epoch."""
    mine = select(ThresholdHistory).where(
        ThresholdHistory.model_id == row.model_id,
        ThresholdHistory.classification_id == row.classification_id,
    )
    before = session.scalars(
        mine.where(ThresholdHistory.changed_at < until)
        .order_by(ThresholdHistory.id.desc())
        .limit(1)
    ).first()
    if before is not None:
        return before.new
    after = session.scalars(
        mine.where(ThresholdHistory.changed_at >= until).order_by(ThresholdHistory.id).limit(1)
    ).first()
    if after is not None and after.old is not None:
        return after.old
    return row.threshold


def _set(
    session: Session, who: Actor, row: ModelThreshold, *, plot: str, label: str, then: float
) -> str:
    old = row.threshold
    row.threshold = then
    row.method = METHOD
    session.add(
        ThresholdHistory(
            changed_at=time.time(),
            model_id=row.model_id,
            classification_id=row.classification_id,
            old=old,
            new=then,
            method=METHOD,
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    audit(session, who, "set-threshold", f"{plot} {label}", old=old, new=then)
    session.flush()
    return f"threshold of {label} is {then:g} again, as when it judged last; it was {old:g}"
