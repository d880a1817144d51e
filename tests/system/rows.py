"""What a deployment has on record."""

import json
from typing import Any

from hydra_ioc.bench.stand import Stand


def history(stand: Stand, limit: int = 5000) -> list[dict[str, Any]]:
    lines = stand.command("history", "--json", "--limit", str(limit)).splitlines()
    return [json.loads(line) for line in lines]


def keys(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return sorted((row["plot"], row["chunk"]) for row in rows)
