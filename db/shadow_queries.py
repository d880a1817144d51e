"""Giving plots a shadow model, ending it, and what shadows said."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, PlotType
from db.catalogue_queries import plot_type
from db.models import ActiveModel, Model, ModelPlotType, ModelThreshold
from db.shadows import ShadowTerm, ShadowVerdict
from pipeline.errors import CommandError

RIGHT: Final = "set-model"
"""A shadow is chosen by who may choose the model that judges."""
AT_ONCE: Final = 500
"""Rows asked for in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRow:
    """The shadow of a plot, with its own thresholds."""

    term_id: int
    model_id: int
    digest: str
    input_shape: tuple[int, int, int]
    preprocessing: str
    labels: tuple[str, ...]
    thresholds: Mapping[str, float]
    begun_at: float
    """Seconds since the epoch."""


def shadows_in_force(session: Session) -> dict[int, ShadowRow]:
    """Give the shadows that see images now, by plot type."""
    newest = select(func.max(ShadowTerm.id)).group_by(ShadowTerm.plot_type_id)
    rows = session.execute(
        select(ShadowTerm, Model)
        .join(Model, ShadowTerm.model_id == Model.id)
        .where(ShadowTerm.id.in_(newest))
    ).all()
    if not rows:
        return {}
    thresholds: dict[int, dict[str, float]] = {}
    found = session.execute(
        select(ModelThreshold.model_id, Classification.name, ModelThreshold.threshold)
        .join(Classification, ModelThreshold.classification_id == Classification.id)
        .where(ModelThreshold.model_id.in_([model.id for _, model in rows]))
    )
    for key, label, threshold in found:
        thresholds.setdefault(key, {})[label] = threshold
    return {term.plot_type_id: _row(term, model, thresholds) for term, model in rows}


def shadow_model(session: Session, plot_type_id: int) -> Model | None:
    """Give the model that is a plot's shadow now; None without one."""
    term = _newest(session, plot_type_id)
    if term is None or term.model_id is None:
        return None
    return session.get_one(Model, term.model_id)


def set_shadow(session: Session, who: Actor, plot: str, model: Model) -> None:
    """Let a model see every image of a plot beside the one that judges.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        model: Registered, and signed at least as trained.

    Raises:
        CommandError: The plot has no model, or the shadow does not fit it; says
            what to do.
    """
    target = plot_type(session, plot)
    active = session.get(ActiveModel, target.id)
    if active is None:
        raise CommandError(
            f"plot {plot} has no model to compare a shadow with; first let one judge it with"
            f" 'hydra-ioc plots model {plot} DIGEST'"
        )
    judge = session.get_one(Model, active.model_id)
    check_shadow(session, target, judge, model)
    if shadow_model(session, target.id) is model:
        raise CommandError(f"model {model.digest[:12]} is the shadow of {plot} already")
    _begin(session, who, target, model)


def end_shadow(session: Session, who: Actor, plot: str) -> str:
    """Leave a plot without a shadow; what it said stays on record.

    Returns:
        Digest of the model that was the shadow.

    Raises:
        CommandError: There is no such plot, or it has none.
    """
    target = plot_type(session, plot)
    before = shadow_model(session, target.id)
    if before is None:
        raise CommandError(
            f"plot {plot} has no shadow; 'hydra-ioc models shadow {plot} DIGEST' gives one"
        )
    _begin(session, who, target, None)
    return before.digest


def misfit(judge: Model, shadow: Model) -> str:
    """Say why a model cannot be compared with the one that judges; empty if it can."""
    if "regression" in (judge.kind, shadow.kind):
        return "a model that gives a number cannot be compared by its labels"
    pairs = (
        ("input shape", tuple(judge.input_shape), tuple(shadow.input_shape)),
        ("preprocessing", judge.preprocessing, shadow.preprocessing),
        ("labels", sorted(judge.labels), sorted(shadow.labels)),
    )
    for what, wanted, found in pairs:
        if wanted != found:
            return (
                f"expected {what} {wanted} of the model that judges, {judge.digest[:12]};"
                f" the shadow {shadow.digest[:12]} has {found}"
            )
    return ""


def check_shadow(session: Session, target: PlotType, judge: Model, shadow: Model) -> None:
    """Refuse a shadow that cannot be compared with the model that judges.

    Raises:
        CommandError: Says what was expected, what came and what to do.
    """
    name = shadow.digest[:12]
    if shadow.id == judge.id:
        raise CommandError(
            f"model {name} judges plot {target.name} itself; a shadow is another model"
        )
    if session.get(ModelPlotType, (shadow.id, target.id)) is None:
        raise CommandError(
            f"model {name} was not trained for plot {target.name}; choose one of"
            f" 'hydra-ioc train {target.name}'"
        )
    if not shadow.trained_by:
        raise CommandError(
            f"model {name} is not signed as trained; 'hydra-ioc models sign {name} trained' does"
        )
    if why := misfit(judge, shadow):
        raise CommandError(f"{why}; train a shadow that fits with 'hydra-ioc train {target.name}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShadowVerdict:
    """What a shadow said of an image that is being recorded."""

    plot_type_id: int
    term_id: int
    active_model_id: int
    active_label: str
    label: str
    confidence: float
    confirmed: bool
    output: Mapping[str, float]
    thresholds: Mapping[str, float]
    error: str = ""
    digest: str = ""
    """Of the shadow; the term tells it on record."""


def note_shadows(
    session: Session, said: Mapping[int, NewShadowVerdict]
) -> dict[int, tuple[int, int]]:
    """Put what shadows said on record, with how often they disagreed so far.

    Args:
        session: A session of a transaction that writes.
        said: By row of the history, in the order of the images.

    Returns:
        How many images were compared, and in how many the labels differed, by row.
    """
    tallies: dict[int, tuple[int, int]] = {}
    for key, one in said.items():
        compared, disagreed = _tally(session, one)
        if one.label and one.active_label:
            compared += 1
            disagreed += one.label != one.active_label
        session.add(
            ShadowVerdict(
                run_history_id=key,
                plot_type_id=one.plot_type_id,
                term_id=one.term_id,
                active_model_id=one.active_model_id,
                active_label=one.active_label,
                label=one.label,
                confidence=one.confidence,
                confirmed=one.confirmed,
                output=dict(one.output),
                thresholds=dict(one.thresholds),
                error=one.error,
                compared=compared,
                disagreed=disagreed,
            )
        )
        session.flush()
        tallies[key] = compared, disagreed
    return tallies


def shadow_verdicts(session: Session, history: Sequence[int]) -> dict[int, ShadowVerdict]:
    """Give what shadows said of images, by row of the history."""
    found: dict[int, ShadowVerdict] = {}
    for begin in range(0, len(history), AT_ONCE):
        part = history[begin : begin + AT_ONCE]
        rows = session.scalars(select(ShadowVerdict).where(ShadowVerdict.run_history_id.in_(part)))
        found |= {row.run_history_id: row for row in rows}
    return found


def shadow_digests(session: Session, terms: Iterable[int]) -> dict[int, str]:
    """Give the digests of the shadows of terms."""
    rows = session.execute(
        select(ShadowTerm.id, Model.digest)
        .join(Model, ShadowTerm.model_id == Model.id)
        .where(ShadowTerm.id.in_(list(terms)))
    )
    return dict(rows.all())


def _tally(session: Session, one: NewShadowVerdict) -> tuple[int, int]:
    before = session.scalars(
        select(ShadowVerdict)
        .where(ShadowVerdict.plot_type_id == one.plot_type_id)
        .order_by(ShadowVerdict.run_history_id.desc())
        .limit(1)
    ).first()
    mine = one.term_id, one.active_model_id
    if before is None or (before.term_id, before.active_model_id) != mine:
        return 0, 0
    return before.compared, before.disagreed


def _newest(session: Session, plot_type_id: int) -> ShadowTerm | None:
    return session.scalars(
        select(ShadowTerm)
        .where(ShadowTerm.plot_type_id == plot_type_id)
        .order_by(ShadowTerm.id.desc())
        .limit(1)
    ).first()


def _begin(session: Session, who: Actor, target: PlotType, model: Model | None) -> None:
    before = shadow_model(session, target.id)
    session.add(
        ShadowTerm(
            begun_at=time.time(),
            plot_type_id=target.id,
            model_id=model.id if model is not None else None,
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    audit(
        session,
        who,
        "set-shadow",
        target.name,
        old=before.digest if before is not None else None,
        new=model.digest if model is not None else None,
    )
    session.flush()


def _row(term: ShadowTerm, model: Model, thresholds: Mapping[int, dict[str, float]]) -> ShadowRow:
    height, width, channels = model.input_shape
    return ShadowRow(
        term_id=term.id,
        model_id=model.id,
        digest=model.digest,
        input_shape=(height, width, channels),
        preprocessing=model.preprocessing,
        labels=tuple(model.labels),
        thresholds=thresholds.get(model.id, {}),
        begun_at=term.begun_at,
    )
