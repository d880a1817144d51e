"""Confirmation thresholds: changed with their history and the audit log."""

import math
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue_queries import plot_type
from db.models import ActiveModel, ModelThreshold, ThresholdHistory
from db.palette_queries import label_ids
from pipeline.errors import CommandError


def set_threshold(session: Session, actor: Actor, plot: str, label: str, value: float) -> float:
    """Change a confirmation threshold of the model that judges a plot.

    The threshold, its history and the audit line are one transaction; verdicts
    on record keep the thresholds they were made with.

    Args:
        session: A session of a transaction that writes.
        actor: Who, from where and why.
        plot: Name of the plot type.
        label: A label of its model.
        value: The threshold, 0..1.

    Returns:
        The threshold before.

    Raises:
        CommandError: The value is no fraction, the plot has no model, or the
            model has no such label.
    """
    check_fraction(value)
    target = plot_type(session, plot)
    active = session.get(ActiveModel, target.id)
    if active is None:
        raise CommandError(f"plot {plot} has no model, so its labels have no thresholds")
    key = label_ids(session, [label])[label]
    row = session.scalars(
        select(ModelThreshold).where(
            ModelThreshold.model_id == active.model_id, ModelThreshold.classification_id == key
        )
    ).first()
    if row is None:
        raise CommandError(f"the model of plot {plot} gives no label {label}")
    old = row.threshold
    row.threshold = value
    row.method = actor.user[:100]
    session.add(
        ThresholdHistory(
            changed_at=time.time(),
            model_id=active.model_id,
            classification_id=key,
            old=old,
            new=value,
            method=actor.user[:100],
            user_name=actor.user[:100],
            host=actor.host[:500],
            why=actor.why,
        )
    )
    audit(session, actor, "set-threshold", f"{plot} {label}", old=old, new=value)
    return old


def check_fraction(value: float, what: str = "threshold") -> float:
    """Give a value back, or refuse it when it is not a fraction.

    Args:
        value: The value.
        what: What it is, for the message.

    Raises:
        CommandError: It is not within 0..1, or not a number.
    """
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise CommandError(f"expected a {what} of 0 to 1, received {value}")
    return value
