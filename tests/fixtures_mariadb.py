"""A real MariaDB server of our own, for the tests that need one.

A room's conftest takes it over with::

    from tests.fixtures_mariadb import mariadb, mariadb_server  # noqa: F401
"""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests.conftest import free_port

START_S = 60.0
STOP_S = 30.0
PASSWORD = "only for tests"  # noqa: S105 - a server of our own, on loopback only


class MariaDb:
    """One server on a private data directory, reachable on loopback only."""

    def __init__(self, folder: Path) -> None:
        """Initialise the data directory; ``start`` starts the server."""
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._init_file = folder / "init.sql"
        self._init_file.write_text(
            f"CREATE USER IF NOT EXISTS 'hydra'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO 'hydra'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        self._run_install()

    @property
    def pid(self) -> int:
        """The server's process."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def url(self, database: str, *, password: bool = True) -> str:
        """Give the SQLAlchemy URL of a database of this server."""
        secret = f":{PASSWORD.replace(' ', '%20')}" if password else ""
        return f"mariadb+pymysql://hydra{secret}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self.folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    _program("mariadbd"),
                    "--no-defaults",
                    f"--user={getpass.getuser()}",
                    f"--datadir={self.folder / 'data'}",
                    f"--socket={self.folder / 'socket'}",
                    f"--pid-file={self.folder / 'pid'}",
                    f"--init-file={self._init_file}",
                    "--bind-address=127.0.0.1",
                    f"--port={self.port}",
                    "--skip-name-resolve",
                    "--innodb-buffer-pool-size=32M",
                    "--innodb-log-file-size=16M",
                    "--performance-schema=OFF",
                    "--skip-log-bin",
                    # A commit survives the end of the process, not of the machine.
                    "--innodb-flush-log-at-trx-commit=2",
                    "--innodb-doublewrite=OFF",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"no MariaDB: {(self.folder / 'server.log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server in good order, and by force when it does not."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
        self._process = None

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None

    def freeze(self) -> None:
        """Let the server hang: connections open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a hanging server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def execute(self, statement: str) -> None:
        """Run one statement of administration."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()

    def _connect(self) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="hydra", password=PASSWORD, connect_timeout=2
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _run_install(self) -> None:
        done = subprocess.run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                f"--user={getpass.getuser()}",
                f"--datadir={self.folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed: {done.stdout}{done.stderr}")


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(f"{name} is missing; on Debian: apt-get install mariadb-server", pytrace=False)
    return found


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    """A server for the whole session. Who stops or freezes it starts it again."""
    folder = Path(tempfile.mkdtemp(prefix="hydb"))
    server = MariaDb(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def mariadb(mariadb_server: MariaDb) -> Iterator[str]:
    """The URL of an empty database of its own for one test."""
    name = f"hydra_{uuid.uuid4().hex[:12]}"
    mariadb_server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    yield mariadb_server.url(name)
    mariadb_server.execute(f"DROP DATABASE {name}")
