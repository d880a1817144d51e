"""A deployment of its own in an empty folder, on free ports, to measure and to try."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from hydra_ioc.deployment import epics_environment
from hydra_ioc.supervision import (
    Program,
    Supervisor,
    executable,
    programs,
    write_effective,
    write_supervisor,
)
from pipeline.config import Config
from pipeline.errors import HydraError

PATIENCE_S = 90.0
PORTS = (20_000, 32_000)
"""Where free ports are looked for: not privileged, and not handed out by the kernel.

Source:
    Linux kernel documentation, ip-sysctl, ``ip_local_port_range``: 32768 to 60999.
"""


class StandError(HydraError):
    """The stand does not do what it was made for."""


def free_ports(count: int) -> list[int]:
    """Find ports that neither TCP nor UDP uses on loopback now.

    They lie below the range from which the kernel gives ports to outgoing
    connections: one of those could take a port before it is used.

    Args:
        count: How many; each leaves its successor free as well.
    """
    chosen = random.SystemRandom()
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            port = chosen.randrange(*PORTS)
            with contextlib.suppress(OSError):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    for number in (port, port + 1):
                        one = held.enter_context(socket.socket(socket.AF_INET, kind))
                        one.bind(("127.0.0.1", number))
                found.append(port)
    return found


class Stand:
    """One deployment under its own supervisor.

    Used as a context manager: the folder, the processes and the sockets are
    gone afterwards.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        """Choose a folder and ports.

        Args:
            settings: Tables of the configuration file that differ from the
                defaults, such as ``{"predict": {"workers": 1}}``.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="hydra-"))
        ca_port, pva_port = free_ports(2)
        values: dict[str, Any] = {
            "prefix": "STAND:",
            "state_dir": str(self.folder),
            **(settings or {}),
        }
        values["ioc"] = {"ca_port": ca_port, "pva_port": pva_port, **values.get("ioc", {})}
        self.config = Config.model_validate(values)
        self.tree = self.config.under_state(self.config.input.trees[0])
        self._supervisor: Supervisor | None = None
        self.tree.mkdir(parents=True, exist_ok=True)
        run = self.folder / "run"
        run.mkdir()
        self.config_file = write_effective(self.config, run)

    def __enter__(self) -> Self:
        """Give the stand; nothing runs yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything and remove the folder; keep the logs of a failure."""
        self.stop()
        if error is not None:
            kept = Path(tempfile.mkdtemp(prefix="hydra-failed-"))
            if (self.folder / "log").exists():
                shutil.copytree(self.folder / "log", kept / "log")
            error.add_note(f"logs of the processes: {kept / 'log'}")
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.config.socket_folder() != self.config.under_state(self.config.sockets.folder):
            shutil.rmtree(self.config.socket_folder(), ignore_errors=True)

    def command(self, *arguments: str, timeout_s: float = PATIENCE_S) -> str:
        """Run ``hydra-ioc`` on this deployment.

        Args:
            arguments: Subcommand and its arguments.
            timeout_s: How long it may take.

        Returns:
            What it printed on standard output.

        Raises:
            StandError: It failed; the text holds what it said.
        """
        done = subprocess.run(
            [executable(), "--config", str(self.config_file), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, **epics_environment(self.config)},
        )
        if done.returncode != 0:
            raise StandError(f"hydra-ioc {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def start(self, leave_out: tuple[str, ...] = ()) -> None:
        """Start the processes.

        Args:
            leave_out: Names of programs that shall not run.
        """
        listed: list[Program] = [
            program
            for program in programs(self.config, demo=False)
            if program.name not in leave_out
        ]
        self._supervisor = Supervisor(
            write_supervisor(self.config, listed, self.config_file.parent)
        )

    def stop(self) -> None:
        """Stop the processes, if any run."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None

    def processes(self, title: str) -> list[psutil.Process]:
        """List the running processes of a role.

        Args:
            title: As ``ps`` shows it without ``hydra-ioc``, such as ``keeper``
                or ``predict-0``; a prefix is enough.
        """
        if self._supervisor is None:
            return []
        return list(self._children(f"hydra-ioc {title}"))

    def cpu_times(self) -> dict[str, float]:
        """Give the CPU time of each process so far, in seconds, by its title."""
        used: dict[str, float] = {}
        for process in self._children("hydra-ioc "):
            title = " ".join(process.cmdline()).split()[1]
            times = process.cpu_times()
            used[title] = used.get(title, 0.0) + times.user + times.system
        return used

    def _children(self, title: str) -> Iterator[psutil.Process]:
        if self._supervisor is None:
            return
        for child in psutil.Process(self._supervisor.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if " ".join(child.cmdline()).startswith(title):
                    yield child

    def drop(self, name: str, data: bytes, run: int = 1, period: str = "RunPeriod-2026-11") -> Path:
        """Put a plot file into the input tree, as a careful producer does.

        Args:
            name: File name, such as ``CDC_occupancy_0001.png``.
            data: Its bytes.
            run: Run number, for the folder.
            period: Run period, for the folder.

        Returns:
            Where the file lies until it is judged.
        """
        return reveal(self.lay(name, data, run, period))

    def lay(self, name: str, data: bytes, run: int = 1, period: str = "RunPeriod-2026-11") -> Path:
        """Write a plot file under a name that nobody watches; ``reveal`` drops it.

        Args:
            name: File name, such as ``CDC_occupancy_0001.png``.
            data: Its bytes.
            run: Run number, for the folder.
            period: Run period, for the folder.

        Returns:
            The hidden file.
        """
        folder = self.tree / period / f"Run{run:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        hidden = folder / f".{name}"
        hidden.write_bytes(data)
        return hidden


def reveal(hidden: Path) -> Path:
    """Give a file that ``Stand.lay`` wrote its name; gives where it lies then."""
    return hidden.rename(hidden.with_name(hidden.name.removeprefix(".")))


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> float:
    """Wait until a condition holds.

    Args:
        condition: Asked every 50 ms.
        what: For the message when it never holds.
        timeout_s: How long to wait.

    Returns:
        How long it took, in seconds.

    Raises:
        StandError: It did not hold in time.
    """
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > timeout_s:
            raise StandError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(0.05)
    return time.monotonic() - begun
