"""Channel maps: which part of a plot shows which channel, slot, crate and board.

A table of the user's, CSV with a header line. Columns: ``kind``, ``left``,
``top``, ``right``, ``bottom`` or ``polygon``, and perhaps ``pad``, ``crate``,
``slot``, ``channel``, ``board`` and ``empty``. Kinds:

    cell       a bin of a colour map
    bar        a bin of a histogram, over the whole height of its pad
    map        the box of a pad with a colour map; ``empty`` may name the
               colour of an empty bin
    histogram  the box of a pad with a histogram
    scale      the colour scale of a pad, lowest colour at the bottom
"""

import csv
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import InputError

KINDS: Final = ("cell", "bar", "map", "histogram", "scale")
NUMBERS: Final = ("pad", "crate", "slot", "channel", "board")
SIDES: Final = ("left", "top", "right", "bottom")
FILE_LIMIT: Final = 20_000_000
"""Largest table read, in bytes."""
MOST_ROWS: Final = 100_000
LARGEST: Final = 2**31 - 1
FAULTS_SHOWN: Final = 10
FAULTS_COUNTED: Final = 1000
"""Faulty lines after which reading ends."""
SURPLUS: Final = "more values than columns"
COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
Corner = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in fractions of the image."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A bin of a plot and what reads it; None where the table says nothing."""

    pad: int
    outline: tuple[Corner, ...]
    """Corners (x, y) in fractions of the image; a rectangle has four."""
    crate: int | None = None
    slot: int | None = None
    channel: int | None = None
    board: int | None = None

    @property
    def box(self) -> Box:
        """The box around it."""
        x, y = zip(*self.outline, strict=True)
        return min(x), min(y), max(x), max(y)


@dataclass(frozen=True, slots=True)
class Pad:
    """One coordinate system of a plot."""

    number: int
    style: str
    """``map`` or ``histogram``."""
    box: Box
    cells: tuple[Cell, ...]
    scale: Box | None = None
    empty: tuple[int, int, int] | None = None
    """Red, green and blue of an empty bin; None is found in the image."""


@dataclass(frozen=True, slots=True)
class ChannelMap:
    """The pads of a plot with their cells."""

    pads: tuple[Pad, ...]
    digest: str
    """SHA-256 of the table's bytes."""

    def cells(self) -> Iterator[Cell]:
        """Give all cells of all pads."""
        for pad in self.pads:
            yield from pad.cells

    def crates(self) -> list[int]:
        """List the crates, ascending."""
        return sorted({cell.crate for cell in self.cells() if cell.crate is not None})

    def slots(self) -> list[tuple[int, int]]:
        """List crate and slot of every module, ascending."""
        return sorted(
            {
                (cell.crate, cell.slot)
                for cell in self.cells()
                if cell.crate is not None and cell.slot is not None
            }
        )

    def boards(self) -> list[int]:
        """List the high-voltage boards, ascending."""
        return sorted({cell.board for cell in self.cells() if cell.board is not None})

    def channels(self) -> list[int]:
        """List the channels, ascending."""
        return sorted({cell.channel for cell in self.cells() if cell.channel is not None})


def read_map(file: Path, size: tuple[int, int] = (1, 1)) -> ChannelMap:
    """Read a channel map.

    Args:
        file: The table.
        size: Width and height that stand for the whole image: (1, 1) for
            fractions, those of the image for pixels.

    Returns:
        The map.

    Raises:
        InputError: Lists the faults of the table with their lines.
    """
    try:
        if file.stat().st_size > FILE_LIMIT:
            raise InputError(f"{file} is over the limit of {FILE_LIMIT} bytes")
        data = file.read_bytes()
        # Spreadsheets put a byte order mark first.
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the channel map {file}: {error}") from error
    rows, faults = _rows(text, size)
    if faults:
        shown = "\n  ".join(faults[:FAULTS_SHOWN])
        raise InputError(f"{file} has {len(faults)} faults:\n  {shown}")
    return ChannelMap(tuple(_pads(rows, file)), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    cell: Cell
    empty: tuple[int, int, int] | None


def _rows(text: str, size: tuple[int, int]) -> tuple[list[_Row], list[str]]:
    reader = csv.DictReader(text.splitlines(), restkey=SURPLUS)
    rows: list[_Row] = []
    faults: list[str] = []
    places: dict[tuple[str, int, tuple[Corner, ...]], int] = {}
    try:
        if fault := _header(reader.fieldnames or ()):
            return [], [fault]
        for number, line in enumerate(reader):
            if number >= MOST_ROWS or len(faults) >= FAULTS_COUNTED:
                faults.append(f"line {reader.line_num}: too many lines, or too many faults")
                break
            try:
                row = _row(line, size)
                place = (row.kind, row.cell.pad, row.cell.outline)
                if place in places:
                    raise InputError(f"the same place as line {places[place]}: expected one row")
                places[place] = reader.line_num
                rows.append(row)
            except InputError as error:
                faults.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}")
    return rows, faults


def _header(names: Sequence[str]) -> str:
    """Tell what is wrong with the header line; empty if nothing."""
    known = ("kind", *NUMBERS, *SIDES, "polygon", "empty")
    strange = [name[:40] for name in names if name not in known]
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if strange or twice or not ({*SIDES} <= {*names} or "polygon" in names):
        return (
            f"line 1: expected columns of {', '.join(known)}, separated by commas, each once,"
            f" {', '.join(SIDES)} or polygon among them; received {', '.join(names)[:200]!r}"
        )
    return ""


def _row(line: dict[str, str | None], size: tuple[int, int]) -> _Row:
    if SURPLUS in line:
        raise InputError(f"{SURPLUS}")
    kind = (line.get("kind") or "cell").strip()
    if kind not in KINDS:
        raise InputError(f"expected a kind of {', '.join(KINDS)}, received {kind[:40]!r}")
    numbers = {name: _whole(name, line.get(name)) for name in NUMBERS}
    pad = numbers.pop("pad") or 0
    empty = (line.get("empty") or "").strip()
    if empty and not COLOUR.fullmatch(empty):
        raise InputError(f"expected an empty colour as #rrggbb, received {empty[:40]!r}")
    colour = (int(empty[1:3], 16), int(empty[3:5], 16), int(empty[5:7], 16)) if empty else None
    return _Row(kind, Cell(pad, _outline(line, size), **numbers), colour)


def _outline(line: dict[str, str | None], size: tuple[int, int]) -> tuple[Corner, ...]:
    polygon = (line.get("polygon") or "").split()
    if polygon:
        values = [_number("polygon", value) for value in polygon]
        if len(values) < 6 or len(values) % 2:
            raise InputError("expected three corners x y or more as a polygon")
        corners = list(zip(values[::2], values[1::2], strict=True))
    else:
        left, top, right, bottom = (_number(side, line.get(side)) for side in SIDES)
        if not (left < right and top < bottom):
            raise InputError("expected left < right and top < bottom")
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    outline = tuple((x / size[0], y / size[1]) for x, y in corners)
    if any(not 0.0 <= value <= 1.0 for corner in outline for value in corner):
        raise InputError(
            "a corner lies outside the image: expected fractions 0 to 1, or pixels and their size"
        )
    return outline


def _number(name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError as error:
        raise InputError(f"expected a number as {name}, received {(text or '')[:40]!r}") from error
    if not math.isfinite(value):
        raise InputError(f"expected a finite number as {name}, received {text!r:.40}")
    return value


def _whole(name: str, text: str | None) -> int | None:
    text = (text or "").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 10 or int(text) > LARGEST:
        raise InputError(f"expected a number of a {name}, received {text[:40]!r}")
    return int(text)


def _pads(rows: Sequence[_Row], file: Path) -> Iterator[Pad]:
    for number in sorted({row.cell.pad for row in rows}):
        mine = [row for row in rows if row.cell.pad == number]
        by_kind = {kind: [row for row in mine if row.kind == kind] for kind in KINDS}
        frames = by_kind["map"] + by_kind["histogram"]
        if len(frames) > 1 or len(by_kind["scale"]) > 1 or (by_kind["cell"] and by_kind["bar"]):
            raise InputError(
                f"{file}: pad {number}: expected one frame, one scale, and cells or bars"
            )
        cells = tuple(row.cell for row in by_kind["cell"] + by_kind["bar"])
        if not cells and not frames:
            raise InputError(f"{file}: pad {number}: expected cells, bars or a frame")
        style = "map" if by_kind["cell"] or by_kind["map"] else "histogram"
        yield Pad(
            number,
            style,
            frames[0].cell.box if frames else _around(cells),
            cells,
            by_kind["scale"][0].cell.box if by_kind["scale"] else None,
            frames[0].empty if frames else None,
        )
    if not rows:
        raise InputError(f"{file} holds no cells")


def _around(cells: Sequence[Cell]) -> Box:
    boxes = [cell.box for cell in cells]
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)
