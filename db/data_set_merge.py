"""Bringing the labels of a data set into the record; nothing is overwritten silently."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, Plot, PlotType, ValidClassification
from db.catalogue_queries import plot_type
from db.data_set_images import kept_images
from db.data_set_items import Item, Key
from db.data_set_queries import Snapshot
from db.labels import LabelHistory, PlotLabel
from db.palette_queries import palette
from db.trainings import PlotValue
from db.value_queries import values_of
from pipeline.errors import LabelError

AT_ONCE: Final = 500
"""Ids in one statement; SQLite takes 32,766 parameters, an expression 1000 terms."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that is on record otherwise than the list says."""

    item: Item
    what: str
    """``label``, ``use``, ``weight`` or ``value``."""
    here: str
    there: str

    def __str__(self) -> str:
        """Tell the image, what is here and what the list says."""
        one = self.item
        return (
            f"{one.sha256[:16]} (period {one.period}, run {one.run}, chunk {one.chunk}):"
            f" {self.what} here {self.here}, in the data set {self.there}"
        )


@dataclass(slots=True)
class Merge:
    """What bringing a list in would do."""

    target: PlotType
    kept: dict[Key, int]
    """Row of each image that is kept."""
    fresh: dict[Key, Item] = field(default_factory=dict)
    """Images that are not kept yet."""
    labels: list[tuple[Item, Sequence[int]]] = field(default_factory=list)
    """Labels that are to be given, and those before, which they supersede."""
    columns: dict[Key, dict[str, Any]] = field(default_factory=dict)
    """Columns of kept images that are to be set."""
    values: list[Item] = field(default_factory=list)
    known: int = 0
    """Items whose label is on record."""
    conflicts: list[Conflict] = field(default_factory=list)


def plan(session: Session, taken: Snapshot, *, take: bool = False) -> Merge:
    """Compare a list with what is on record.

    An image that is kept and labelled otherwise is a conflict, and so is one with another weight,
    pin or number, unless what is here was never set.

    Args:
        session: A session that may read.
        taken: The list.
        take: Settle conflicts as the list says; by default what is on record stays.

    Raises:
        CommandError: There is no such plot.
        LabelError: A label is outside the palette.
    """
    target = plot_type(session, taken.plot)
    kinds = _kinds(session, target, taken)
    found = Merge(target, kept_images(session, target.id, taken.items))
    labels = _labels_of(session, list(found.kept.values()))
    rows = _rows_of(session, list(found.kept.values()))
    numbers = values_of(session, taken.plot)
    seen: set[Key] = set()
    for item in taken.items:
        row = rows.get(found.kept.get(item.key, -1))
        _plan_label(found, item, labels, kinds, take=take)
        if item.key in seen:
            continue
        seen.add(item.key)
        if row is None:
            found.fresh[item.key] = item
            if item.value is not None:
                found.values.append(item)
        else:
            _plan_uses(found, item, row, take=take)
            _plan_value(found, item, numbers.get(row.id), take=take)
    return found


def apply(session: Session, who: Actor, taken: Snapshot, merge: Merge) -> None:
    """Do what was planned, in one transaction with its log.

    Args:
        session: The session that planned it, of a transaction that writes.
        who: Who, from where and why.
        taken: The list.
        merge: The plan.
    """
    ids = merge.kept | _keep(session, merge)
    for key, columns in merge.columns.items():
        session.execute(update(Plot).where(Plot.id == ids[key]).values(**columns))
    _label(session, merge, ids)
    session.add_all(
        PlotValue(
            plot_id=ids[one.key],
            value=one.value,
            user_name=one.user,
            given_at=one.labelled_at,
        )
        for one in merge.values
    )
    done = {
        "data_set": taken.digest,
        "images": len(merge.fresh),
        "labels": len(merge.labels),
        "conflicts": [str(one) for one in merge.conflicts],
    }
    session.add(LabelHistory(labelled_at=time.time(), user_name=who.user[:100], transaction=done))
    audit(session, who, "import-data-set", f"{taken.plot} {taken.name}", new=done)


def _kinds(session: Session, target: PlotType, taken: Snapshot) -> dict[str, tuple[int, int]]:
    """Give id and kind of the labels that an image of the plot may carry."""
    rows = session.execute(
        select(Classification.name, Classification.id, Classification.type_id)
        .outerjoin(
            ValidClassification,
            (ValidClassification.classification_id == Classification.id)
            & (ValidClassification.plot_type_id == target.id),
        )
        .where(ValidClassification.plot_type_id.is_not(None) | ~Classification.trainable)
    )
    kinds = {row[0]: (row[1], row[2]) for row in rows}
    if outside := sorted({one.label for one in taken.items} - set(kinds)):
        raise LabelError(
            f"expected labels of plot {target.name}: {list(palette(session, target.id))}, received"
            f" {outside} in the data set; widen the palette with 'hydra-ioc plots change'"
        )
    taken_by: dict[tuple[Key, int], str] = {}
    for one in taken.items:
        other = taken_by.setdefault((one.key, kinds[one.label][1]), one.label)
        if other != one.label:
            raise LabelError(
                f"expected one label of a kind for image {one.sha256[:16]}, run {one.run} chunk"
                f" {one.chunk}, received {other} and {one.label}"
            )
    return kinds


def _labels_of(session: Session, ids: Sequence[int]) -> Mapping[int, list[tuple[int, str, int]]]:
    """Give row, label and kind of what counts now, by image."""
    found: defaultdict[int, list[tuple[int, str, int]]] = defaultdict(list)
    rest = iter(ids)
    while some := list(islice(rest, AT_ONCE)):
        rows = session.execute(
            select(PlotLabel.plot_id, PlotLabel.id, Classification.name, Classification.type_id)
            .join(Classification, PlotLabel.classification_id == Classification.id)
            .where(PlotLabel.plot_id.in_(some), PlotLabel.superseded_by.is_(None))
        )
        for row in rows:
            found[row[0]].append((row[1], row[2], row[3]))
    return found


def _rows_of(session: Session, ids: Sequence[int]) -> dict[int, Plot]:
    found: dict[int, Plot] = {}
    rest = iter(ids)
    while some := list(islice(rest, AT_ONCE)):
        found |= {row.id: row for row in session.scalars(select(Plot).where(Plot.id.in_(some)))}
    return found


def _plan_label(
    merge: Merge,
    item: Item,
    labels: Mapping[int, list[tuple[int, str, int]]],
    kinds: Mapping[str, tuple[int, int]],
    *,
    take: bool,
) -> None:
    before = labels.get(merge.kept.get(item.key, -1), [])
    before = [row for row in before if row[2] == kinds[item.label][1]]
    if any(row[1] == item.label for row in before):
        merge.known += 1
        return
    if before:
        merge.conflicts.append(Conflict(item, "label", before[-1][1], item.label))
    if take or not before:
        merge.labels.append((item, [row[0] for row in before]))


def _plan_uses(merge: Merge, item: Item, row: Plot, *, take: bool) -> None:
    use = "validate" if row.forced_validation else "train" if row.forced_training else "free"
    columns: dict[str, Any] = {}
    for what, here, there, unset in (
        ("use", use, item.use, "free"),
        ("weight", row.training_weight, item.weight, 1),
    ):
        if here == there:
            continue
        if here != unset:
            merge.conflicts.append(Conflict(item, what, str(here), str(there)))
        if take or here == unset:
            columns |= _columns(item, what)
    if columns:
        merge.columns[item.key] = columns


def _plan_value(merge: Merge, item: Item, here: float | None, *, take: bool) -> None:
    if item.value is None or here == item.value:
        return
    if here is not None:
        merge.conflicts.append(Conflict(item, "value", str(here), str(item.value)))
    if take or here is None:
        merge.values.append(item)


def _columns(item: Item, what: str) -> dict[str, Any]:
    if what == "weight":
        return {"training_weight": item.weight}
    return {
        "forced_training": item.use == "train",
        "forced_validation": item.use == "validate",
    }


def _keep(session: Session, merge: Merge) -> dict[Key, int]:
    rows = {
        key: Plot(
            plot_type_id=merge.target.id,
            period=one.period,
            run=one.run,
            chunk=one.chunk,
            sha256=one.sha256,
            image_time=one.image_time,
            kept_at=time.time(),
            unbiased=one.unbiased,
            simulated=one.simulated,
            **_columns(one, "weight"),
            **_columns(one, "use"),
        )
        for key, one in merge.fresh.items()
    }
    session.add_all(rows.values())
    session.flush()
    return {key: row.id for key, row in rows.items()}


def _label(session: Session, merge: Merge, ids: Mapping[Key, int]) -> None:
    named = select(Classification.name, Classification.id)
    classes = {row[0]: row[1] for row in session.execute(named)}
    rows = [
        PlotLabel(
            plot_id=ids[one.key],
            classification_id=classes[one.label],
            user_name=one.user,
            comment=one.comment,
            source=one.source,
            labelled_at=one.labelled_at,
        )
        for one, _ in merge.labels
    ]
    session.add_all(rows)
    session.flush()
    for row, (_, before) in zip(rows, merge.labels, strict=True):
        if before:
            session.execute(
                update(PlotLabel).where(PlotLabel.id.in_(before)).values(superseded_by=row.id)
            )
