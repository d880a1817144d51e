"""The model registry: registering, activating, thresholds."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.companion_queries import suit_companions
from db.models import (
    ActiveModel,
    Model,
    ModelActivation,
    ModelPlotType,
    ModelThreshold,
)
from db.palette_queries import label_ids, palette
from db.signoffs import STEPS, ModelSignoff
from db.threshold_queries import check_fraction
from pipeline.errors import CommandError

INITIAL_THRESHOLD = 0.5
"""Threshold of a label that the card gives none for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """A model as its card tells."""

    digest: str
    name: str
    created_at: float
    """Seconds since the epoch."""
    architecture: str
    labels: Sequence[str]
    input_shape: tuple[int, int, int]
    """Height, width and channels, in pixels."""
    preprocessing: str
    thresholds: Mapping[str, float]
    threshold_method: str
    training_set: str
    training_runs: Sequence[int]
    validation_runs: Sequence[int]
    training_counts: Mapping[str, int]
    confusion: Sequence[Sequence[int]]
    loss: float
    epochs: int
    seed: int
    versions: Mapping[str, str]
    parent: str = ""
    """Digest of the model this one continues; empty if none."""
    note: str = ""
    kind: str = "classification"
    quantity: Mapping[str, object] | None = None
    """Of a regression model: name, unit, limits."""
    plots: Sequence[str] = ()
    """Plot types it was trained for; those that are not in the catalogue are left out."""


def register_model(session: Session, new: NewModel, signed_by: str | None) -> int:
    """Put a model into the registry.

    One that is there stays as it is, but for missing signatures and for plot
    types that came into the catalogue after it.

    Args:
        session: A session of a transaction that writes.
        new: The model.
        signed_by: Who vouches for training, report and both sign-offs; None
            registers it unsigned.

    Returns:
        Its id.

    Raises:
        CommandError: A label is unknown or a threshold is no fraction.
    """
    found = session.scalars(select(Model).where(Model.digest == new.digest)).first()
    if found is not None:
        if signed_by is not None:
            _sign(session, found, signed_by)
        _link_plots(session, found.id, new.plots)
        return found.id
    parent = session.scalars(select(Model.id).where(Model.digest == new.parent)).first()
    model = Model(
        digest=new.digest,
        name=new.name,
        created_at=new.created_at,
        registered_at=time.time(),
        architecture=new.architecture,
        labels=list(new.labels),
        input_shape=list(new.input_shape),
        preprocessing=new.preprocessing,
        threshold_method=new.threshold_method,
        training_set=new.training_set,
        training_runs=list(new.training_runs),
        validation_runs=list(new.validation_runs),
        training_counts=dict(new.training_counts),
        confusion=[list(row) for row in new.confusion],
        loss=new.loss,
        epochs=new.epochs,
        seed=new.seed,
        versions=dict(new.versions),
        parent_id=parent,
        note=new.note,
        kind=new.kind,
        quantity=dict(new.quantity) if new.quantity is not None else None,
    )
    session.add(model)
    session.flush()
    if signed_by is not None:
        _sign(session, model, signed_by)
    _link_plots(session, model.id, new.plots)
    _first_thresholds(session, model.id, new)
    return model.id


def activate_model(
    session: Session,
    actor: Actor,
    plot: str,
    model_id: int,
    *,
    probation: bool = False,
    end_companions: bool = False,
) -> tuple[str, ...]:
    """Let a model judge a plot from now on.

    Args:
        session: A session of a transaction that writes.
        actor: Who, from where and why.
        plot: Name of the plot type.
        model_id: A registered model.
        probation: On trial: needs no sign-offs, and never alarms above MINOR.
        end_companions: End references and a shadow that do not suit it, instead
            of refusing it.

    Returns:
        What was ended, in words.

    Raises:
        CommandError: The model was trained for other plots, lacks a sign-off,
            gives labels outside the plot's palette, or does not suit the
            plot's references or shadow.
    """
    target = plot_type(session, plot)
    model = session.get(Model, model_id)
    if model is None:
        raise CommandError(f"there is no model {model_id} in the registry")
    _check_fits(session, target, model, probation=probation)
    ended = suit_companions(session, actor, target, model, end=end_companions)
    active = session.get(ActiveModel, target.id)
    before = session.get(Model, active.model_id) if active is not None else None
    if active is None:
        active = ActiveModel(plot_type_id=target.id)
        session.add(active)
    active.model_id = model.id
    active.probation = probation
    session.add(
        ModelActivation(
            activated_at=time.time(),
            plot_type_id=target.id,
            model_id=model.id,
            probation=probation,
            user_name=actor.user[:100],
            host=actor.host[:500],
            why=actor.why,
        )
    )
    old = before.digest if before is not None else None
    audit(session, actor, "set-model", plot, old=old, new=model.digest)
    return ended


def deactivate_model(session: Session, actor: Actor, plot: str) -> None:
    """Leave a plot without a model: it is shown, but not judged.

    Raises:
        CommandError: There is no such plot, or it has no model.
    """
    target = plot_type(session, plot)
    active = session.get(ActiveModel, target.id)
    if active is None:
        raise CommandError(f"plot {plot} has no model")
    before = session.get_one(Model, active.model_id)
    session.execute(delete(ActiveModel).where(ActiveModel.plot_type_id == target.id))
    session.add(
        ModelActivation(
            activated_at=time.time(),
            plot_type_id=target.id,
            model_id=None,
            user_name=actor.user[:100],
            host=actor.host[:500],
            why=actor.why,
        )
    )
    audit(session, actor, "set-model", plot, old=before.digest, new=None)


def _sign(session: Session, model: Model, name: str) -> None:
    """Sign every step that nobody signed: the release, or a test, vouches for all of it."""
    model.trained_by = model.trained_by or name
    model.report_reviewed_by = model.report_reviewed_by or name
    model.ai_signoff_by = model.ai_signoff_by or name
    model.expert_signoff_by = model.expert_signoff_by or name
    session.flush()
    done = set(session.scalars(select(ModelSignoff.step).where(ModelSignoff.model_id == model.id)))
    session.add_all(
        ModelSignoff(
            model_id=model.id, step=step, signed_at=time.time(), user_name=name[:100], host=""
        )
        for step in STEPS
        if step not in done
    )
    session.flush()


def _link_plots(session: Session, model_id: int, plots: Sequence[str]) -> None:
    # A plot type may have come into the catalogue after the model was registered.
    linked = select(ModelPlotType.plot_type_id).where(ModelPlotType.model_id == model_id)
    missing = session.scalars(
        select(PlotType.id).where(PlotType.name.in_(plots), PlotType.id.not_in(linked))
    ).all()
    session.add_all(ModelPlotType(model_id=model_id, plot_type_id=key) for key in missing)
    session.flush()


def _first_thresholds(session: Session, model_id: int, new: NewModel) -> None:
    if new.kind == "regression":
        return
    ids = label_ids(session, list(new.labels))
    for label in new.labels:
        value = new.thresholds.get(label, INITIAL_THRESHOLD)
        check_fraction(value)
        session.add(
            ModelThreshold(
                model_id=model_id,
                classification_id=ids[label],
                threshold=value,
                method=new.threshold_method if label in new.thresholds else "INIT",
            )
        )
    session.flush()


def _check_fits(session: Session, plot: PlotType, model: Model, *, probation: bool) -> None:
    trained = session.get(ModelPlotType, (model.id, plot.id))
    if trained is None:
        raise CommandError(f"model {model.digest} was not trained for plot {plot.name}")
    signatures = (
        model.trained_by,
        model.report_reviewed_by,
        model.ai_signoff_by,
        model.expert_signoff_by,
    )
    if not probation and not all(signatures):
        missing = [step for step, by in zip(STEPS, signatures, strict=True) if not by]
        raise CommandError(
            f"model {model.digest} lacks a sign-off: {', '.join(missing)}; the next is"
            f" 'hydra-ioc models sign {model.digest[:12]} {missing[0]}'; or take it on probation"
        )
    if model.kind == "regression":
        return
    known = palette(session, plot.id)
    if outside := [label for label in model.labels if label not in known]:
        raise CommandError(
            f"model {model.digest} gives labels {outside} that the palette of plot"
            f" {plot.name} does not hold: {list(known)}"
        )
