"""Labels as CSV files: read line by line with all faults, and written."""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec
from sqlalchemy.orm import Session

from db.catalogue_queries import catalogue
from db.data_set_items import WEIGHT_LIMIT, Digest, Seconds, Source, Use, Value, Weight
from db.data_set_queries import snapshot
from db.label_queries import LabelRow, NewLabel
from pipeline.errors import InputError, LabelError

EXPORTED: Final = (
    *(column.name for column in fields(LabelRow)),
    *("use", "weight", "value"),
)
COLUMNS: Final = frozenset(("path", *EXPORTED))
"""What a file may hold: what an export holds, and paths."""
REQUIRED: Final = frozenset(("plot", "label"))
EXPECTED: Final = {
    "sha256": "a SHA-256 of 64 digits in lower case",
    "use": "a use of train, validate or free",
    "weight": f"a weight of 0 to {WEIGHT_LIMIT}",
    "value": "a number as value",
    "source": "a source of labeler, live, report, simulated or import",
    "labelled_at": "seconds since the epoch in labelled_at",
}
"""Columns that are what a data set holds, and how to ask for them."""
TYPES: Final = {
    "sha256": Digest,
    "use": Use,
    "weight": Weight,
    "value": Value,
    "source": Source,
    "labelled_at": Seconds,
}
FAULTS_SHOWN: Final = 20


@dataclass(slots=True)
class Faults:
    """The faulty lines of a file, told together."""

    file: Path
    texts: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, place: int | str) -> Iterator[None]:
        """Note an InputError as a fault of a line, or of a file of a folder, and go on."""
        try:
            yield
        except InputError as error:
            self.texts.append(f"{place if isinstance(place, str) else f'line {place}'}: {error}")

    def tell(self) -> None:
        """Raise a LabelError that lists the faults, if there are any."""
        if not self.texts:
            return
        more = len(self.texts) - FAULTS_SHOWN
        shown = [*self.texts[:FAULTS_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise LabelError(
            f"{self.file}: nothing imported, {len(self.texts)} at fault:\n" + "\n".join(shown)
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file of labels."""

    number: int
    label: NewLabel
    source: Path | None
    """The image, where the line names a path."""
    columns: dict[str, str]
    use: str | None = None
    """``train``, ``validate`` or ``free``; None leaves it."""
    weight: int | None = None
    value: float | None = None


def read_lines(file: Path, default_user: str) -> list[Line]:
    """Read a file of labels; images that are named by paths are hashed.

    Args:
        file: UTF-8, with a heading of some of ``COLUMNS``: ``plot``, ``label``
            and one of ``path`` (relative to the file's folder) and ``sha256``.
        default_user: Who labelled, where the file names nobody.

    Returns:
        Its lines.

    Raises:
        LabelError: Lists every faulty line with its number.
    """
    faults = Faults(file)
    lines = []
    for number, columns in _rows(file):
        with faults.of(number):
            source = file.parent / columns["path"] if columns.get("path") else None
            label = NewLabel(
                plot=columns["plot"],
                sha256=digest_of(columns.get("sha256", ""), source),
                label=columns["label"],
                user=columns.get("user") or default_user,
                comment=columns.get("comment", ""),
                source=field_of(columns, "source") or "import",
                labelled_at=field_of(columns, "labelled_at"),
            )
            use, weight, value = (field_of(columns, name) for name in ("use", "weight", "value"))
            lines.append(Line(number, label, source, columns, use, weight, value))
    faults.tell()
    return lines


def export_labels(session: Session, out: TextIO, plot: str | None = None) -> int:
    """Write the labels that count now as CSV, with all that an import takes.

    Args:
        session: A session that may read.
        out: Where to write.
        plot: Only this plot type.

    Returns:
        The number of labels.

    Raises:
        CommandError: There is no such plot.
    """
    names = [plot] if plot is not None else sorted({row.name for row in catalogue(session)})
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EXPORTED)
    count = 0
    for name in names:
        items = snapshot(session, name).items
        count += len(items)
        writer.writerows(
            [name if column == "plot" else getattr(item, column) for column in EXPORTED]
            for item in items
        )
    return count


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            yield from _parsed(file, text)
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"cannot read {file}: {error}") from error


def _parsed(file: Path, text: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(text, strict=True, restval="")
    try:
        heading = list(reader.fieldnames or ())
        wrong = [name for name in heading if name not in COLUMNS] or REQUIRED - set(heading)
        if wrong or not {"path", "sha256"} & set(heading):
            raise LabelError(
                f"{file}: expected a heading of plot, label, one of path and sha256, and perhaps"
                f" {', '.join(sorted(COLUMNS - REQUIRED - {'path', 'sha256'}))}; received {heading}"
            )
        for row in reader:
            if None in row:
                raise LabelError(
                    f"{file}, line {reader.line_num}: expected {len(heading)} columns,"
                    f" received {len(heading) + len(row.pop(None))}"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise LabelError(f"{file}, line {reader.line_num}: {error}") from error


def field_of(columns: dict[str, str], name: str) -> Any:
    """Read a column as data sets hold it.

    Args:
        columns: Of one line.
        name: One of ``EXPECTED``.

    Returns:
        The value; None where the column is empty or not there.

    Raises:
        LabelError: It is something else.
    """
    text = columns.get(name, "").strip()
    if not text:
        return None
    try:
        return msgspec.convert(text, TYPES[name], strict=False)
    except msgspec.ValidationError as error:
        raise LabelError(f"expected {EXPECTED[name]}, received {text!r}") from error


def digest_of(told: str, source: Path | None) -> str:
    """Give the SHA-256 of an image, as told or found in its file.

    Raises:
        LabelError: Nothing is told, the file cannot be read, or it has another one.
    """
    told = field_of({"sha256": told}, "sha256") or ""
    if source is None:
        if not told:
            raise LabelError("expected a path or a sha256, received neither")
        return told
    try:
        with source.open("rb") as image:
            found = hashlib.file_digest(image, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise LabelError(f"cannot read {str(source)!r}: {error}") from error
    if told and told != found:
        raise LabelError(f"expected {source} to have the SHA-256 {told}, it has {found}")
    return found
