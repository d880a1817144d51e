"""A live IOC in a process of its own, and PyDM on an offscreen display."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

from tests.conftest import free_port


class Slot:
    """Ports of one IOC, held until it starts: nobody else takes them meanwhile."""

    def __init__(self):
        self._held = contextlib.ExitStack()
        self.ca, self.tcp, self.udp = (self._hold() for _ in range(3))

    def _hold(self):
        port = free_port()
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            self._held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
        return str(port)

    def give(self):
        self._held.close()
        return self.ca, self.tcp, self.udp


SLOTS = [Slot() for _ in range(5)]
"""CA, pvAccess TCP and pvAccess UDP port: an IOC each, all known to the client.

An IOC that comes back on old ports under an old name is found by libca only
after its search period; tests that do not test that take fresh ones.
"""
os.environ.update(
    {
        "QT_API": "pyqt5",
        "QT_QPA_PLATFORM": "offscreen",
        "EPICS_CA_ADDR_LIST": " ".join(f"127.0.0.1:{slot.ca}" for slot in SLOTS),
        "EPICS_PVA_ADDR_LIST": " ".join(f"127.0.0.1:{slot.udp}" for slot in SLOTS),
        "XDG_CONFIG_HOME": tempfile.mkdtemp(prefix="hy"),
        "XDG_RUNTIME_DIR": tempfile.mkdtemp(prefix="hy"),
    }
)


class LiveIoc:
    """The fake IOC as a process that tests drive, stop and kill."""

    def __init__(self, slot, plots):
        self.prefix = f"T{slot}:"
        ca, tcp, udp = SLOTS[slot].give()
        ports = {
            "EPICS_CA_SERVER_PORT": ca,
            "EPICS_CAS_SERVER_PORT": ca,
            "EPICS_PVAS_SERVER_PORT": tcp,
            "EPICS_PVAS_BROADCAST_PORT": udp,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.displays.fake_ioc", self.prefix, str(plots)],
            env=os.environ | ports,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline().strip() == "ready"

    def say(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "done"

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def live_ioc():
    """Start IOCs that a test may kill; every test takes a slot of its own."""
    made = []

    def make(slot, plots=4):
        ioc = LiveIoc(slot, plots)
        made.append(ioc)
        return ioc

    yield make
    for ioc in made:
        ioc.kill()


@pytest.fixture(scope="session")
def lasting_ioc():
    """One IOC of four plots that no test kills."""
    ioc = LiveIoc(0, 4)
    yield ioc
    ioc.kill()


@pytest.fixture(scope="session")
def qapp_cls():
    from pydm import PyDMApplication

    class Application(PyDMApplication):
        def __init__(self, *_):
            super().__init__(use_main_window=False, command_line_args=["test"])

    return Application
