"""The IOC under load: many plots, many clients, a long time.

Run it with ``python -m tests.benchmarks.ioc_soak``: 100 plots with all their
PVs, 20 clients that monitor every one, each plot updated every few seconds.
Prints one JSON object: connection time, latency from the Keeper's message to
the client, resident memory over time, and values that got lost at the end.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from ioc.description import Kind
from ioc.listing import list_all
from tests.ioc.fake_keeper import invent_weights
from tests.ioc.rig import Rig

PROCESSES = 2
CLIENTS = "tests.benchmarks.ioc_clients"


class Clients:
    """Client processes that monitor the same PVs."""

    def __init__(self, rig: Rig, names: list[str], count: int, folder: Path) -> None:
        file = folder / "names"
        file.write_text("\n".join(names))
        port = str(rig.config.ioc.ca_port)
        environment = {
            **os.environ,
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}",
            "EPICS_CA_SERVER_PORT": port,
        }
        shares = [count // PROCESSES + (number < count % PROCESSES) for number in range(PROCESSES)]
        began = time.monotonic()
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", CLIENTS, "--names", str(file), "--clients", str(share)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            for share in shares
            if share
        ]
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "connected\n"
        self.connected_s = time.monotonic() - began

    def ask(self, what: str = "report") -> list[dict[str, Any]]:
        """Ask every process what it heard last."""
        answers = []
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(what + "\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline()))
        return answers

    def close(self) -> None:
        """Kill them, as clients may die."""
        for process in self._processes:
            process.kill()
            process.wait()


def all_names(rig: Rig) -> list[str]:
    """Give every PV that Channel Access serves."""
    listing = list_all(rig.config, rig.catalogue).descriptions.values()
    return [one.name for one in listing if one.kind is not Kind.IMAGE]


def lost(rig: Rig, answers: list[dict[str, Any]]) -> int:
    """Count the final values that a client has not."""
    missing = 0
    for answer in answers:
        for last in answer["last"]:
            for name, state in rig.keeper.fake.states.items():
                missing += last.get(f"T:{name}:Count") != state.count
                missing += last.get(f"T:{name}:Confidence") != state.confidence
    return missing


def soak(
    plots: int = 100,
    clients: int = 20,
    seconds: float = 60.0,
    period_s: float = 5.0,
    names_of: Any = all_names,
) -> dict[str, Any]:
    """Load an IOC and measure it.

    Args:
        plots: Number of plots.
        clients: Number of clients; each monitors every PV of ``names_of``.
        seconds: How long states are sent.
        period_s: Seconds between two images of the same plot.
        names_of: Gives the PVs that clients monitor.
    """
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    rig = Rig(folder, plots=plots)
    rng = random.Random(2)
    names = names_of(rig)
    everybody = Clients(rig, names, clients, folder)
    process = psutil.Process(rig.ioc.process.pid)
    memory = [rig.ioc.memory_bytes]
    used = process.cpu_times()
    begin, sent = time.monotonic(), 0
    everybody.ask("forget")
    try:
        while time.monotonic() < begin + seconds:
            for plot in rig.keeper.fake.entries:
                kind = rng.choice(["Good", "Good", "Good", "Bad"])
                rig.keeper.show_image(plot, invent_weights(kind, rng), drawn=False)
                sent += 1
                pause = begin + sent * period_s / plots - time.monotonic()
                time.sleep(max(0.0, pause))
            memory.append(rig.ioc.memory_bytes)
        wall = time.monotonic() - begin
        spent = process.cpu_times()
        deadline = time.monotonic() + 20
        while (missing := lost(rig, answers := everybody.ask())) and time.monotonic() < deadline:
            time.sleep(0.2)
        half = memory[len(memory) // 2 :]
        return {
            "plots": plots,
            "clients": clients,
            "pvs": len(names),
            "ready_s": round(rig.ioc.ready_s, 2),
            "connected_s": round(everybody.connected_s, 2),
            "seconds": round(wall, 1),
            "states_per_s": round(sent / wall, 1),
            "events_per_s": round(sum(one["events"] for one in answers) / wall),
            "cpu_of_a_core": round((spent.user + spent.system - used.user - used.system) / wall, 2),
            "latency_p50_ms": round(1e3 * max(one["p50_s"] for one in answers), 1),
            "latency_p99_ms": round(1e3 * max(one["p99_s"] for one in answers), 1),
            "memory_mb": [round(one / 1e6, 1) for one in memory],
            "memory_growth_mb": round((max(half) - half[0]) / 1e6, 1),
            "final_values_lost": missing,
        }
    finally:
        everybody.close()
        rig.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plots", type=int, default=100)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--period", type=float, default=5.0)
    chosen = parser.parse_args()
    result = soak(chosen.plots, chosen.clients, chosen.seconds, chosen.period)
    sys.stdout.write(json.dumps(result) + "\n")
