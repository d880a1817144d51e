"""The kept images behind a data set."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.catalogue import Classification
from db.catalogue_queries import plot_type
from db.data_set_items import Item, Key
from db.data_set_queries import Snapshot
from db.image_queries import kept
from db.training_queries import Labelled, require_palette
from pipeline.errors import LabelError

SHOWN = 5
"""Images that an error lists."""


def kept_images(session: Session, plot_type_id: int, items: Iterable[Item]) -> dict[Key, int]:
    """Give the row of every image of a data set that is kept here.

    Args:
        session: A session that may read.
        plot_type_id: The plot type.
        items: Of the data set.

    Returns:
        Row of ``plots`` by image.
    """
    found = kept(
        session, {(plot_type_id, one.run, one.chunk, one.period, one.sha256) for one in items}
    )
    return {(key[3], key[1], key[2], key[4]): row for key, row in found.items()}


def training_images(session: Session, taken: Snapshot) -> tuple[Labelled, ...]:
    """List the images of a data set that a training may use, labelled as the list says.

    The newest label of an image counts; images labelled Ignore, or with any label that is not
    trained, are left out, as in ``labelled_images``.

    Args:
        session: A session that may read.
        taken: The data set.

    Raises:
        CommandError: There is no such plot.
        LabelError: A label has left the palette, or an image is not kept here; lists them.
    """
    target = plot_type(session, taken.plot)
    ids = kept_images(session, target.id, taken.items)
    if missing := [one for one in taken.items if one.key not in ids]:
        raise LabelError(
            f"{len(missing)} of {len(taken.items)} images of data set {taken.name} are not kept"
            f" here, such as {listed(missing)}; 'hydra-ioc datasets import FILE' of an export"
            " --with-images brings them"
        )
    untrained = set(session.scalars(select(Classification.name).where(~Classification.trainable)))
    ignored = {one.key for one in taken.items if one.label in untrained}
    newest = {one.key: one for one in taken.items if one.key not in ignored}
    require_palette(session, target, {one.label for one in newest.values()})
    found = (
        Labelled(
            plot_id=ids[one.key],
            sha256=one.sha256,
            file_type=target.file_type,
            run=one.run,
            chunk=one.chunk,
            label=one.label,
            weight=one.weight,
            forced_training=one.use == "train",
            forced_validation=one.use == "validate",
        )
        for one in newest.values()
    )
    return tuple(sorted(found, key=lambda one: one.plot_id))


def listed(items: Sequence[Item]) -> str:
    """Name the first few images of a list."""
    names = [f"{one.sha256[:16]} (run {one.run} chunk {one.chunk})" for one in items[:SHOWN]]
    return ", ".join(names)
