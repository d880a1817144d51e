"""A live IOC in a process of its own, and PyDM on an offscreen display."""

import json
import os
import signal
import subprocess
import sys
import tempfile

import pytest

from tests.conftest import free_port

CA_PORT, PVA_PORT, PVA_UDP = free_port(), free_port(), free_port()
os.environ.update(
    {
        "QT_API": "pyqt5",
        "QT_QPA_PLATFORM": "offscreen",
        "EPICS_CA_SERVER_PORT": str(CA_PORT),
        "EPICS_CA_ADDR_LIST": f"127.0.0.1:{CA_PORT}",
        "EPICS_CAS_SERVER_PORT": str(CA_PORT),
        "EPICS_PVA_SERVER_PORT": str(PVA_PORT),
        "EPICS_PVA_BROADCAST_PORT": str(PVA_UDP),
        "EPICS_PVAS_SERVER_PORT": str(PVA_PORT),
        "EPICS_PVAS_BROADCAST_PORT": str(PVA_UDP),
        "XDG_CONFIG_HOME": tempfile.mkdtemp(prefix="hy"),
    }
)
PREFIX = "T:"


class LiveIoc:
    """The fake IOC as a process that tests drive, stop and kill."""

    def __init__(self, prefix, plots):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.displays.fake_ioc", prefix, str(plots)],
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


@pytest.fixture
def live_ioc():
    made = []

    def make(plots=4, prefix=PREFIX):
        ioc = LiveIoc(prefix, plots)
        made.append(ioc)
        return ioc

    yield make
    for ioc in made:
        ioc.kill()
        ioc.process.stdin.close()
        ioc.process.stdout.close()
