"""The libca client of a system test."""

import json
import os
import subprocess
import sys
from typing import Any

from hydra_ioc.bench.stand import Stand
from hydra_ioc.deployment import epics_environment


class CaClient:
    """Reads and writes PVs of one stand through libca."""

    def __init__(self, stand: Stand) -> None:
        self._prefix = stand.config.prefix
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.ca_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **epics_environment(stand.config)},
        )

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())["answer"]

    def get(self, name: str) -> dict[str, Any]:
        return self.get_all([name])[name]

    def get_all(self, names: list[str]) -> dict[str, dict[str, Any]]:
        full = [f"{self._prefix}{name}" for name in names]
        self._ask(do="connect", names=full)
        answer = self._ask(do="get", names=full)
        return {name: answer[f"{self._prefix}{name}"] for name in names}

    def put(self, name: str, value: Any) -> dict[str, Any]:
        return self._ask(do="put", name=f"{self._prefix}{name}", value=value)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
