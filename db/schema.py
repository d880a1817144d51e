"""All tables together, for migrations and for the check against drift."""

from typing import Final

from sqlalchemy import MetaData

from db import (
    adaptations,
    audit,
    catalogue,
    data_sets,
    embeddings,
    emulations,
    labels,
    masks,
    models,
    novelties,
    operation,
    performance,
    processes,
    references,
    run_types,
    shadows,
    signoffs,
    trainings,
    users,
)
from db.base import Base

GROUPS: Final = (
    data_sets,
    novelties,
    embeddings,
    references,
    adaptations,
    run_types,
    catalogue,
    labels,
    models,
    operation,
    performance,
    processes,
    users,
    audit,
    masks,
    emulations,
    shadows,
    signoffs,
    trainings,
)
"""The modules whose import puts their tables into the metadata."""

METADATA: Final[MetaData] = Base.metadata
