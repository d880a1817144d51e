"""What a deployment has on record."""

import json
from typing import Any

from sqlalchemy import func, select

from db.engine import make_engine, reading
from db.operation import RunHistory
from hydra_ioc.bench.stand import Stand


def history(stand: Stand, limit: int = 5000) -> list[dict[str, Any]]:
    lines = stand.command("history", "--json", "--limit", str(limit)).splitlines()
    return [json.loads(line) for line in lines]


def keys(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return sorted((row["plot"], row["chunk"]) for row in rows)


def recorded(stand: Stand) -> int:
    """Count the images on record, without a process that takes CPU from those that work."""
    engine = make_engine(stand.config.database_url())
    try:
        with reading(engine) as session:
            return session.scalar(select(func.count()).select_from(RunHistory)) or 0
    finally:
        engine.dispose()
