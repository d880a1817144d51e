"""Over EPICS: similarity, novelty and the picture of the references."""

import json
import math

import msgspec
import numpy as np
import pytest

from pipeline.alarm import Severity
from pipeline.messages import ReferencePicture, SetThreshold, SimilarityRef
from tests.ioc.rig import Rig, wait_until

PLOT = "BCAL_occupancy"
NAME = f"T:{PLOT}:Reference"
NORMAL, PUT_FAILED = 1, 160
CTRL_DOUBLE = 34
JPEG = b"\xff\xd8 most typical \xff\xd9"
REFERENCES = SimilarityRef(set_id=7, version=2, count=6, threshold=0.002, made_at=1.8e9)


def show_entry(rig: Rig, **changes: object) -> None:
    fake = rig.keeper.fake
    entry = msgspec.structs.replace(fake.entries[PLOT], **changes)
    rig.keeper.call(fake.show_catalogue(entry))


def test_given_references_when_they_come_and_go_then_their_picture_does_and_is_never_stale(
    rig: Rig,
):
    fake = rig.keeper.fake
    show_entry(rig, similarity=REFERENCES)
    wait_until(lambda: rig.ca.value(f"{PLOT}:Similarity") is not None, "the similarity")
    assert rig.pva.get(NAME).raw["alarm.severity"] == Severity.INVALID

    # Another version: its picture is asked for, and not confused with that of the last.
    fake.references.append((ReferencePicture(plot=PLOT, set_id=8), JPEG))
    show_entry(rig, similarity=msgspec.structs.replace(REFERENCES, set_id=8, version=3))
    wait_until(lambda: bytes(np.asarray(rig.pva.get(NAME).raw["value"])) == JPEG, "the picture")
    shown = rig.pva.get(NAME).raw
    assert shown["codec.name"] == "jpeg"
    assert shown["alarm.severity"] == 0
    assert shown["timeStamp.secondsPastEpoch"] == 1_800_000_000

    show_entry(rig, similarity=msgspec.structs.replace(REFERENCES, set_id=9, version=4))
    wait_until(
        lambda: rig.pva.get(NAME).raw["alarm.severity"] == Severity.INVALID, "no old picture"
    )
    assert len(rig.pva.get(NAME).raw["value"]) == 0
    show_entry(rig, similarity=None)
    fake.references.clear()


def test_given_a_novelty_when_shown_then_it_alarms_below_the_limit_and_not_without_one(rig: Rig):
    fake = rig.keeper.fake
    show_entry(rig, novel_below=0.01)
    # libca searches ever more seldom for a PV that comes late.
    wait_until(lambda: rig.ca.value(f"{PLOT}:Novelty") is not None, "the novelty", 90)

    def show(novelty: float | None, severity: Severity) -> dict[str, object]:
        state = msgspec.structs.replace(
            fake.states[PLOT],
            label="Good",
            severity=Severity.NO_ALARM,
            image_time=1.8e9,
            novelty=novelty,
            novelty_severity=severity,
            count=fake.states[PLOT].count + 1,
        )
        rig.keeper.call(fake.show(state))
        wait_until(lambda: rig.ca.value(f"{PLOT}:Count") == state.count, "the state")
        return rig.ca.get(f"{PLOT}:Novelty", 20)

    low = show(0.001, Severity.MINOR)
    assert (low["value"], low["severity"], low["status"]) == (0.001, 1, 6)
    usual = show(0.5, Severity.NO_ALARM)
    assert (usual["value"], usual["severity"]) == (0.5, 0)
    unknown = show(None, Severity.NO_ALARM)
    assert unknown["severity"] == 3
    model = msgspec.structs.replace(fake.entries[PLOT].model, novelty="c" * 64)
    show_entry(rig, novel_below=0.0, model=model)
    assert rig.ca.value(f"{PLOT}:Novelty") is not None


def test_given_a_limit_of_novelty_when_put_then_the_keeper_has_it_before_the_put_is_done(rig: Rig):
    fake, pv = rig.keeper.fake, f"{PLOT}:Threshold:Novelty"
    show_entry(rig, novel_below=0.01)
    wait_until(lambda: rig.ca.value(pv) == 0.01, "the limit")
    control = rig.ca.get(pv, CTRL_DOUBLE)
    assert (control["lower_ctrl_limit"], control["upper_ctrl_limit"]) == (0.0, 1.0)
    fake.received.clear()
    assert rig.ca.put(pv, 0.002, wait=True)["status"] == NORMAL
    (command,) = [one for one in fake.received if isinstance(one, SetThreshold)]
    assert (command.plot, command.label, command.value) == (PLOT, "Novelty", 0.002)
    assert command.who.host == "127.0.0.1"
    assert rig.ca.value(pv) == 0.002
    assert rig.pva.get(f"T:{pv}") == 0.002


@pytest.mark.parametrize(
    ("value", "told"), [(1.5, "from 0 to 1"), (-0.1, "from 0 to 1"), (math.nan, "finite")]
)
def test_given_a_limit_of_novelty_out_of_range_when_put_then_it_never_reaches_the_keeper(
    rig: Rig, value, told
):
    show_entry(rig, novel_below=0.01)
    wait_until(lambda: rig.ca.value(f"{PLOT}:Threshold:Novelty") == 0.01, "the limit")
    rig.keeper.fake.received.clear()
    answer = rig.ca.put(f"{PLOT}:Threshold:Novelty", value, wait=True)
    assert answer["status"] == PUT_FAILED
    assert told in answer["exceptions"][0]["text"]
    assert not [one for one in rig.keeper.fake.received if isinstance(one, SetThreshold)]
    assert rig.ca.value(f"{PLOT}:Threshold:Novelty") == 0.01


def test_given_a_keeper_that_refuses_a_limit_of_novelty_when_put_then_the_client_sees_why(rig: Rig):
    show_entry(rig, novel_below=0.01)
    wait_until(lambda: rig.ca.value(f"{PLOT}:Threshold:Novelty") == 0.01, "the limit")
    rig.keeper.fake.refuse_with = "user ann may not set-threshold"
    answer = rig.ca.put(f"{PLOT}:Threshold:Novelty", 0.2, wait=True)
    rig.keeper.fake.refuse_with = None
    assert answer["status"] == PUT_FAILED
    assert "may not set-threshold" in answer["exceptions"][0]["text"]
    assert rig.ca.value(f"{PLOT}:Threshold:Novelty") == 0.01


def test_given_a_limit_that_takes_its_own_pv_away_when_put_then_the_put_is_done_all_the_same(
    rig: Rig,
):
    model = rig.keeper.fake.entries[PLOT].model
    show_entry(rig, novel_below=0.01, model=msgspec.structs.replace(model, novelty=""))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Threshold:Novelty") == 0.01, "the limit")
    assert rig.ca.put(f"{PLOT}:Threshold:Novelty", 0.0, wait=True)["status"] == NORMAL

    def listed() -> bool:
        plots = json.loads(rig.pva.get("T:Catalogue"))["plots"]
        return next(plot for plot in plots if plot["name"] == PLOT).get("novelty", False)

    wait_until(lambda: not listed(), "the catalogue without the PV")


def test_given_references_that_were_adapted_when_shown_then_drift_and_open_proposal_are(rig: Rig):
    adapted = msgspec.structs.replace(REFERENCES, original=1, drift=0.42, proposal=3)
    show_entry(rig, similarity=adapted)
    wait_until(lambda: rig.ca.value(f"{PLOT}:References:Proposal") == 3, "the proposal")
    assert rig.ca.value(f"{PLOT}:References:Drift") == 0.42
    assert rig.ca.value(f"{PLOT}:References:Drift.EGU") == "decades"
    assert not rig.ca.ask("connect", pv=f"{PLOT}:References:Drift")["write"]
    show_entry(rig, similarity=msgspec.structs.replace(adapted, proposal=0))
    wait_until(lambda: rig.ca.value(f"{PLOT}:References:Proposal") == 0, "it is decided")
    show_entry(rig, similarity=None)
