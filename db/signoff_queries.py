"""Signing a model off in order, and going back to the model before."""

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue_queries import plot_type
from db.models import Model, ModelActivation
from db.signoffs import AI, EXPERT, REVIEWED, STEPS, TRAINED, ModelSignoff
from pipeline.errors import CommandError

COLUMNS: Final = {
    TRAINED: "trained_by",
    REVIEWED: "report_reviewed_by",
    AI: "ai_signoff_by",
    EXPERT: "expert_signoff_by",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """One step of a model."""

    step: str
    user: str
    at: float
    """Seconds since the epoch."""
    why: str


@dataclass(frozen=True, slots=True)
class Term:
    """A time during which a model judged a plot."""

    since: float
    """Seconds since the epoch."""
    digest: str
    """Empty where the plot had no model."""
    probation: bool
    user: str
    why: str


def find(session: Session, digest: str) -> Model:
    """Give a registered model.

    Args:
        session: A session that may read.
        digest: Whole, or the first 8 or more digits.

    Raises:
        CommandError: None or several fit.
    """
    if len(digest) < 8 or not set(digest) <= set("0123456789abcdef"):
        raise CommandError(f"expected 8 or more hexadecimal digits of a model, received {digest!r}")
    found = session.scalars(select(Model).where(Model.digest.startswith(digest))).all()
    if len(found) != 1:
        raise CommandError(f"expected one registered model {digest}, found {len(found)}")
    return found[0]


def sign(session: Session, who: Actor, digest: str, step: str) -> str | None:
    """Put one's name under a step of a model; every step needs those before it.

    Args:
        session: A session of a transaction that writes.
        who: Who signs, from where and why.
        digest: Of a registered model, its first 8 digits are enough.
        step: One of ``STEPS``.

    Returns:
        The step that is next, None after the last.

    Raises:
        CommandError: Out of order, signed before, or no such model or step.
    """
    if step not in STEPS:
        raise CommandError(f"expected a step of {', '.join(STEPS)}, received {step!r}")
    model = find(session, digest)
    done = [one.step for one in signatures(session, model)]
    if step in done:
        raise CommandError(f"step {step} of model {model.digest[:12]} is signed already")
    place = STEPS.index(step)
    if missing := [one for one in STEPS[:place] if one not in done]:
        raise CommandError(
            f"model {model.digest[:12]} is not ready for {step}: {missing[0]} comes first;"
            f" 'hydra-ioc models sign {model.digest[:12]} {missing[0]}'"
        )
    setattr(model, COLUMNS[step], who.user[:100])
    session.add(
        ModelSignoff(
            model_id=model.id,
            step=step,
            signed_at=time.time(),
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    audit(session, who, "sign-model", model.digest, new=step)
    session.flush()
    return STEPS[place + 1] if place + 1 < len(STEPS) else None


def signatures(session: Session, model: Model) -> tuple[Signature, ...]:
    """Give the signatures of a model in the order of the steps."""
    rows = session.scalars(select(ModelSignoff).where(ModelSignoff.model_id == model.id))
    found = {row.step: Signature(row.step, row.user_name, row.signed_at, row.why) for row in rows}
    return tuple(found[step] for step in STEPS if step in found)


def terms(session: Session, plot: str) -> tuple[Term, ...]:
    """List which model judged a plot from when on, newest first.

    Raises:
        CommandError: There is no such plot.
    """
    target = plot_type(session, plot)
    rows = session.execute(
        select(ModelActivation, Model.digest)
        .outerjoin(Model, ModelActivation.model_id == Model.id)
        .where(ModelActivation.plot_type_id == target.id)
        .order_by(ModelActivation.id.desc())
    )
    return tuple(
        Term(row.activated_at, digest or "", row.probation, row.user_name, row.why)
        for row, digest in rows
    )
