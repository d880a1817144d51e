"""Over EPICS: what a shadow says, which never alarms."""

import msgspec

from pipeline.alarm import Severity, Status
from pipeline.messages import Companion, ShadowState
from tests.ioc.rig import Rig, wait_until

PLOT = "BCAL_occupancy"
DIGEST = "5" * 64


def test_given_a_shadow_when_its_word_comes_then_it_is_shown_without_any_alarm(rig: Rig):
    fake = rig.keeper.fake
    before, entry = fake.states[PLOT], fake.entries[PLOT]
    assert rig.ca.value(f"{PLOT}:Shadow:Model") == ""
    model = msgspec.structs.replace(entry.model, digest=DIGEST, model_id=99)
    shadow = Companion(role="shadow", model=model, term_id=1)
    with_it = msgspec.structs.replace(entry, companions=(*entry.companions, shadow))
    rig.keeper.call(fake.show_catalogue(with_it))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Shadow:Model") == DIGEST[:39], "the shadow")
    # It has not seen the image on show.
    assert rig.pva.get(f"T:{PLOT}:Shadow:Class").severity == Severity.INVALID
    assert rig.pva.get(f"T:{PLOT}:Shadow:Disagreement").severity == Severity.INVALID
    assert "not seen" in str(rig.pva.get(f"T:{PLOT}:Shadow:Reason"))

    said = ShadowState(model=DIGEST, label="Bad", confidence=0.9, compared=8, disagreed=2)
    good = msgspec.structs.replace(
        before,
        label="Good",
        severity=Severity.NO_ALARM,
        status=Status.NO_ALARM,
        image_time=1.7e9,
        count=before.count + 1,
        shadow=said,
    )
    rig.keeper.call(fake.show(good))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Shadow:Count") == 8, "the counts")
    assert rig.pva.get(f"T:{PLOT}:Class").severity == 0
    for part, value in (("Confidence", 0.9), ("Disagreement", 0.25), ("Disagreed", 2)):
        shown = rig.pva.get(f"T:{PLOT}:Shadow:{part}")
        assert (float(shown), shown.severity) == (value, 0)
        assert rig.ca.value(f"{PLOT}:Shadow:{part}") == value
    states = [label.name for label in entry.labels]
    assert rig.ca.value(f"{PLOT}:Shadow:Class") == states.index("Bad")
    assert rig.pva.get(f"T:{PLOT}:Shadow:Class").severity == 0

    failed = msgspec.structs.replace(said, label="", error="the shadow crashed", confidence=0.0)
    rig.keeper.call(fake.show(msgspec.structs.replace(good, count=good.count + 1, shadow=failed)))
    wait_until(lambda: rig.pva.get(f"T:{PLOT}:Shadow:Class").severity == 3, "INVALID")
    assert rig.pva.get(f"T:{PLOT}:Class").severity == 0
    assert "crashed" in str(rig.pva.get(f"T:{PLOT}:Shadow:Reason"))
    rig.keeper.call(fake.show_catalogue(entry))
    wait_until(lambda: rig.ca.value(f"{PLOT}:Shadow:Model") == "", "the end")
    rig.keeper.call(fake.show(msgspec.structs.replace(before, count=good.count + 2)))
