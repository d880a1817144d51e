"""All tables together, for migrations and for the check against drift."""

from typing import Final

from sqlalchemy import MetaData

from db import (
    audit,
    catalogue,
    emulations,
    labels,
    masks,
    models,
    operation,
    processes,
    signoffs,
    users,
)
from db.base import Base

GROUPS: Final = (
    catalogue,
    labels,
    models,
    operation,
    processes,
    users,
    audit,
    masks,
    emulations,
    signoffs,
)
"""The modules whose import puts their tables into the metadata."""

METADATA: Final[MetaData] = Base.metadata
