"""Both faces show the same."""

import pytest

from pipeline.alarm import Severity, Status, pva_status
from tests.ioc.rig import Rig, wait_until

CTRL = 28  # DBR_CTRL_STRING; plus the native type


@pytest.fixture(scope="module")
def judged(rig: Rig) -> str:
    plot = "CDC_occupancy"
    state = rig.keeper.show_image(
        plot,
        {"Good": 0.1, "Bad": 0.75, "NoData": 0.1, "Cosmic": 0.05, "LED": 0.0},
        image_time=1_790_000_000.123456,
    )
    wait_until(lambda: rig.ca.value(f"{plot}:Count") == state.count, "the image is served")
    return plot


NAMES = [
    "Class", "Confidence", "Confirmed", "GoodMinusBad", "Count", "Run", "Chunk", "Model",
    "ImageTime", "Since", "Ignore", "Group", "Weight:Bad", "Threshold:Bad",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_given_a_judged_plot_when_read_on_both_faces_then_all_agree(rig, judged, name):
    ca = rig.ca.get(f"{judged}:{name}")
    pva = rig.pva.get(f"T:{judged}:{name}")
    raw = pva.raw
    value = raw.value.index if "choices" in raw.value.__class__.__name__ else raw.get("value")
    if raw.getID().startswith("epics:nt/NTEnum"):
        value = raw.value.index
    assert value == ca["value"]
    assert raw.alarm.severity == ca["severity"]
    assert raw.alarm.status == pva_status(Status(ca["status"]))
    assert (raw.timeStamp.secondsPastEpoch, raw.timeStamp.nanoseconds) == (
        ca["seconds"],
        ca["nanoseconds"],
    )


@pytest.mark.parametrize("name", ["Confidence", "Threshold:Bad", "GoodMinusBad", "Count", "Age"])
def test_given_a_number_when_described_on_both_faces_then_units_and_limits_agree(rig, judged, name):
    pv = f"{judged}:{name}"
    native = rig.ca.ask("connect", pv=pv)["type"]
    ca = rig.ca.get(pv, ftype=CTRL + native)
    raw = rig.pva.get(f"T:{pv}").raw
    assert raw.display.units == ca["units"]
    assert (raw.display.limitLow, raw.display.limitHigh) == (
        ca["lower_disp_limit"],
        ca["upper_disp_limit"],
    )
    assert (raw.control.limitLow, raw.control.limitHigh) == (
        ca["lower_ctrl_limit"],
        ca["upper_ctrl_limit"],
    )
    assert raw.display.precision == ca.get("precision", 0)
    assert raw.display.description == rig.ca.value(f"{pv}.DESC")


def test_given_an_enum_when_read_on_both_faces_then_the_states_agree(rig, judged):
    ca = rig.ca.get(f"{judged}:Class", ftype=CTRL + 3)
    raw = rig.pva.get(f"T:{judged}:Class").raw
    assert raw.value.choices == ca["choices"]
    states = "Good Bad NoData Cosmic LED NoModel Nothing Unknown".split()
    assert ca["choices"] == states


def test_given_a_confirmed_bad_image_when_read_then_class_is_in_alarm_major(rig, judged):
    ca = rig.ca.get(f"{judged}:Class")
    assert (ca["value"], ca["severity"], ca["status"]) == (1, Severity.MAJOR, Status.STATE)
    assert (ca["seconds"], ca["nanoseconds"] // 1000) == (1_790_000_000, 123456)
    assert rig.pva.get(f"T:{judged}:Class").raw.alarm.message.startswith("Bad 0.750 reaches")


def test_given_a_long_text_when_read_then_it_comes_whole_or_as_forty_characters(rig, judged):
    whole = "Bad 0.750 reaches its threshold 0.700"
    assert rig.pva.get(f"T:{judged}:Reason") == whole
    assert rig.ca.value(f"{judged}:Reason.VAL$") == whole
    assert rig.ca.value(f"{judged}:Reason.$") == whole
    assert rig.ca.value(f"{judged}:Reason") == whole[:39]


def test_given_a_judged_plot_when_its_picture_is_read_then_it_is_a_jpeg_with_the_alarm(rig, judged):
    raw = rig.pva.get(f"T:{judged}:Image").raw
    assert raw.codec.name == "jpeg"
    assert bytes(raw.value)[:3] == b"\xff\xd8\xff"
    assert raw.alarm.severity == Severity.MAJOR
    heat = rig.pva.get(f"T:{judged}:Heatmap")
    assert heat.shape == (12, 16)
    assert heat.max() == 255


def test_given_a_plot_without_image_when_read_then_it_is_invalid_udf_on_both_faces(rig):
    ca = rig.ca.get("TAGM_occupancy:Class")
    assert (ca["severity"], ca["status"]) == (Severity.INVALID, Status.UDF)
    assert ca["seconds"] == 631_152_000
    raw = rig.pva.get("T:TAGM_occupancy:Class").raw
    assert raw.alarm.severity == Severity.INVALID
    assert raw.timeStamp.secondsPastEpoch == 631_152_000
