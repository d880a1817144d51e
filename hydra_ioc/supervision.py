"""What runs, and the supervisor's configuration that keeps it running.

The supervisor is supervisord; this module only writes its configuration and
starts and stops it.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from pipeline.config import Config

STOP_WAIT_S = 5
"""How long a process may take to stop before it is killed."""
SETTLED_S = 2
"""A process that lives this long counts as started."""
RETRIES = 1_000_000
"""The supervisor never gives up: an outage of hours must heal by itself."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process of a deployment."""

    name: str
    arguments: tuple[str, ...]
    priority: int
    """Started in this order, stopped in the reverse one."""
    copies: int = 1


def programs(config: Config, *, demo: bool) -> list[Program]:
    """List the processes of a deployment.

    Args:
        config: The deployment.
        demo: Whether the simulated experiment runs beside it.
    """
    predict = ("predict", "--instance", "%(process_num)d")
    listed = [
        Program("keeper", ("keeper",), 10),
        Program("ioc", ("ioc",), 20),
        Program("balancer", ("balancer",), 30),
        Program("predict", predict, 40, config.predict.workers),
        Program("feeder", ("feeder",), 50),
        Program("guard", ("guard",), 60),
    ]
    if demo:
        listed.append(Program("demo", ("demo", "run"), 70))
    return listed


def executable() -> str:
    """Give the path of the ``hydra-ioc`` of this environment."""
    beside = Path(sys.executable).with_name("hydra-ioc")
    return str(beside) if beside.exists() else shutil.which("hydra-ioc") or "hydra-ioc"


def write_effective(config: Config, folder: Path) -> Path:
    """Write the configuration that all processes of this start read.

    Args:
        config: The deployment with what the command line changed.
        folder: Where to write ``deployment.toml``.
    """
    path = folder / "deployment.toml"
    values = config.model_dump(mode="json", exclude_none=True)
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    return path


def write_supervisor(config: Config, listed: Sequence[Program], folder: Path) -> Path:
    """Write the supervisor's configuration.

    Args:
        config: The deployment.
        listed: The processes.
        folder: Where ``deployment.toml`` lies and ``supervisord.conf`` goes.
    """
    logs = config.under_state(Path("log"))
    logs.mkdir(parents=True, exist_ok=True)
    sockets = config.socket_folder()
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    sections = [_supervisor_sections(sockets / "supervisor", logs, folder)]
    sections += [_program_section(program, logs, folder) for program in listed]
    path = folder / "supervisord.conf"
    path.write_text("\n".join(sections), encoding="utf-8")
    return path


def _escaped(text: object) -> str:
    return str(text).replace("%", "%%")


def _supervisor_sections(socket: Path, logs: Path, folder: Path) -> str:
    return f"""[unix_http_server]
file={_escaped(socket)}
chmod=0700

[supervisord]
nodaemon=true
silent=true
logfile={_escaped(logs / "supervisor.log")}
logfile_maxbytes=5MB
logfile_backups=2
pidfile={_escaped(folder / "supervisord.pid")}
childlogdir={_escaped(logs)}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{_escaped(socket)}
"""


def _program_section(program: Program, logs: Path, folder: Path) -> str:
    config_file = folder / "deployment.toml"
    command = f'"{executable()}" --config "{config_file}" '
    name = "%(program_name)s-%(process_num)d" if program.copies > 1 else "%(program_name)s"
    arguments = " ".join(program.arguments)
    if program.copies == 1:
        arguments = arguments.replace("%(process_num)d", "0")
    return f"""[program:{program.name}]
command={_escaped(command)}{arguments}
process_name={name}
numprocs={program.copies}
priority={program.priority}
autorestart=true
startsecs={SETTLED_S}
startretries={RETRIES}
stopwaitsecs={STOP_WAIT_S}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={_escaped(logs / program.name)}{"-%(process_num)d" if program.copies > 1 else ""}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""


class Supervisor:
    """The running supervisord of one deployment."""

    def __init__(self, configuration: Path) -> None:
        """Start supervisord in its own process group.

        Args:
            configuration: The file that ``write_supervisor`` wrote.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id of supervisord."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Give the exit code once it has ended, None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Stop all processes in reverse order, then supervisord."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=12 * STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
