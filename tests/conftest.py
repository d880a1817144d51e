"""Fixtures every room's tests share: all traffic stays on this machine."""

import os
import socket

import pytest

os.environ.update(
    {
        "QT_API": "pyqt5",
        "QT_QPA_PLATFORM": "offscreen",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "CAPROTO_MAX_SUBSCRIPTION_BACKLOG": "4",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
)


def free_port() -> int:
    """Give a TCP and UDP port that nothing on loopback uses now."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(port)


@pytest.fixture
def unused_port() -> int:
    """A port on loopback for one server of a test."""
    return free_port()
