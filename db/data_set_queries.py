"""Making, finding and reading versions of data sets."""

import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, Plot, PlotType
from db.catalogue_queries import plot_type
from db.data_set_items import Item, digest_of, in_order
from db.data_sets import DataSet, DataSetItem, TrainingDataSet
from db.labels import PlotLabel
from db.models import Model
from db.value_queries import values_of
from pipeline.errors import CommandError, LabelError

NAME_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The labels of a plot type as they were at one moment."""

    plot: str
    items: tuple[Item, ...]
    digest: str
    name: str
    """Of the data set that it is, or is to be."""
    version: int | None = None
    """None for one that is not on record."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class DataSetRow:
    """A version of a data set as it is listed."""

    id: int
    name: str
    version: int
    plot: str
    digest: str
    count: int
    made_at: float
    """Seconds since the epoch."""
    user: str
    note: str

    @property
    def told(self) -> str:
        """Name and version as the commands take them."""
        return f"{self.name}@{self.version}"


def snapshot(
    session: Session, plot: str, since: float = 0.0, name: str | None = None, note: str = ""
) -> Snapshot:
    """Take the labels of a plot type that count now.

    Args:
        session: A session that may read.
        plot: Name of the plot type.
        since: Only labels given at or after this time, seconds since the epoch.
        name: Of the data set that is to be made of it; the plot's by default.
        note: For people.

    Raises:
        CommandError: There is no such plot, or the name cannot be used.
        LabelError: A label cannot be put into a data set.
    """
    target = plot_type(session, plot)
    values = values_of(session, plot)
    rows = session.execute(
        select(PlotLabel, Plot, Classification.name)
        .join(Plot, PlotLabel.plot_id == Plot.id)
        .join(Classification, PlotLabel.classification_id == Classification.id)
        .where(
            Plot.plot_type_id == target.id,
            PlotLabel.superseded_by.is_(None),
            PlotLabel.labelled_at >= since,
        )
    )
    items = in_order(_item(label, image, text, values) for label, image, text in rows)
    return Snapshot(plot, items, digest_of(plot, items), check_name(name or plot), note=note)


def keep_version(
    session: Session,
    who: Actor,
    taken: Snapshot,
    *,
    version: int | None = None,
    made: tuple[float, str] | None = None,
) -> tuple[DataSetRow, bool]:
    """Put a data set on record, unless one of this name and content is there.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        taken: What it holds.
        version: Number that it has elsewhere; taken if it is free, else the next
            that is free is.
        made: When and by whom it was made elsewhere; now and by ``who`` if None.

    Returns:
        The version, and whether it is new.

    Raises:
        CommandError: It is empty, or the name is taken by another plot type.
    """
    if not taken.items:
        raise CommandError(
            f"no image of plot {taken.plot} is labelled; label some with"
            " 'hydra-ioc labels import FILE'"
        )
    require_free(session, taken)
    known = [row for row in data_sets(session) if row.name == taken.name]
    if same := next((row for row in known if row.digest == taken.digest), None):
        return same, False
    numbers = {row.version for row in known}
    if version is None or version in numbers:
        version = max(numbers, default=0) + 1
    row = _insert(session, taken, version, made or (time.time(), who.user[:100]))
    told = f"{row.name}@{row.version}"
    audit(session, who, "make-data-set", told, new={"digest": row.digest, "count": row.count})
    return _row(row, taken.plot), True


def require_free(session: Session, taken: Snapshot) -> None:
    """Refuse a name that belongs to another plot type.

    Raises:
        CommandError: A data set of another plot type has it, or it is the name of one, whose
            trainings need it.
    """
    names = select(PlotType.name).where(PlotType.name == taken.name)
    owners = {row.plot for row in data_sets(session) if row.name == taken.name}
    if others := sorted((owners | set(session.scalars(names))) - {taken.plot}):
        raise CommandError(
            f"the name {taken.name} of a data set belongs to plot {others[0]}, not to"
            f" {taken.plot}: take another name"
        )


def data_sets(session: Session, plot: str | None = None) -> list[DataSetRow]:
    """List versions of data sets, by name and version.

    Raises:
        CommandError: There is no such plot.
    """
    statement = (
        select(DataSet, PlotType.name)
        .join(PlotType, DataSet.plot_type_id == PlotType.id)
        .order_by(DataSet.name, DataSet.version)
    )
    if plot is not None:
        statement = statement.where(DataSet.plot_type_id == plot_type(session, plot).id)
    return [_row(row, name) for row, name in session.execute(statement)]


def find_data_set(session: Session, told: str) -> DataSetRow:
    """Find a data set by ``NAME@VERSION``; the newest version by ``NAME``.

    Raises:
        CommandError: There is none; says which there are.
    """
    name, at, text = unicodedata.normalize("NFC", told).rpartition("@")
    if not at:
        name, text = text, ""
    if at and not (text.isascii() and text.isdigit()):
        raise CommandError(f"expected NAME or NAME@VERSION such as CDC@3, received {told!r}")
    known = [row for row in data_sets(session) if row.name == name]
    chosen = [row for row in known if not text or row.version == int(text)]
    if chosen:
        return chosen[-1]
    if known:
        numbers = ", ".join(str(row.version) for row in known)
        raise CommandError(f"data set {name} has no version {text}; it has {numbers}")
    raise CommandError(f"there is no data set {name!r}; 'hydra-ioc datasets list' shows them")


def items_of(session: Session, row: DataSetRow) -> tuple[Item, ...]:
    """Give the items of a data set in order."""
    found = session.scalars(
        select(DataSetItem).where(DataSetItem.data_set_id == row.id).order_by(DataSetItem.position)
    )
    return tuple(_from_row(item) for item in found)


def taken_of(session: Session, row: DataSetRow) -> Snapshot:
    """Give a data set with its items.

    Raises:
        CommandError: The items are not those that the digest was made of.
    """
    items = items_of(session, row)
    found = digest_of(row.plot, items)
    if found != row.digest:
        raise CommandError(
            f"expected the items of data set {row.told} to have the digest {row.digest}, they have"
            f" {found}: the record was changed from outside; restore it from a backup"
        )
    return Snapshot(row.plot, items, row.digest, row.name, row.version, row.note)


def data_sets_of(session: Session, digest: str) -> list[DataSetRow]:
    """List the data sets that a model was trained with."""
    rows = session.execute(
        select(DataSet, PlotType.name)
        .join(TrainingDataSet, TrainingDataSet.data_set_id == DataSet.id)
        .join(Model, TrainingDataSet.model_id == Model.id)
        .join(PlotType, DataSet.plot_type_id == PlotType.id)
        .where(Model.digest == digest)
        .order_by(DataSet.id)
    )
    return [_row(row, name) for row, name in rows]


def trained_with(session: Session) -> dict[int, int]:
    """Count the models that were trained with each data set, by its id."""
    rows = session.execute(
        select(TrainingDataSet.data_set_id, func.count()).group_by(TrainingDataSet.data_set_id)
    )
    return {row[0]: row[1] for row in rows}


def check_name(name: str) -> str:
    """Give the name of a data set in its composed form (NFC).

    Raises:
        CommandError: It is empty, too long, or holds ``@`` or what cannot be printed.
    """
    composed = unicodedata.normalize("NFC", name)
    fits = 0 < len(composed) <= NAME_LENGTH and composed.isprintable() and "@" not in composed
    if not fits or composed != composed.strip():
        raise CommandError(
            f"expected a name of 1 to {NAME_LENGTH} printable characters without @ and without"
            f" spaces around it, received {name!r}"
        )
    return composed


def _insert(session: Session, taken: Snapshot, version: int, made: tuple[float, str]) -> DataSet:
    row = DataSet(
        name=taken.name,
        version=version,
        plot_type_id=plot_type(session, taken.plot).id,
        digest=taken.digest,
        count=len(taken.items),
        made_at=made[0],
        user_name=made[1],
        note=taken.note,
    )
    session.add(row)
    session.flush()
    session.execute(
        insert(DataSetItem),
        [
            _columns(item) | {"data_set_id": row.id, "position": at}
            for at, item in enumerate(taken.items)
        ],
    )
    return row


def _item(row: PlotLabel, image: Plot, label: str, values: Mapping[int, float]) -> Item:
    use = "validate" if image.forced_validation else "train" if image.forced_training else "free"
    raw = {
        "sha256": image.sha256,
        "period": image.period,
        "run": image.run,
        "chunk": image.chunk,
        "image_time": image.image_time,
        "unbiased": image.unbiased,
        "simulated": image.simulated,
        "label": label,
        "user": row.user_name,
        "comment": row.comment,
        "source": row.source,
        "labelled_at": row.labelled_at,
        "weight": image.training_weight,
        "use": use,
        "value": values.get(image.id),
    }
    try:
        return msgspec.convert(raw, Item)
    except msgspec.ValidationError as error:
        raise LabelError(
            f"the label of image {image.sha256[:16]}, run {image.run} chunk {image.chunk}, cannot"
            f" be put into a data set: {error}; label it again"
        ) from error


def _columns(item: Item) -> dict[str, object]:
    columns = {name: getattr(item, name) for name in item.__struct_fields__}
    return columns | {"user_name": columns.pop("user"), "purpose": columns.pop("use")}


def _from_row(row: DataSetItem) -> Item:
    raw = {
        name: getattr(row, {"user": "user_name", "use": "purpose"}.get(name, name))
        for name in Item.__struct_fields__
    }
    return msgspec.convert(raw, Item)


def _row(row: DataSet, plot: str) -> DataSetRow:
    return DataSetRow(
        row.id,
        row.name,
        row.version,
        plot,
        row.digest,
        row.count,
        row.made_at,
        row.user_name,
        row.note,
    )


def changes(
    before: Iterable[Item], after: Iterable[Item]
) -> Sequence[tuple[str, Item, Item | None]]:
    """Compare two data sets image by image.

    Args:
        before: Items of one.
        after: Items of the other.

    Returns:
        What happened (``added``, ``removed``, ``relabelled``, ``changed``), the item after
        (before for ``removed``), and the item before of what is in both.
    """
    # An image may carry a label of quality and one of another kind; the label tells them apart.
    old = {(*one.key, one.label): one for one in before}
    new = {(*one.key, one.label): one for one in after}
    gone = {one.key: one for key, one in old.items() if key not in new}
    found: list[tuple[str, Item, Item | None]] = []
    for key, one in new.items():
        if key in old:
            if old[key] != one:
                found.append(("changed", one, old[key]))
        elif one.key in gone:
            found.append(("relabelled", one, gone.pop(one.key)))
        else:
            found.append(("added", one, None))
    return [*found, *(("removed", one, None) for one in gone.values())]
