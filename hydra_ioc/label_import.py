"""Labelling images as a CSV file says, and keeping those that are not kept yet."""

import time
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue_queries import catalogue, plot_type
from db.data_set_items import NUMBER_LIMIT
from db.engine import reading, writing
from db.label_queries import add_label, is_kept, keep_image
from db.training_queries import pin_image
from db.value_queries import give_value
from hydra_ioc.label_files import Faults, Line, read_lines
from hydra_ioc.label_folders import read_folder
from hydra_ioc.record import permit
from pipeline.config import Config
from pipeline.errors import FileError, LabelError
from pipeline.feeder.grammar import NO_PERIOD, NO_RUN, Names
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.fileformat import read_header


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file of labels."""

    images: int
    """Images that carry a new label."""
    unchanged: int
    """Lines that say what is on record already."""
    kept: int
    """Images that were not kept before."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An image that has just been copied into the store."""

    period: str
    run: int
    chunk: int
    image_time: float


def import_labels(engine: Engine, config: Config, file: Path, who: Actor) -> Imported:
    """Label images as a CSV file or a folder says: all of it, or nothing.

    An image that is named by its path and is not kept yet is kept. Its run,
    chunk and period come from the columns of these names, else from its path by
    the grammar of the deployment; else they are unknown.

    Args:
        engine: The database.
        config: The deployment.
        file: See ``read_lines``; of a folder, ``read_folder``.
        who: Who imports; also who labelled, where the file names nobody.

    Returns:
        What became of it.

    Raises:
        LabelError: Lists every faulty line with its number.
        NotPermitted: The user may not label a plot of the file.
        StoreError: The database or the image store refuses.
    """
    if file.is_dir():
        lines = read_folder(file, Names(config), who.user)
    else:
        lines = read_lines(file, who.user)
    lines = _spelled(engine, lines)
    for plot in sorted({line.label.plot for line in lines}):
        permit(engine, who, "label", plot)
    # Copies are made before the transaction begins, so that it stays short; a
    # copy that stays without a row is found there by the next import.
    new = _copy_unkept(engine, config, file, lines)
    faults = Faults(file)
    images = unchanged = 0
    with writing(engine) as session:
        for line in lines:
            with faults.of(_entry(file, line)):
                place = new.get(line.label.sha256)
                if place is not None:
                    keep_image(
                        session,
                        line.label.plot,
                        sha256=line.label.sha256,
                        period=place.period,
                        run=place.run,
                        chunk=place.chunk,
                        image_time=place.image_time,
                    )
                changed = add_label(session, line.label)
                _use(session, who, line)
                images += changed
                unchanged += changed == 0
        faults.tell()
    return Imported(images, unchanged, len(new))


def _spelled(engine: Engine, lines: list[Line]) -> list[Line]:
    """Spell labels as the palettes do: GOOD is Good, where no other can be meant."""
    with reading(engine) as session:
        palettes = {row.name: [label.name for label in row.labels] for row in catalogue(session)}
    found = []
    for line in lines:
        label = line.label
        palette = palettes.get(label.plot, [])
        alike = [name for name in palette if name.casefold() == label.label.casefold()]
        if label.label not in palette and len(alike) == 1:
            label = replace(label, label=alike[0])
        found.append(replace(line, label=label))
    return found


def _entry(file: Path, line: Line) -> int | str:
    return line.columns["path"] if file.is_dir() else line.number


def _use(session: Session, who: Actor, line: Line) -> None:
    """Pin, weigh and value the image of a line, where the line says so."""
    plot, key = line.label.plot, line.label.sha256
    if line.use is not None or line.weight is not None:
        pin_image(session, who, plot, key, use=line.use, weight=line.weight)
    if line.value is not None:
        give_value(session, plot, key, line.value, line.label.user)


def _copy_unkept(engine: Engine, config: Config, file: Path, lines: list[Line]) -> dict[str, _Kept]:
    store = ImageStore(config.under_state(config.keeper.images))
    names = Names(config)
    faults = Faults(file)
    new: dict[str, _Kept] = {}
    for line in lines:
        key = line.label.sha256
        with faults.of(_entry(file, line)), reading(engine) as session:
            if line.source is None or key in new or is_kept(session, line.label.plot, key):
                continue
            _check_image(line.source, config.input.max_bytes)
            store.keep(line.source, key, plot_type(session, line.label.plot).file_type)
            new[key] = _place(line.source, line.columns, names)
    faults.tell()
    return new


def _check_image(path: Path, max_bytes: int) -> None:
    with path.open("rb") as image:
        data = image.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise LabelError(f"{path} is over the limit of {max_bytes} bytes")
    read_header(data)


def _place(path: Path, columns: dict[str, str], names: Names) -> _Kept:
    period, run, chunk, taken = NO_PERIOD, NO_RUN, 0, path.stat().st_mtime
    try:
        seen = names.parse(PurePath(columns["path"]))
    except FileError:
        # Images from elsewhere need not be named as this deployment names its own.
        pass
    else:
        period, run, chunk = seen.period, seen.run, seen.chunk or 0
        taken = seen.time if seen.time is not None else taken
    return _Kept(
        period=columns.get("period") or period,
        run=_number("run", columns, run),
        chunk=_number("chunk", columns, chunk),
        image_time=min(taken, time.time()),
    )


def _number(name: str, columns: dict[str, str], default: int) -> int:
    text = columns.get(name) or str(default)
    try:
        value = int(text)
    except ValueError as error:
        raise LabelError(f"expected a {name} number, received {text!r}") from error
    if not -1 <= value < NUMBER_LIMIT:
        raise LabelError(f"expected a {name} of -1 to {NUMBER_LIMIT - 1}, received {text}")
    return value
