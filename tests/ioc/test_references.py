"""Over EPICS: similarity, novelty and the picture of the references."""

import msgspec
import numpy as np

from pipeline.alarm import Severity
from pipeline.messages import ReferencePicture, SimilarityRef
from tests.ioc.rig import Rig, wait_until

PLOT = "BCAL_occupancy"
NAME = f"T:{PLOT}:Reference"
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
    wait_until(lambda: rig.ca.value(f"{PLOT}:Novelty") is not None, "the novelty")

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
