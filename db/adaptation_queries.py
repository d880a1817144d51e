"""Adapting references: images that may come in, proposals, and what experts decided."""

import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.adaptations import ReferenceDecision, ReferenceProposal
from db.audit_queries import Actor, audit
from db.catalogue import Classification, Plot, PlotType
from db.catalogue_queries import plot_type
from db.labels import PlotLabel
from db.reference_queries import (
    RIGHT,
    NewReferences,
    ReferenceRow,
    add_references,
    references,
)
from db.references import ReferenceImage, ReferenceSet
from db.run_types import RunType
from pipeline.errors import CommandError

GOOD = "Good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The references of a plot in force, and those that people chose."""

    row: ReferenceRow
    images: Mapping[str, int]
    """Run by SHA-256, -1 where unknown."""
    original: ReferenceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An image that people called Good."""

    sha256: str
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Some references to be replaced."""

    proposal_id: int
    plot: str
    base_version: int
    original_version: int
    candidates: int
    unlike: int
    drift: float
    taken: Mapping[str, int]
    """Run by SHA-256."""
    dropped: tuple[str, ...]
    made_at: float
    user: str
    state: str
    """open, accepted, refused, or void where other references are in force by now."""
    decided_by: str = ""
    version: int | None = None
    """That came of it."""


def base_of(session: Session, plot: str) -> Base:
    """Give what the references of a plot are adapted from.

    Raises:
        CommandError: There is no such plot, or it has no references in force.
    """
    rows = references(session, plot)
    row = next((one for one in rows if one.active), None)
    if row is None:
        raise CommandError(f"plot {plot} has no references; 'hydra-ioc references add' gives some")
    original = next((one for one in rows if one.version == row.original_version), row)
    images = session.execute(
        select(ReferenceImage.sha256, ReferenceImage.run).where(
            ReferenceImage.reference_set_id == row.set_id
        )
    )
    return Base(row=row, images=dict(images.all()), original=original)


def accepted_images(session: Session, base: Base) -> tuple[str, tuple[Accepted, ...]]:
    """Give the images of a plot that people called Good in the present run period.

    Simulated images, references of now, and images of another run type than that of the
    references are left out; so are those whose label was superseded.

    Args:
        session: A session that may read.
        base: From ``base_of``.

    Returns:
        The period, that of the newest kept image, and the images, the newest first.
    """
    target = plot_type(session, base.row.plot)
    newest = (
        select(Plot.period)
        .where(Plot.plot_type_id == target.id, Plot.simulated.is_(False))
        .order_by(Plot.image_time.desc(), Plot.id.desc())
        .limit(1)
    )
    period = session.scalar(newest) or ""
    rows = session.execute(
        select(Plot.sha256, Plot.run, Plot.image_time)
        .join(PlotLabel, PlotLabel.plot_id == Plot.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(
            Plot.plot_type_id == target.id,
            Plot.period == period,
            Plot.simulated.is_(False),
            PlotLabel.superseded_by.is_(None),
            Classification.name == GOOD,
        )
        .order_by(Plot.image_time.desc(), Plot.id.desc())
    ).all()
    wanted, kinds = base.row.run_type, _Kinds(session)
    found = {
        row.sha256: Accepted(sha256=row.sha256, run=row.run)
        for row in rows
        if row.sha256 not in base.images
        and (not wanted or kinds.at(row.image_time) in ("", wanted))
    }
    return period, tuple(found.values())


def add_proposal(
    session: Session,
    who: Actor,
    base: Base,
    *,
    candidates: int,
    unlike: int,
    drift: float,
    taken: Mapping[str, int],
    dropped: tuple[str, ...],
) -> int:
    """Put a proposal on record, to be decided by an expert.

    Returns:
        Its id.

    Raises:
        CommandError: Another one of the plot is open.
    """
    for one in proposals(session, base.row.plot):
        if one.state == "open":
            raise CommandError(
                f"proposal {one.proposal_id} of plot {one.plot} is open;"
                f" 'hydra-ioc references accept {one.proposal_id}' or 'refuse {one.proposal_id}'"
            )
    row = ReferenceProposal(
        plot_type_id=plot_type(session, base.row.plot).id,
        base_id=base.row.set_id,
        original_id=base.original.set_id,
        candidates=candidates,
        unlike=unlike,
        drift=drift,
        taken=dict(taken),
        dropped=list(dropped),
        made_at=time.time(),
        user_name=who.user[:100],
        host=who.host[:500],
        why=who.why,
    )
    session.add(row)
    session.flush()
    new = {"proposal": row.id, "drift": drift, "taken": len(taken), "dropped": len(dropped)}
    audit(session, who, "propose-references", base.row.plot, new=new)
    return row.id


def proposals(session: Session, plot: str | None = None) -> tuple[Proposal, ...]:
    """List the proposals of all plots, or of one, the oldest first.

    Raises:
        CommandError: There is no such plot.
    """
    statement = (
        select(ReferenceProposal, ReferenceDecision, PlotType.name)
        .join(PlotType, ReferenceProposal.plot_type_id == PlotType.id)
        .outerjoin(ReferenceDecision, ReferenceDecision.proposal_id == ReferenceProposal.id)
        .order_by(ReferenceProposal.id)
    )
    if plot is not None:
        statement = statement.where(PlotType.id == plot_type(session, plot).id)
    sets = {row.id: row for row in session.scalars(select(ReferenceSet))}
    return tuple(_proposal(*found, sets) for found in session.execute(statement))


def open_proposals(session: Session) -> dict[str, int]:
    """Give the id of the proposal that waits for an expert, by plot."""
    return {one.plot: one.proposal_id for one in proposals(session) if one.state == "open"}


def find_proposal(session: Session, proposal_id: int) -> Proposal:
    """Give a proposal that can be decided.

    Raises:
        CommandError: There is none, or it is decided or void.
    """
    found = next((one for one in proposals(session) if one.proposal_id == proposal_id), None)
    if found is None:
        raise CommandError(f"there is no proposal {proposal_id}; 'hydra-ioc references proposals'")
    if found.state != "open":
        raise CommandError(
            f"proposal {proposal_id} of plot {found.plot} is {found.state}; make another one with"
            f" 'hydra-ioc references adapt {found.plot}'"
        )
    return found


def images_after(session: Session, proposal: Proposal) -> dict[str, int]:
    """Give the images that the references would be, run by SHA-256."""
    base = base_of(session, proposal.plot)
    kept = {key: run for key, run in base.images.items() if key not in proposal.dropped}
    return kept | dict(proposal.taken)


def accept_proposal(session: Session, who: Actor, proposal_id: int, new: NewReferences) -> int:
    """Take adapted references into force, in one transaction with the decision.

    Args:
        session: A session of a transaction that writes.
        who: The expert, from where and why.
        proposal_id: An open proposal.
        new: What was made of its images.

    Returns:
        The new version.

    Raises:
        CommandError: It cannot be decided any more, or was made of other images.
    """
    found = find_proposal(session, proposal_id)
    if dict(new.images) != images_after(session, found):
        raise CommandError(f"proposal {proposal_id} changed meanwhile; try again")
    version = add_references(session, who, found.plot, new)
    key = base_of(session, found.plot).row.set_id
    _decide(session, who, found, key)
    return version


def refuse_proposal(session: Session, who: Actor, proposal_id: int) -> Proposal:
    """Leave the references as they are.

    Raises:
        CommandError: It cannot be decided any more.
    """
    found = find_proposal(session, proposal_id)
    _decide(session, who, found, None)
    return found


def _decide(session: Session, who: Actor, proposal: Proposal, set_id: int | None) -> None:
    session.add(
        ReferenceDecision(
            proposal_id=proposal.proposal_id,
            accepted=set_id is not None,
            reference_set_id=set_id,
            decided_at=time.time(),
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    session.flush()
    new = {"proposal": proposal.proposal_id, "accepted": set_id is not None}
    audit(session, who, RIGHT, proposal.plot, new=new)


def _proposal(
    row: ReferenceProposal,
    decision: ReferenceDecision | None,
    plot: str,
    sets: Mapping[int, ReferenceSet],
) -> Proposal:
    if decision is None:
        state = "open" if sets[row.base_id].active else "void"
    else:
        state = "accepted" if decision.accepted else "refused"
    result = decision.reference_set_id if decision is not None else None
    return Proposal(
        proposal_id=row.id,
        plot=plot,
        base_version=sets[row.base_id].version,
        original_version=sets[row.original_id].version,
        candidates=row.candidates,
        unlike=row.unlike,
        drift=row.drift,
        taken=dict(row.taken),
        dropped=tuple(row.dropped),
        made_at=row.made_at,
        user=row.user_name,
        state=state,
        decided_by=decision.user_name if decision is not None else "",
        version=sets[result].version if result is not None else None,
    )


class _Kinds:
    """Which run type held when, as far as anybody said."""

    def __init__(self, session: Session) -> None:
        rows = session.scalars(select(RunType).order_by(RunType.set_at, RunType.id)).all()
        self._times = [row.set_at for row in rows]
        self._kinds = [row.run_type for row in rows]

    def at(self, time_s: float) -> str:
        """Give the run type at a time; empty where nobody had said."""
        place = bisect_right(self._times, time_s)
        return self._kinds[place - 1] if place else ""
