"""Finding images on record by what identifies them."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from db.catalogue import Plot
from db.operation import RunHistory

ImageKey = tuple[int, int, int, str, str]
"""Plot type, run, chunk, period and SHA-256: the unique key of both tables."""

AT_ONCE: Final = 100
"""Keys in one statement.

Source:
    SQLite, "Limits": an expression may be 1000 terms deep.
"""


def recorded(session: Session, keys: Iterable[ImageKey]) -> dict[ImageKey, int]:
    """Find which images have a verdict on record.

    Args:
        session: A session that may read.
        keys: The images.

    Returns:
        Row of ``run_history`` by image, for those that have one.
    """
    return _found(session, RunHistory, keys)


def kept(session: Session, keys: Iterable[ImageKey]) -> dict[ImageKey, int]:
    """Find which images are kept.

    Args:
        session: A session that may read.
        keys: The images.

    Returns:
        Row of ``plots`` by image, for those that are kept.
    """
    return _found(session, Plot, keys)


def by_keys(
    table: type[RunHistory] | type[Plot], keys: Sequence[ImageKey]
) -> Select[int, int, int, str, str, int]:
    """Ask for some images of a table by its unique index.

    Args:
        table: Either table of images.
        keys: At least one image.
    """
    columns = (table.plot_type_id, table.run, table.chunk, table.period, table.sha256)
    # Spelled out: SQLite reads the whole index for (a, b) IN ((1, 2), ...).
    wanted = (
        and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys
    )
    return select(*columns, table.id).where(or_(*wanted))


def _found(
    session: Session, table: type[RunHistory] | type[Plot], keys: Iterable[ImageKey]
) -> dict[ImageKey, int]:
    found: dict[ImageKey, int] = {}
    rest = iter(set(keys))
    while some := list(islice(rest, AT_ONCE)):
        # Few different lengths: SQLAlchemy compiles a statement anew for each.
        length = min(AT_ONCE, 1 << (len(some) - 1).bit_length())
        some += [some[-1]] * (length - len(some))
        for row in session.execute(by_keys(table, some)):
            found[row[0], row[1], row[2], row[3], row[4]] = row[5]
    return found
