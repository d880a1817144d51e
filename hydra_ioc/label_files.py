"""Labels as CSV files: in from other tools, out for training."""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, TextIO

from sqlalchemy.orm import Session

from db.label_queries import LabelRow, NewLabel, add_label, labels
from db.user_queries import require
from hydra_ioc.record import actor
from pipeline.errors import InputError, LabelError

COLUMNS: Final = ("path", "sha256", "plot", "label", "user", "comment")
REQUIRED: Final = {"plot", "label"}
DIGEST: Final = re.compile("[0-9a-f]{64}")
FAULTS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file of labels."""

    images: int
    """Images that carry a new label."""
    unchanged: int
    """Lines that say what is on record already."""


def import_labels(session: Session, file: Path, default_user: str) -> Imported:
    """Label kept images as a CSV file says: all of it, or nothing.

    Args:
        session: A session of a transaction that writes.
        file: UTF-8, with a heading of some of ``COLUMNS``: ``plot``, ``label``
            and one of ``path`` (relative to the file's folder) and ``sha256``.
        default_user: Who labelled, where the file names nobody.

    Returns:
        What became of it.

    Raises:
        LabelError: Lists every faulty line with its number.
        NotPermitted: The user of this shell may not label a plot of the file.
    """
    faults: list[str] = []
    images = unchanged = 0
    for number, row in _rows(file):
        try:
            new = _label(row, file.parent, default_user)
            require(session, actor("labels import"), "label", new.plot)
            changed = add_label(session, new)
        except InputError as error:
            faults.append(f"line {number}: {error}")
            continue
        images += changed
        unchanged += changed == 0
    if faults:
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        listed = "\n".join([*faults[:FAULTS_SHOWN], *more])
        raise LabelError(f"{file}: {len(faults)} faulty lines, nothing imported:\n{listed}")
    return Imported(images, unchanged)


def export_labels(session: Session, out: TextIO, plot: str | None = None) -> int:
    """Write the labels that count now as CSV.

    Args:
        session: A session that may read.
        out: Where to write.
        plot: Only this plot type.

    Returns:
        The number of labels.

    Raises:
        CommandError: There is no such plot.
    """
    rows = labels(session, plot)
    names = [field.name for field in fields(LabelRow)]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(row, name) for name in names] for row in rows)
    return len(rows)


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            yield from _parsed(file, text)
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"cannot read {file}: {error}") from error


def _parsed(file: Path, text: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(text, strict=True, restkey="", restval="")
    try:
        heading = list(reader.fieldnames or ())
        missing = REQUIRED - set(heading)
        unknown = [name for name in heading if name not in {*COLUMNS, *_EXPORTED}]
        if missing or unknown or not {"path", "sha256"} & set(heading):
            raise LabelError(
                f"{file}: expected a heading with plot, label, one of path and sha256, and"
                f" perhaps user and comment; received {heading}"
            )
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise LabelError(f"{file}, line {reader.line_num}: {error}") from error


_EXPORTED: Final = frozenset(field.name for field in fields(LabelRow))
"""What an export holds may come back; what the database knows better is passed over."""


def _label(row: dict[str, str], folder: Path, default_user: str) -> NewLabel:
    return NewLabel(
        plot=row["plot"],
        sha256=_digest(row, folder),
        label=row["label"],
        user=row.get("user") or default_user,
        comment=row.get("comment", ""),
        source="import",
    )


def _digest(row: dict[str, str], folder: Path) -> str:
    digest = row.get("sha256", "")
    if DIGEST.fullmatch(digest):
        return digest
    if digest:
        raise LabelError(f"expected a SHA-256 of 64 digits in lower case, received {digest!r}")
    if not row.get("path"):
        raise LabelError("expected a path or a sha256, received neither")
    try:
        with (folder / row["path"]).open("rb") as image:
            return hashlib.file_digest(image, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise LabelError(f"cannot read {row['path']!r}: {error}") from error
