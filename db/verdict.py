"""A verdict as it is recorded, and the way a row gets its key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, insert
from sqlalchemy.orm import Session

from pipeline.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verdict as it is recorded."""

    plot_type_id: int
    model_id: int | None
    period: str
    run: int
    chunk: int
    sha256: str
    image_time: float
    label: str
    confidence: float
    confirmed: bool
    output: Mapping[str, float]
    """All weights by label."""
    thresholds: Mapping[str, float]
    """Thresholds by label, as they are now."""
    unbiased: bool
    late: bool
    offline: bool = False
    beam_current: float | None = None
    error: str = ""


def insert_row(session: Session, table: Any, values: dict[str, Any]) -> int:
    """Insert one row and give its key.

    Args:
        session: A session of a transaction that writes.
        table: A mapped class.
        values: Value by column.

    Raises:
        StoreError: The database gave no key.
    """
    result = cast("CursorResult[Any]", session.execute(insert(table).values(values)))
    key = result.inserted_primary_key
    if key is None:
        raise StoreError(f"the database gave no key for a row of {table.__tablename__}")
    return int(key[0])
