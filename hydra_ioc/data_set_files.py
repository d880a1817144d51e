"""Data sets as files: out of one deployment, and into another."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue import Classification, PlotType
from db.catalogue_queries import add_plot, catalogue
from db.data_set_images import listed
from db.data_set_items import Item
from db.data_set_merge import Conflict, Merge, apply, plan
from db.data_set_queries import (
    DataSetRow,
    check_name,
    find_data_set,
    keep_version,
    taken_of,
)
from db.engine import reading, writing
from db.palette_queries import LabelRow, define_label
from hydra_ioc import data_set_zip
from hydra_ioc.data_set_manifest import FORMAT, VERSION, Label, Manifest, PlotEntry, decode
from hydra_ioc.record import permit
from pipeline.config import Config
from pipeline.errors import CommandError, LabelError
from pipeline.keeper.imagestore import ImageStore

Policy = Literal["keep", "take", "refuse"]
Step = Callable[[int, int], None]
"""Told how many images are done, of how many."""
CONFLICTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    row: DataSetRow
    images: int
    size: int
    """Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    row: DataSetRow
    new: bool
    """Whether the data set was not on record."""
    plot_added: bool
    images: int
    """Images that were not kept before."""
    labels: int
    """Labels that were given."""
    known: int
    """Labels that were on record."""
    conflicts: tuple[Conflict, ...]


def export_data_set(
    config: Config, engine: Engine, told: str, file: Path, step: Step, *, with_images: bool
) -> Exported:
    """Write a data set as a zip file.

    Args:
        config: The deployment.
        engine: Its database.
        told: ``NAME`` or ``NAME@VERSION``.
        file: Where to; must not exist.
        step: Told how far it is.
        with_images: Whether the images go along.

    Raises:
        CommandError: There is no such data set.
        LabelError: The file cannot be written.
        FileError: An image is missing from the store.
    """
    with reading(engine) as session:
        row = find_data_set(session, told)
        manifest = _manifest(session, row, with_images=with_images)
    images: dict[str, Path] = {}
    if with_images:
        store = ImageStore(config.under_state(config.keeper.images))
        kind = manifest.plot.file_type
        for item in manifest.items:
            images[f"images/{item.sha256}.{kind}"] = store.path(item.sha256, kind)
    size = data_set_zip.write(file, msgspec.json.encode(manifest), images, step)
    return Exported(row, len(images), size)


def import_data_set(
    config: Config,
    engine: Engine,
    file: Path,
    who: Actor,
    step: Step,
    *,
    conflicts: Policy = "refuse",
    add: bool = False,
) -> Imported:
    """Bring a data set into the record, and its images into the store: all of it, or nothing.

    Args:
        config: The deployment.
        engine: Its database.
        file: Of ``export_data_set``.
        who: Who imports.
        step: Told how far it is.
        conflicts: What becomes of images that are labelled, pinned or weighed otherwise here:
            what is here stays, the file's counts, or nothing is imported.
        add: Add the plot type, and labels that the dictionary lacks, as the file tells them.

    Raises:
        LabelError: The file is not what it should be, or there are conflicts and they are to be
            refused.
        CommandError: The plot type is not there.
        NotPermitted: The user may not label the plot, or add one.
        StoreError: The database or the image store refuses.
    """
    with data_set_zip.opened(file) as pack:
        manifest = decode(pack.manifest)
        _check_content(manifest, pack.images)
        taken = manifest.snapshot()
        check_name(taken.name)
        missing = _permit(engine, who, manifest, add=add)
        # A rehearsal, taken back: all that can be refused is refused before an image is written.
        with reading(engine) as session:
            if missing:
                _add_plot(session, who, manifest)
            _refuse(plan(session, taken), conflicts)
            session.rollback()
        _keep_images(config, engine, pack, manifest, step)
    with writing(engine) as session:
        added = add and _add_plot(session, who, manifest)
        merge = plan(session, taken, take=conflicts == "take")
        _refuse(merge, conflicts)
        apply(session, who, taken, merge)
        row, new = keep_version(
            session, who, taken, version=manifest.version, made=(manifest.made_at, manifest.user)
        )
    return Imported(
        row,
        new,
        added,
        len(merge.fresh),
        len(merge.labels),
        merge.known,
        tuple(merge.conflicts),
    )


def _manifest(session: Session, row: DataSetRow, *, with_images: bool) -> Manifest:
    taken = taken_of(session, row)
    plot = next(one for one in catalogue(session) if one.name == row.plot)
    return Manifest(
        format=FORMAT,
        format_version=VERSION,
        name=row.name,
        version=row.version,
        digest=row.digest,
        made_at=row.made_at,
        user=row.user,
        note=row.note,
        with_images=with_images,
        plot=PlotEntry(
            name=plot.name,
            file_type=plot.file_type,
            chunked=plot.chunked,
            group=plot.group,
            description=plot.description,
            contact=plot.contact,
            guidance=plot.guidance,
            cadence_s=plot.cadence_s,
            palette=tuple(
                Label(
                    name=one.name,
                    colour=one.colour,
                    confirmed=one.confirmed,
                    unconfirmed=one.unconfirmed,
                )
                for one in plot.labels
            ),
        ),
        items=taken.items,
    )


def _check_content(manifest: Manifest, images: Collection[str]) -> None:
    wanted = {one.sha256 for one in manifest.items} if manifest.with_images else set()
    if lacking := sorted(wanted - set(images)):
        raise LabelError(
            f"expected {len(wanted)} images, {len(lacking)} are not in the file, such as"
            f" {lacking[0]}; export it again"
        )
    if more := sorted(set(images) - wanted):
        raise LabelError(
            f"expected the images that manifest.json lists, the file has {len(more)} more, such as"
            f" {more[0]}; export it again"
        )


def _permit(engine: Engine, who: Actor, manifest: Manifest, *, add: bool) -> bool:
    """Refuse who may not; tell whether the plot type is missing."""
    plot = manifest.plot.name
    with reading(engine) as session:
        known = session.scalars(select(PlotType.id).where(PlotType.name == plot)).first()
    if known is not None:
        permit(engine, who, "label", plot)
        return False
    if not add:
        raise CommandError(
            f"there is no plot {plot}; add --add-plot to make it as the file tells, or make it"
            " with 'hydra-ioc plots add'"
        )
    permit(engine, who, "set-plots")
    return True


def _add_plot(session: Session, who: Actor, manifest: Manifest) -> bool:
    plot = manifest.plot
    if session.scalars(select(PlotType.id).where(PlotType.name == plot.name)).first() is not None:
        return False
    known = set(session.scalars(select(Classification.name)))
    for one in plot.palette:
        if one.name not in known:
            label = LabelRow(one.name, one.colour, one.confirmed, one.unconfirmed)
            define_label(session, who, label)
    add_plot(
        session,
        plot.name,
        file_type=plot.file_type,
        chunked=plot.chunked,
        group=plot.group,
        description=plot.description,
        contact=plot.contact,
        guidance=plot.guidance,
        cadence_s=plot.cadence_s,
        labels=[one.name for one in plot.palette],
    )
    return True


def _refuse(merge: Merge, policy: Policy) -> None:
    if policy != "refuse" or not merge.conflicts:
        return
    shown = [str(one) for one in merge.conflicts[:CONFLICTS_SHOWN]]
    more = len(merge.conflicts) - len(shown)
    raise LabelError(
        f"{len(merge.conflicts)} conflicts, nothing imported; --conflicts keep leaves what is"
        " here, --conflicts take lets the file count:\n  "
        + "\n  ".join([*shown, *([f"and {more} more"] if more else [])])
    )


def _keep_images(
    config: Config, engine: Engine, pack: data_set_zip.Pack, manifest: Manifest, step: Step
) -> None:
    """Check every image, then write those that are not in the store."""
    store = ImageStore(config.under_state(config.keeper.images))
    kind = _file_type(engine, manifest)
    wanted = {one.sha256: one for one in manifest.items}
    if not manifest.with_images:
        _need(store, kind, list(wanted.values()))
        return
    limits = config.input.max_bytes, config.input.max_pixels
    # Twice through the file, so that nothing is written before all of it is known to be good.
    for done, sha256 in enumerate(wanted, 1):
        pack.image(sha256, *limits)
        step(done, 2 * len(wanted))
    for done, sha256 in enumerate(wanted, 1):
        if not store.path(sha256, kind).exists():
            store.keep_bytes(pack.image(sha256, *limits), sha256, kind)
        step(len(wanted) + done, 2 * len(wanted))


def _need(store: ImageStore, kind: str, items: list[Item]) -> None:
    missing = [one for one in items if not store.path(one.sha256, kind).exists()]
    if missing:
        raise LabelError(
            f"{len(missing)} of {len(items)} images are neither in the file nor kept here, such as"
            f" {listed(missing)}; nothing imported: export with --with-images"
        )


def _file_type(engine: Engine, manifest: Manifest) -> str:
    """Give the ending under which images of the plot type are kept here."""
    with reading(engine) as session:
        statement = select(PlotType.file_type).where(PlotType.name == manifest.plot.name)
        return session.scalars(statement).first() or manifest.plot.file_type
