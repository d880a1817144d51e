"""What all tables share: names of constraints, column types, table options."""

from typing import Annotated, Any, Final

from sqlalchemy import JSON, BigInteger, Double, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name that a later migration can call it by.

Source:
    Alembic documentation, "The Importance of Naming Constraints".
"""

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""Key of the tables that grow with the images; SQLite counts up only INTEGER."""

DOCUMENT = JSON(none_as_null=True)
"""A JSON value; ``None`` is stored as NULL."""

Id = Annotated[int, mapped_column(Integer, primary_key=True)]
BigId = Annotated[int, mapped_column(BIG, primary_key=True)]
Epoch = Annotated[float, mapped_column(Double)]
"""Seconds since the Unix epoch, as in the messages and the PVs."""
Real = Annotated[float, mapped_column(Double)]
ShortName = Annotated[str, mapped_column(String(100))]
LongName = Annotated[str, mapped_column(String(500))]
Sha256 = Annotated[str, mapped_column(String(64))]
Weights = Annotated[dict[str, float], mapped_column(DOCUMENT)]
"""A number by label."""
Document = Annotated[Any, mapped_column(DOCUMENT)]


OPTIONS: Final = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
}
"""Text is compared byte by byte, as in SQLite: neither case nor a space at the end
is passed over, in names of plots and of users alike."""


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    __table_args__: Any = OPTIONS


def table(*constraints: Any) -> Any:
    """Give the ``__table_args__`` of a table with constraints of its own.

    Args:
        constraints: Constraints and indexes.

    Returns:
        The constraints with ``OPTIONS`` behind them.
    """
    return (*constraints, OPTIONS)
