"""Bringing one deployment up, waiting until it serves, and taking it down."""

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from hydra_ioc.supervision import (
    Supervisor,
    executable,
    programs,
    write_effective,
    write_supervisor,
)
from pipeline.config import Config
from pipeline.errors import HydraError

READY_WAIT_S = 120.0
POLL_S = 0.2
SEARCH_S = 1.0
"""How long one search for a PV may take on loopback."""


class StartError(HydraError):
    """The deployment does not come up; the text says what is missing."""


class Stop:
    """Becomes true when the process is told to stop or its time is over."""

    def __init__(self, for_s: float | None) -> None:
        """Catch SIGTERM and SIGINT.

        Args:
            for_s: Stop by itself so many seconds after ``begin``; None for never.
        """
        self._for_s = for_s
        self._deadline: float | None = None
        self._told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def begin(self) -> None:
        """Let the time run: the deployment serves."""
        if self._for_s is not None:
            self._deadline = time.monotonic() + self._for_s

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True

    def __bool__(self) -> bool:
        return self._told or (self._deadline is not None and time.monotonic() > self._deadline)


def epics_environment(config: Config) -> dict[str, str]:
    """Give the variables with which EPICS clients on this machine find the IOC.

    Args:
        config: The deployment.
    """
    hosts = " ".join(config.ioc.interfaces)
    return {
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": hosts,
        "EPICS_CA_SERVER_PORT": str(config.ioc.ca_port),
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_ADDR_LIST": hosts,
        "EPICS_PVA_BROADCAST_PORT": str(config.ioc.pva_port + 1),
        "EPICS_PVA_SERVER_PORT": str(config.ioc.pva_port),
    }


@contextlib.contextmanager
def sole_instance(folder: Path) -> Iterator[None]:
    """Hold the deployment's lock.

    Args:
        folder: The run folder of the deployment.

    Raises:
        StartError: The same deployment runs already.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StartError(
                f"this deployment runs already (process {lock.read().strip() or '?'});"
                " stop it with Ctrl-C or SIGTERM, or use another state_dir"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def bring_up(config: Config, *, demo: bool, screen: bool, for_s: float | None) -> Iterator[str]:
    """Run a deployment until it is told to stop.

    Args:
        config: The deployment.
        demo: Whether the simulated experiment runs beside it.
        screen: Whether to open the Run screen.
        for_s: Stop after serving this many seconds; None for never.

    Yields:
        Lines for the person who started it; the first begins with ``hydra: ready``.

    Raises:
        StartError: It runs already, does not come up, or its supervisor died.
    """
    run = config.under_state(Path("run"))
    with sole_instance(run):
        stop = Stop(for_s)
        write_effective(config, run)
        supervisor = Supervisor(write_supervisor(config, programs(config, demo=demo), run))
        window: subprocess.Popen[bytes] | None = None
        try:
            served = _wait_until_served(config, supervisor, stop)
            if served is not None:
                stop.begin()
                yield f"hydra: ready: {served} plots, prefix {config.prefix}"
                window = _open_screen(run) if screen else None
            while not stop and supervisor.exit_code() is None:
                time.sleep(POLL_S)
            if supervisor.exit_code() is not None:
                raise StartError(
                    f"the supervisor ended with code {supervisor.exit_code()};"
                    f" see {config.under_state(Path('log'))}"
                )
        finally:
            if window is not None:
                window.terminate()
            supervisor.stop()
    yield "hydra: stopped"


def _open_screen(run: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([executable(), "--config", str(run / "deployment.toml"), "screen"])


def _wait_until_served(config: Config, supervisor: Supervisor, stop: Stop) -> int | None:
    """Ask over Channel Access for every plot's Class, as a client would.

    Returns:
        The number of plots; None when told to stop before.
    """
    os.environ.update(epics_environment(config))
    logging.getLogger("caproto").setLevel(logging.WARNING)
    deadline = time.monotonic() + READY_WAIT_S
    names: list[str] | None = None
    served: set[str] = set()
    while not stop:
        if supervisor.exit_code() is not None:
            raise StartError(
                f"the supervisor ended; see {config.under_state(Path('log/supervisor.log'))}"
            )
        if names is None:
            names = _plot_names(config.prefix)
        for name in [name for name in names or () if name not in served]:
            if _read(f"{config.prefix}{name}:Class") is None:
                break
            served.add(name)
        if names is not None and len(served) == len(names):
            return len(names)
        if time.monotonic() > deadline:
            missing = ", ".join(name for name in names or ["Catalogue"] if name not in served)
            raise StartError(
                f"not every PV is served after {READY_WAIT_S:.0f} s, missing: {missing};"
                f" see {config.under_state(Path('log'))}"
            )
        time.sleep(POLL_S)
    return None


def _plot_names(prefix: str) -> list[str] | None:
    """Read the catalogue PV; None until the IOC has one."""
    data = _read(f"{prefix}Catalogue")
    text = bytes(data).rstrip(b"\0").decode() if data is not None else ""
    return [plot["name"] for plot in json.loads(text)["plots"]] if text else None


def _read(name: str) -> Any:
    """Read a PV; None while nobody serves it."""
    from caproto import CaprotoError
    from caproto.sync.client import read

    try:
        return read(name, timeout=SEARCH_S, repeater=False).data
    except (CaprotoError, TimeoutError, OSError):
        return None
