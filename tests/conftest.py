"""Fixtures every room's tests share: all traffic stays on this machine."""

import os

import pytest
from hypothesis import settings

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
# How long an example takes tells of the machine, not of the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def crowd() -> float:
    """Tell by how much this machine is overbooked; everything takes that much longer."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def free_port() -> int:
    """Give a TCP and UDP port that nothing on loopback uses now."""
    from hydra_ioc.bench.stand import free_ports

    return free_ports(1)[0]


@pytest.fixture
def unused_port() -> int:
    """A port on loopback for one server of a test."""
    return free_port()
