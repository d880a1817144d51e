"""Alarm limits of a regression model's number, as people set them over those of its card."""

import math
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue_queries import plot_type
from db.models import ActiveModel, Model
from db.performance import PlotLimits
from pipeline.errors import CommandError

LIMITS: Final = ("lolo", "low", "high", "hihi")
"""From the lowest to the highest."""


def limits_of_all(session: Session) -> dict[tuple[int, int], dict[str, float | None]]:
    """Read the limits that people set, by plot type and model."""
    return {
        (row.plot_type_id, row.model_id): {name: getattr(row, name) for name in LIMITS}
        for row in session.scalars(select(PlotLimits))
    }


def set_limit(
    session: Session, actor: Actor, plot: str, limit: str, value: float
) -> tuple[float | None, float]:
    """Change an alarm limit of the regression model that judges a plot.

    Args:
        session: A session of a transaction that writes.
        actor: Who, from where and why.
        plot: Name of the plot type.
        limit: One of ``LIMITS``.
        value: Finite, in the unit of the model.

    Returns:
        The limit before and now.

    Raises:
        CommandError: The plot is not judged by a regression model, there is no such
            limit, or the limits would not be in order.
    """
    target = plot_type(session, plot)
    if limit not in LIMITS:
        raise CommandError(f"expected a limit of {', '.join(LIMITS)}, received {limit!r:.40}")
    if not math.isfinite(value):
        raise CommandError(f"expected a finite limit, received {value}")
    model = session.scalars(
        select(Model)
        .join(ActiveModel, ActiveModel.model_id == Model.id)
        .where(ActiveModel.plot_type_id == target.id)
    ).first()
    if model is None or not model.quantity:
        raise CommandError(f"plot {plot} has no regression model, so there are no limits")
    row = session.get(PlotLimits, (target.id, model.id))
    if row is None:
        card = model.quantity.get("limits") or {}
        row = PlotLimits(
            plot_type_id=target.id,
            model_id=model.id,
            **{name: card.get(name) for name in LIMITS},
        )
        session.add(row)
    old = getattr(row, limit)
    setattr(row, limit, value)
    given = [one for name in LIMITS if (one := getattr(row, name)) is not None]
    if given != sorted(given):
        raise CommandError(
            f"expected LOLO <= LOW <= HIGH <= HIHI, received {', '.join(f'{g:g}' for g in given)}"
        )
    session.flush()
    audit(session, actor, "set-limit", f"{plot} {limit}", old=old, new=value)
    return old, value
