"""The facility's PVs: beam current and run number."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ioc.facility import number
from pipeline.alarm import Severity, Status
from pipeline.messages import SetConditions, SnapshotRequest
from tests.ioc.rig import CaClient, Rig, free_ports, wait_until
from tests.ioc.test_record_behaviour import GOOD

FACILITY = """
from caproto.server import PVGroup, pvproperty, run
class Facility(PVGroup):
    beam = pvproperty(value=100.0, name="BEAM", record="ai")
    run = pvproperty(value=131458, name="RUN")
run(Facility(prefix="FAC:").pvdb, interfaces=["127.0.0.1"])
"""


class Facility:
    """An IOC of the facility, on a port of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        script = folder / "facility.py"
        script.write_text(FACILITY)
        self.process = subprocess.Popen(
            [sys.executable, script],
            env={
                "PATH": "/usr/bin",
                "EPICS_CA_SERVER_PORT": str(port),
                "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
                "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
            },
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize(
    ("value", "severity", "expected"),
    [
        (1.5, 0, 1.5),
        (3, 2, 3.0),
        (1.5, 3, None),
        (float("nan"), 0, None),
        (float("inf"), 0, None),
        ("high", 0, None),
        (None, 0, None),
        (True, 0, None),
        ([1, 2], 0, None),
    ],
)
def test_given_what_a_facility_says_when_taken_then_only_numbers_that_are_valid_count(
    value, severity, expected
):
    assert number(value, severity) == expected


def last_conditions(rig: Rig) -> SetConditions | None:
    found = [one for one in rig.keeper.fake.received if isinstance(one, SetConditions)]
    return found[-1] if found else None


def test_given_facility_pvs_when_they_change_and_vanish_then_the_keeper_hears(folder, monkeypatch):
    (port,) = free_ports(1)
    facility = Facility(port, folder)
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", f"127.0.0.1:{port}")
    outside = CaClient(port, prefix="FAC:")
    assert outside.ask("connect", pv="BEAM", timeout=20)["connected"]
    rig = Rig(folder, plots=2, beam={"pv": "FAC:BEAM", "run_pv": "FAC:RUN"})
    try:
        wait_until(
            lambda: (
                (last := last_conditions(rig)) and (last.beam_current, last.run) == (100.0, 131458)
            ),
            "the Keeper hears beam and run",
        )
        assert not rig.ca.ask("connect", pv="BeamCurrent")["write"]
        assert rig.ca.value("BeamCurrent") == 100.0
        outside.put("BEAM", 0.25)
        wait_until(lambda: rig.ca.value("BeamCurrent") == 0.25, "the beam current is shown")
        wait_until(lambda: last_conditions(rig).beam_current == 0.25, "the Keeper hears it")
        wait_until(lambda: rig.ca.value("Beam") == 1, "the beam is off")
        facility.kill()
        wait_until(lambda: last_conditions(rig).beam_current is None, "the Keeper hears of it")
        shown = rig.ca.get("BeamCurrent")
        assert (shown["severity"], shown["status"]) == (Severity.INVALID, Status.LINK)
        assert last_conditions(rig).run == -1
        facility = Facility(port, folder)
        wait_until(lambda: last_conditions(rig).beam_current == 100.0, "the facility is back", 30)
    finally:
        facility.kill()
        outside.close()
        rig.close()


def test_given_a_current_written_by_clients_when_the_keeper_forgets_then_it_is_told_again(rig):
    assert rig.ca.put("BeamCurrent", 77.0, wait=True)["status"] == 1
    rig.keeper.call(rig.keeper.fake.show_site(beam_current=None, beam_on=None))
    rig.keeper.fake.received.clear()
    plot = "PS_hit_rate"
    state = rig.keeper.show_image(plot, GOOD, drawn=False)
    # A gap in the counts: the IOC asks for a snapshot, as after a restart of the Keeper.
    rig.keeper.fake.states[plot] = msgspec.structs.replace(state, count=state.count + 5)
    rig.keeper.show_image(plot, GOOD, drawn=False)
    wait_until(lambda: last_conditions(rig), "the Keeper is told")
    assert any(isinstance(one, SnapshotRequest) for one in rig.keeper.fake.received)
    assert last_conditions(rig).beam_current == 77.0
    assert rig.ca.value("BeamCurrent") == 77.0
