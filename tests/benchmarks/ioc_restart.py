"""How long a killed IOC is away, and where the time goes.

Run it with ``python -m tests.benchmarks.ioc_restart``: a deployment under its
supervisor, an IOC that is killed with SIGKILL, and two libca clients, one that
was connected and one that begins to search at the kill. Prints a line of JSON for
every round: the seconds from the kill until each step.
"""

import argparse
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

from hydra_ioc.bench.plots import PlotFile, draw_files
from hydra_ioc.bench.stand import Stand, wait_for
from tests.system.ca import CaClient

PLOTS = ["CDC_occupancy", "FCAL_occupancy", "ST_occupancy", "TOF_occupancy"]
PVS = ("Class", "Confidence", "Run", "Chunk", "Count", "Weight:Good", "Threshold:Bad")
PATIENCE_S = 120.0


def serves(stand: Stand) -> bool:
    """Tell whether the IOC listens for Channel Access clients."""
    try:
        socket.create_connection(("127.0.0.1", stand.config.ioc.ca_port), 1.0).close()
    except OSError:
        return False
    return True


def since(killed: float, condition: Callable[[], bool], what: str) -> float:
    """Wait for a condition, give the seconds from the kill until it held."""
    wait_for(condition, what, PATIENCE_S)
    return round(time.monotonic() - killed, 2)


def kill_once(stand: Stand, connected: CaClient, names: list[str]) -> dict[str, float]:
    """Kill the IOC; give when it started, served, and had its clients back."""
    before = connected.get_all(names)
    with contextlib.closing(CaClient(stand)) as fresh:
        fresh.get_all([])  # its process runs and has searched nothing yet
        old = stand.processes("ioc")
        found: dict[str, float] = {}
        killed = time.monotonic()
        for process in old:
            process.kill()
            process.wait(PATIENCE_S)

        def see(step: str, client: CaClient) -> None:
            found[step] = since(killed, lambda: client.get_all(names) == before, step)

        clients = {"client that searches": fresh, "client that was connected": connected}
        watching = [threading.Thread(target=see, args=pair) for pair in clients.items()]
        for thread in watching:
            thread.start()
        found["served"] = since(killed, lambda: serves(stand), "the port of Channel Access")
        (process,) = stand.processes("ioc")
        found["started by the supervisor"] = round(killed_ago(process.create_time(), killed), 2)
        for thread in watching:
            thread.join()
    return dict(sorted(found.items(), key=lambda item: item[1]))


def killed_ago(created: float, killed: float) -> float:
    """Give the seconds from a time of the monotonic clock to one of the calendar."""
    return (created - time.time()) - (killed - time.monotonic())


def show(stand: Stand, client: CaClient, files: list[PlotFile]) -> list[str]:
    """Let every plot be judged once; give the PVs to compare."""
    for file in files:
        stand.drop(file.name, file.data)
    counts = [f"{file.plot}:Count" for file in files]

    def judged() -> bool:
        return all(one.get("value") == 1 for one in client.get_all(counts).values())

    wait_for(judged, "every plot", PATIENCE_S)
    return [f"{file.plot}:{pv}" for file in files for pv in PVS]


def measure(rounds: int) -> Iterator[dict[str, float]]:
    """Kill the IOC of one deployment some times."""
    with Stand({"keeper": {"stale_factor": 100.0}}) as stand:
        stand.command("db", "upgrade")
        stand.command("models", "install")
        stand.start()
        with contextlib.closing(CaClient(stand)) as client:
            names = show(stand, client, draw_files(PLOTS, seed=3))
            for _ in range(rounds):
                yield kill_once(stand, client, names)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    for found in measure(parser.parse_args().rounds):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
