"""Labels as CSV files: read line by line with all faults, and written."""

import csv
import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, TextIO

from sqlalchemy.orm import Session

from db.label_queries import LabelRow, NewLabel, labels
from pipeline.errors import InputError, LabelError

USES: Final = ("", "train", "validate", "free")
COLUMNS: Final = frozenset(
    ("path", "use", "weight", "value", *(column.name for column in fields(LabelRow)))
)
"""What a file may hold: what an export holds, and paths."""
REQUIRED: Final = frozenset(("plot", "label"))
DIGEST: Final = re.compile("[0-9a-f]{64}")
FAULTS_SHOWN: Final = 20


@dataclass(slots=True)
class Faults:
    """The faulty lines of a file, told together."""

    file: Path
    texts: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, number: int) -> Iterator[None]:
        """Note an InputError as a fault of line ``number`` and go on."""
        try:
            yield
        except InputError as error:
            self.texts.append(f"line {number}: {error}")

    def tell(self) -> None:
        """Raise a LabelError that lists the faults, if there are any."""
        if not self.texts:
            return
        more = len(self.texts) - FAULTS_SHOWN
        shown = [*self.texts[:FAULTS_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise LabelError(
            f"{self.file}: {len(self.texts)} faulty lines, nothing imported:\n" + "\n".join(shown)
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
                sha256=_digest(columns.get("sha256", ""), source),
                label=columns["label"],
                user=columns.get("user") or default_user,
                comment=columns.get("comment", ""),
                source="import",
            )
            use, weight, value = _training(columns)
            lines.append(Line(number, label, source, columns, use, weight, value))
    faults.tell()
    return lines


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
    names = [column.name for column in fields(LabelRow)]
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


def _training(columns: dict[str, str]) -> tuple[str | None, int | None, float | None]:
    use, weight, value = (columns.get(name, "").strip() for name in ("use", "weight", "value"))
    if use not in USES:
        raise LabelError(f"expected a use of train, validate or free, received {use!r}")
    if weight and not (weight.isdecimal() and int(weight) <= 100):
        raise LabelError(f"expected a weight of 0 to 100, received {weight!r}")
    try:
        number = float(value) if value else None
    except ValueError as error:
        raise LabelError(f"expected a number as value, received {value!r}") from error
    if number is not None and not math.isfinite(number):
        raise LabelError(f"expected a finite number as value, received {value!r}")
    return use or None, int(weight) if weight else None, number


def _digest(told: str, source: Path | None) -> str:
    if told and not DIGEST.fullmatch(told):
        raise LabelError(f"expected a SHA-256 of 64 digits in lower case, received {told!r}")
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
