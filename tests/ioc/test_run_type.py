"""Over EPICS: the run type, from clients or from a PV of the facility."""

import subprocess
import sys
from pathlib import Path

import pytest

from ioc.facility import text
from pipeline.alarm import Severity, Status
from pipeline.messages import SetRunType
from tests.ioc.rig import CaClient, Rig, free_ports, wait_until

NORMAL, PUT_FAILED = 1, 160
FACILITY = """
from caproto import ChannelType
from caproto.server import PVGroup, pvproperty, run
class Facility(PVGroup):
    kind = pvproperty(value="production", name="TYPE", dtype=ChannelType.ENUM,
                      enum_strings=["production", "cosmic"])
run(Facility(prefix="FAC:").pvdb, interfaces=["127.0.0.1"])
"""


def told(rig: Rig) -> list[SetRunType]:
    return [one for one in rig.keeper.fake.received if isinstance(one, SetRunType)]


def test_given_a_run_type_when_put_then_the_keeper_has_it_before_the_put_is_done(rig: Rig):
    rig.keeper.fake.received.clear()
    assert rig.ca.put("RunType", "cosmic", wait=True)["status"] == NORMAL
    (command,) = told(rig)
    assert (command.run_type, command.measured, command.who.host) == ("cosmic", False, "127.0.0.1")
    assert rig.ca.value("RunType") == "cosmic"
    wait_until(lambda: rig.pva.get("T:RunType") == "cosmic", "the run type")


def test_given_a_keeper_that_refuses_a_run_type_when_put_then_the_client_sees_why(rig: Rig):
    before = rig.ca.value("RunType")
    rig.keeper.fake.refuse_with = "no references are of run type 'helium'"
    answer = rig.ca.put("RunType", "helium", wait=True)
    rig.keeper.fake.refuse_with = None
    assert answer["status"] == PUT_FAILED
    assert "no references are of run type" in answer["exceptions"][0]["text"]
    assert rig.ca.value("RunType") == before


@pytest.mark.parametrize("value", ["two\nlines", "x" * 60], ids=["control", "long"])
def test_given_what_is_no_run_type_when_put_over_pva_then_it_never_reaches_the_keeper(rig, value):
    rig.keeper.fake.received.clear()
    with pytest.raises(Exception, match="expected"):
        rig.pva.put("T:RunType", value)
    assert not told(rig)


@pytest.mark.parametrize(
    ("value", "severity", "expected"),
    [
        (" cosmic ", 0, "cosmic"),
        ("cosmic", 2, "cosmic"),
        ("", 0, ""),
        ("cosmic", 3, None),
        ("a\nb", 0, None),
        (3, 0, None),
        (None, 0, None),
    ],
)
def test_given_what_a_facility_says_when_taken_as_text_then_only_valid_text_counts(
    value, severity, expected
):
    assert text(value, severity) == expected


def test_given_a_facility_pv_when_it_changes_and_vanishes_then_the_run_type_follows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (port,) = free_ports(1)
    script = folder / "facility.py"
    script.write_text(FACILITY)
    facility = subprocess.Popen(
        [sys.executable, script],
        env={
            "PATH": "/usr/bin",
            "EPICS_CA_SERVER_PORT": str(port),
            "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
            "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        },
        stderr=subprocess.DEVNULL,
    )
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", f"127.0.0.1:{port}")
    outside = CaClient(port, prefix="FAC:")
    rig = None
    try:
        assert outside.ask("connect", pv="TYPE", timeout=20)["connected"]
        rig = Rig(folder, plots=1, beam={"run_type_pv": "FAC:TYPE"})
        wait_until(lambda: [one.run_type for one in told(rig)] == ["production"], "the first")
        assert told(rig)[0].measured
        assert not rig.ca.ask("connect", pv="RunType")["write"]
        wait_until(lambda: rig.ca.value("RunType") == "production", "it is shown")
        assert rig.ca.get("RunType", 14)["severity"] == 0
        rig.keeper.fake.refuse_with = "the database is away"
        outside.put("TYPE", 1, ftype=3)
        wait_until(lambda: told(rig)[-1].run_type == "cosmic", "the change")
        assert rig.ca.value("RunType") == "production"
        rig.keeper.fake.refuse_with = None
        wait_until(lambda: rig.ca.value("RunType") == "cosmic", "it is told until it is taken")
        facility.kill()
        facility.wait()
        wait_until(lambda: rig.ca.get("RunType", 14)["severity"] == Severity.INVALID, "its loss")
        lost = rig.ca.get("RunType", 14)
        assert (lost["value"], lost["status"]) == ("cosmic", Status.LINK)
        assert told(rig)[-1].run_type == "cosmic"
    finally:
        facility.kill()
        facility.wait()
        outside.close()
        if rig is not None:
            rig.close()
