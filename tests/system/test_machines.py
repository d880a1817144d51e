"""Stages on two machines: two network namespaces joined by a cable, tcp with CURVE keys."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hydra_ioc.bench.plots import repeated
from hydra_ioc.bench.stand import Stand, wait_for
from hydra_ioc.supervision import executable
from tests.system.rows import history, keys, recorded

pytestmark = pytest.mark.timeout(240)

ENDPOINTS = "orders workers reports states commands health_ioc health_keeper health_guard".split()
FIRST_PORT = 25000


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass(frozen=True)
class Machines:
    """Names of two namespaces, and the address of the first."""

    here: str
    there: str
    address: str = "10.77.0.1"

    def run(self, machine: str, *command: str) -> subprocess.Popen:
        return subprocess.Popen(["ip", "netns", "exec", machine, *command])


@pytest.fixture
def machines() -> Iterator[Machines]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    tag = secrets.token_hex(3)
    made = Machines(f"hy{tag}a", f"hy{tag}b")
    probe = subprocess.run(["ip", "netns", "add", made.here], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no network namespaces here: {probe.stderr.decode().strip()}")
    try:
        ip("netns", "add", made.there)
        ip("link", "add", f"{made.here}0", "netns", made.here, "type", "veth",
           "peer", "name", f"{made.there}0", "netns", made.there)  # fmt: skip
        for name, address in ((made.here, "10.77.0.1/24"), (made.there, "10.77.0.2/24")):
            ip("-n", name, "addr", "add", address, "dev", f"{name}0")
            ip("-n", name, "link", "set", f"{name}0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield made
    finally:
        for name in (made.here, made.there):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_given_a_worker_on_another_machine_when_plots_come_then_it_judges_them_over_curve(
    machines, good_files
):
    endpoints = {
        name: f"tcp://{machines.address}:{FIRST_PORT + number}"
        for number, name in enumerate(ENDPOINTS)
    }
    settings = {
        "sockets": {**endpoints, "curve_folder": "keys"},
        "input": {"resend_s": 3.0, "rescan_s": 3.0},
        "keeper": {"collect_fraction": 0.0},
    }
    with Stand(settings) as stand:
        stand.command("keys", str(stand.folder / "keys"))
        stand.command("db", "upgrade")
        stand.command("models", "install")
        hydra = [executable(), "--config", str(stand.config_file)]
        roles = [
            machines.run(machines.here, *hydra, "keeper"),
            machines.run(machines.here, *hydra, "balancer"),
            machines.run(machines.here, *hydra, "feeder"),
            machines.run(machines.there, *hydra, "predict"),
        ]
        try:
            files = repeated(good_files, 12)
            for file in files:
                stand.drop(file.name, file.data)
            wait_for(lambda: recorded(stand) >= 12, "12 rows", 90)
            assert keys(history(stand)) == sorted((file.plot, file.chunk) for file in files)
            assert not heard_without_keys(machines, endpoints["states"])
        finally:
            for role in roles:
                role.terminate()
            for role in roles:
                role.wait(30)


LISTENER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.linger = 0
socket.subscribe(b"")
socket.connect(sys.argv[1])
sys.exit(0 if socket.poll(7000) else 7)
"""


def heard_without_keys(machines: Machines, endpoint: str) -> bool:
    """Tell whether somebody without keys hears the catalogue, which comes every 5 s."""
    done = machines.run(machines.there, sys.executable, "-c", LISTENER, endpoint).wait(30)
    assert done in (0, 7)
    return done == 0
