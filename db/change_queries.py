"""Changing what the catalogue says of a plot type, with its audit line."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotGroup, PlotType
from db.catalogue_queries import check_cadence, group_id, plot_type
from db.models import ActiveModel, Model
from db.palette_queries import palette, set_palette
from db.threshold_queries import check_fraction
from pipeline.errors import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New facts of a plot type; None leaves a fact as it is."""

    group: str | None = None
    description: str | None = None
    contact: str | None = None
    guidance: str | None = None
    cadence_s: float | None = None
    collect_fraction: float | None = None
    """Share of images kept at random, 0..1."""
    labels: Sequence[str] | None = None


def change_plot(session: Session, who: Actor, name: str, change: Change) -> None:
    """Change facts of a plot type, all or none.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        name: The plot type.
        change: The new facts; at least one.

    Raises:
        CommandError: There is no such plot, a fact cannot be used, or the plot's
            model gives a label that the new palette does not hold.
    """
    target = plot_type(session, name)
    new = {
        field.name: getattr(change, field.name)
        for field in fields(Change)
        if getattr(change, field.name) is not None
    }
    if not new:
        raise CommandError(f"expected a change of plot {name}, received none")
    old = {fact: _fact(session, target, fact) for fact in new}
    for fact, value in new.items():
        _set(session, target, fact, value)
    session.flush()
    audit(session, who, "set-plots", name, old=old, new=new)


def _fact(session: Session, plot: PlotType, fact: str) -> Any:
    if fact == "group":
        return session.get_one(PlotGroup, plot.group_id).name
    if fact == "labels":
        return list(palette(session, plot.id))
    return getattr(plot, fact)


def _set(session: Session, plot: PlotType, fact: str, value: Any) -> None:
    if fact == "group":
        plot.group_id = group_id(session, value)
    elif fact == "labels":
        _check_model_fits(session, plot, value)
        set_palette(session, plot.id, value)
    elif fact == "cadence_s":
        plot.cadence_s = check_cadence(value)
    elif fact == "collect_fraction":
        plot.collect_fraction = check_fraction(value, "collect fraction")
    else:
        setattr(plot, fact, value)


def _check_model_fits(session: Session, plot: PlotType, labels: Sequence[str]) -> None:
    model = session.scalars(
        select(Model)
        .join(ActiveModel, ActiveModel.model_id == Model.id)
        .where(ActiveModel.plot_type_id == plot.id)
    ).first()
    if model is not None and (lost := [label for label in model.labels if label not in labels]):
        raise CommandError(f"the model of plot {plot.name} gives labels {lost}; keep them")
