"""Adding references to plots, choosing and retiring them; each change with its history."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.models import ActiveModel, Model
from db.references import ReferenceHistory, ReferenceImage, ReferenceSet
from db.threshold_queries import check_fraction
from pipeline.errors import CommandError

RIGHT = "set-references"
MOST = 1000
"""Images in one set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """One version of the references of a plot."""

    set_id: int
    plot: str
    version: int
    run_type: str
    digest: str
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    preprocessing: str
    count: int
    threshold: float
    severity: int
    decides: bool
    active: bool
    made_at: float
    typical: str = ""
    original_version: int = 0
    """Version that it was adapted from, step by step; 0 where people chose the images."""
    drift: float = 0.0
    """From that version, in decades of similarity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReferences:
    """What was made of reference images."""

    digest: str
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    preprocessing: str
    images: Mapping[str, int]
    """Run by hash of the image, -1 where unknown."""
    threshold: float
    run_type: str = ""
    severity: int = 1
    decides: bool = True
    typical: str = ""
    """Hash of the image nearest to the mean of all; empty where it is not known."""
    original_id: int | None = None
    """Set that these were adapted from; None where people chose the images."""
    drift: float | None = None
    """From that set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change of references."""

    changed_at: float
    version: int
    action: str
    threshold: float
    user: str
    host: str
    why: str


def references(session: Session, plot: str | None = None) -> tuple[ReferenceRow, ...]:
    """List the references of all plots, or of one, the oldest version first.

    Raises:
        CommandError: There is no such plot.
    """
    return _rows(session, plot_type(session, plot).id if plot is not None else None)


def references_in_force(session: Session) -> dict[int, ReferenceRow]:
    """Give the references that images are compared with now, by plot type."""
    keys = {row.id: row.plot_type_id for row in session.scalars(_active())}
    return {keys[row.set_id]: row for row in _rows(session, None, active=True)}


def reference_images(session: Session, set_id: int) -> tuple[str, ...]:
    """Give the hashes of the images of a set."""
    statement = (
        select(ReferenceImage.sha256)
        .where(ReferenceImage.reference_set_id == set_id)
        .order_by(ReferenceImage.sha256)
    )
    return tuple(session.scalars(statement))


def reference_history(session: Session, plot: str) -> tuple[ChangeRow, ...]:
    """Give all changes of a plot's references, the oldest first.

    Raises:
        CommandError: There is no such plot.
    """
    statement = (
        select(ReferenceHistory, ReferenceSet.version)
        .join(ReferenceSet, ReferenceHistory.reference_set_id == ReferenceSet.id)
        .where(ReferenceSet.plot_type_id == plot_type(session, plot).id)
        .order_by(ReferenceHistory.id)
    )
    return tuple(
        ChangeRow(
            changed_at=row.changed_at,
            version=version,
            action=row.action,
            threshold=row.threshold,
            user=row.user_name,
            host=row.host,
            why=row.why,
        )
        for row, version in session.execute(statement)
    )


def add_references(session: Session, who: Actor, plot: str, new: NewReferences) -> int:
    """Put a new version of references on a plot and take it into force.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        plot: Name of the plot type.
        new: What was made of the images.

    Returns:
        Its version.

    Raises:
        CommandError: Something cannot be used; says what was expected.
    """
    target = plot_type(session, plot)
    check_fraction(new.threshold)
    if not 1 <= len(new.images) <= MOST:
        raise CommandError(f"expected 1 to {MOST} references, received {len(new.images)}")
    if len(new.run_type) > 100 or not (new.run_type.isprintable() or not new.run_type):
        raise CommandError("expected a run type of at most 100 printable characters")
    _check_input(session, target, new.input_shape, new.preprocessing)
    latest = session.scalar(
        select(func.max(ReferenceSet.version)).where(ReferenceSet.plot_type_id == target.id)
    )
    row = ReferenceSet(
        plot_type_id=target.id,
        version=(latest or 0) + 1,
        run_type=new.run_type,
        digest=new.digest,
        labels=list(new.labels),
        input_shape=list(new.input_shape),
        preprocessing=new.preprocessing,
        threshold=new.threshold,
        severity=new.severity,
        decides=new.decides,
        active=False,
        made_at=time.time(),
        typical=new.typical or None,
        original_id=new.original_id,
        drift=new.drift,
    )
    session.add(row)
    session.flush()
    session.add_all(
        ReferenceImage(reference_set_id=row.id, sha256=key, run=run)
        for key, run in new.images.items()
    )
    _take_into_force(session, target, row)
    _record(session, who, plot, row, "add")
    return row.version


def use_references(session: Session, who: Actor, plot: str, version: int) -> None:
    """Compare the images of a plot with another version, such as for another run type.

    Raises:
        CommandError: There is no such version, or it does not fit the model.
    """
    target, row = _find(session, plot, version)
    _check_input(session, target, tuple(row.input_shape), row.preprocessing)
    _take_into_force(session, target, row)
    _record(session, who, plot, row, "use")


def retire_references(session: Session, who: Actor, plot: str) -> int:
    """Compare the images of a plot with nothing from now on.

    Returns:
        The version that was in force.

    Raises:
        CommandError: None was.
    """
    row = _in_force(session, plot)
    row.active = False
    session.flush()
    _record(session, who, plot, row, "retire")
    return row.version


def set_similarity_threshold(session: Session, who: Actor, plot: str, value: float) -> float:
    """Change below which similarity an image is unlike the references.

    Returns:
        The threshold before.

    Raises:
        CommandError: The value is no fraction, or the plot has no references.
    """
    check_fraction(value)
    row = _in_force(session, plot)
    old = row.threshold
    row.threshold = value
    session.flush()
    _record(session, who, plot, row, "threshold")
    audit(session, who, "set-threshold", f"{plot} Similarity", old=old, new=value)
    return old


_VERSIONS = select(ReferenceSet.id, ReferenceSet.version)


def _active() -> Select[ReferenceSet]:
    return select(ReferenceSet).where(ReferenceSet.active)


def _rows(
    session: Session, plot_type_id: int | None, *, active: bool = False
) -> tuple[ReferenceRow, ...]:
    counts = (
        select(ReferenceImage.reference_set_id, func.count().label("images"))
        .group_by(ReferenceImage.reference_set_id)
        .subquery()
    )
    statement = (
        select(ReferenceSet, PlotType.name, counts.c.images)
        .join(PlotType, ReferenceSet.plot_type_id == PlotType.id)
        .join(counts, counts.c.reference_set_id == ReferenceSet.id)
        .order_by(PlotType.name, ReferenceSet.version)
    )
    if plot_type_id is not None:
        statement = statement.where(ReferenceSet.plot_type_id == plot_type_id)
    if active:
        statement = statement.where(ReferenceSet.active)
    versions = dict(session.execute(_VERSIONS).all())
    found = session.execute(statement)
    return tuple(_row(row, plot, count, versions) for row, plot, count in found)


def _row(row: ReferenceSet, plot: str, count: int, versions: Mapping[int, int]) -> ReferenceRow:
    height, width, channels = row.input_shape
    return ReferenceRow(
        set_id=row.id,
        plot=plot,
        version=row.version,
        run_type=row.run_type,
        digest=row.digest,
        labels=tuple(row.labels),
        input_shape=(height, width, channels),
        preprocessing=row.preprocessing,
        count=count,
        threshold=row.threshold,
        severity=row.severity,
        decides=row.decides,
        active=row.active,
        made_at=row.made_at,
        typical=row.typical or "",
        original_version=versions[row.original_id] if row.original_id is not None else 0,
        drift=row.drift or 0.0,
    )


def _check_input(
    session: Session, target: PlotType, shape: tuple[int, ...], preprocessing: str
) -> None:
    """Refuse references whose input is not the model's: both see the same tensor."""
    active = session.get(ActiveModel, target.id)
    model = session.get(Model, active.model_id) if active is not None else None
    if model is None:
        return
    wanted = tuple(model.input_shape), model.preprocessing
    if (tuple(shape), preprocessing) != wanted:
        raise CommandError(
            f"expected the input of the model of {target.name}, {wanted[0]} {wanted[1]};"
            f" the references have {tuple(shape)} {preprocessing}"
        )


def _take_into_force(session: Session, target: PlotType, row: ReferenceSet) -> None:
    for other in session.scalars(_active().where(ReferenceSet.plot_type_id == target.id)):
        other.active = False
    row.active = True
    session.flush()


def _find(session: Session, plot: str, version: int) -> tuple[PlotType, ReferenceSet]:
    target = plot_type(session, plot)
    row = session.scalars(
        select(ReferenceSet).filter_by(plot_type_id=target.id, version=version)
    ).first()
    if row is None:
        raise CommandError(f"plot {plot} has no references of version {version}")
    return target, row


def _in_force(session: Session, plot: str) -> ReferenceSet:
    target = plot_type(session, plot)
    row = session.scalars(_active().where(ReferenceSet.plot_type_id == target.id)).first()
    if row is None:
        raise CommandError(f"plot {plot} has no references; 'hydra-ioc references add' gives some")
    return row


def _record(session: Session, who: Actor, plot: str, row: ReferenceSet, action: str) -> None:
    session.add(
        ReferenceHistory(
            changed_at=time.time(),
            reference_set_id=row.id,
            action=action,
            threshold=row.threshold,
            user_name=who.user[:100],
            host=who.host[:500],
            why=who.why,
        )
    )
    new = {"action": action, "version": row.version, "threshold": row.threshold}
    audit(session, who, RIGHT, plot, old=None, new=new)


def use_run_type(
    session: Session, who: Actor, run_type: str, *, only_fitting: bool = False
) -> dict[str, int]:
    """Compare the images of all plots with the references of a run type.

    Each plot takes its newest version of that run type; without one, the newest
    that is for all; a plot with neither keeps what it has, and so does one whose
    references are retired.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        run_type: Such as ``cosmic``.
        only_fitting: Leave a plot as it is whose version does not fit its model; the
            audit log says so.

    Returns:
        The version taken into force, by plot; plots that had it already are left out.

    Raises:
        CommandError: A version does not fit its model.
    """
    rows = _rows(session, None)
    changed = {}
    for plot in dict.fromkeys(row.plot for row in rows):
        mine = [row for row in rows if row.plot == plot]
        fitting = [row for row in mine if row.run_type == run_type]
        fitting = fitting or [row for row in mine if not row.run_type]
        retired = not any(row.active for row in mine)
        if retired or not fitting or fitting[-1].active:
            continue
        try:
            use_references(session, who, plot, fitting[-1].version)
        except CommandError as error:
            if not only_fitting:
                raise
            refused = {"version": fitting[-1].version, "refused": str(error)}
            audit(session, who, RIGHT, plot, new=refused, accepted=False)
        else:
            changed[plot] = fitting[-1].version
    return changed


def run_types_of_references(session: Session) -> frozenset[str]:
    """Give the run types that references of any plot are of."""
    named = select(ReferenceSet.run_type).where(ReferenceSet.run_type != "").distinct()
    return frozenset(session.scalars(named))
