"""What is measured on a running stand: throughput, burst and latency."""

import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hydra_ioc.bench.listener import DoneListener
from hydra_ioc.bench.plots import PlotFile, repeated
from hydra_ioc.bench.stand import Stand, StandError, reveal, wait_for
from hydra_ioc.deployment import epics_environment

BURST_WAIT_S = 60.0


class Client:
    """A libca client of a stand."""

    def __init__(self, stand: Stand) -> None:
        """Load libca for this stand; one stand per process.

        Args:
            stand: Its processes run.
        """
        os.environ.update(epics_environment(stand.config))
        import epics

        self._epics = epics
        self._prefix = stand.config.prefix

    def monitor(self, name: str, callback: Any = None) -> Any:
        """Connect to a PV and monitor it.

        Args:
            name: PV name without the prefix.
            callback: Called by libca's thread with every event.

        Raises:
            StandError: It does not connect.
        """
        channel = self._epics.PV(f"{self._prefix}{name}", callback=callback, auto_monitor=True)
        if not channel.wait_for_connection(timeout=30):
            raise StandError(f"PV {self._prefix}{name} does not connect")
        return channel


def throughput(stand: Stand, files: list[PlotFile]) -> float:
    """Drop files all at once and measure how fast they are committed.

    Args:
        stand: Its processes run and are idle.
        files: Chunks not used before.

    Returns:
        Images per second from the first drop to the last commit.
    """
    # Writing them is the producer's work: it is done before the clock starts.
    hidden = [stand.lay(file.name, file.data) for file in files]
    with listening(stand) as listener:
        begun = time.monotonic()
        for path in hidden:
            reveal(path)
        times = listener.wait(len(files), BURST_WAIT_S)
    return len(files) / (times[-1] - begun)


@contextlib.contextmanager
def listening(stand: Stand) -> Iterator[DoneListener]:
    """Hear the commits of a stand while in the context."""
    listener = DoneListener(stand.config)
    try:
        time.sleep(0.5)  # a subscription takes a moment and gives no sign
        yield listener
    finally:
        listener.close()


def burst(stand: Stand, client: Client, files: list[PlotFile]) -> float:
    """Drop one image of every plot at once and wait until all are on their PVs.

    Args:
        stand: Its processes run and are idle.
        client: A libca client of the stand.
        files: One per plot type.

    Returns:
        Seconds from the first drop to the last ``Count`` seen by libca.
    """
    counts = {file.plot: client.monitor(f"{file.plot}:Count") for file in files}
    before = {plot: int(pv.get(timeout=10)) for plot, pv in counts.items()}
    begun = time.monotonic()
    for file in files:
        stand.drop(file.name, file.data)
    wait_for(
        lambda: all(int(pv.value) > before[plot] for plot, pv in counts.items()),
        "every plot's Count to rise",
        BURST_WAIT_S,
    )
    return time.monotonic() - begun


@dataclass(frozen=True, slots=True)
class Latency:
    """From a closed file to its severity at a libca client, in milliseconds."""

    samples: int
    p50_ms: float
    p99_ms: float


def latency(
    stand: Stand, client: Client, pairs: list[tuple[PlotFile, PlotFile]], count: int
) -> Latency:
    """Drop one image per second, good and bad in turn, and time the severity change.

    Args:
        stand: Its processes run and are idle.
        client: A libca client of the stand.
        pairs: A good and a bad image of each plot that is used.
        count: How many images.

    Returns:
        The latencies of all images whose severity changed.
    """
    changes: dict[str, float] = {}

    def heard(pvname: str = "", severity: int = -1, **_: Any) -> None:
        changes[f"{pvname} {severity > 0}"] = time.monotonic()

    for good, _ in pairs:
        client.monitor(f"{good.plot}:Class", heard)
    time.sleep(1.0)
    samples = []
    for number in range(count):
        good, bad = pairs[number % len(pairs)]
        turn = number // len(pairs)
        file = replace(bad if turn % 2 else good, chunk=5000 + turn)
        key = f"{stand.config.prefix}{file.plot}:Class {file.bad}"
        changes.pop(key, None)
        begun = time.monotonic()
        stand.drop(file.name, file.data)
        if turn > 0:  # the first round sets the severity that the others change
            wait_for(lambda key=key: key in changes, f"{key} after {file.name}", 10.0)  # type: ignore[misc]
            samples.append((changes[key] - begun) * 1000)
        time.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))
    samples.sort()
    return Latency(
        len(samples),
        statistics.median(samples),
        samples[min(len(samples) - 1, int(0.99 * len(samples)))],
    )


def settle(stand: Stand, files: list[PlotFile]) -> None:
    """Let every plot have one image, so that caches and models are warm."""
    throughput(stand, repeated(files, len(files), first_chunk=9000))
