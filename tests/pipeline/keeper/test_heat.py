import numpy as np
import pytest

from pipeline.alarm import Severity
from pipeline.keeper.heat import heat_map
from pipeline.messages import LabelPolicy, PlotEntry

LABELS = ("Good", "Bad", "NoData")
ENTRY = PlotEntry(
    plot_type_id=1,
    name="CDC_occupancy",
    labels=(
        LabelPolicy(name="Good"),
        LabelPolicy(name="Bad", confirmed=Severity.MAJOR, unconfirmed=Severity.MINOR),
        LabelPolicy(name="NoData", unconfirmed=Severity.MINOR),
    ),
)


def heat(label, *fields):
    maps = np.array(fields, np.float32)
    data, shape = heat_map(ENTRY, label, LABELS, maps.tobytes(), maps.shape)
    return np.frombuffer(data, np.uint8).tolist(), shape


ZEROS = [[0.0, 0.0]]


def test_given_maps_when_the_label_alarms_then_its_own_map_is_scaled_to_bytes():
    assert heat("Bad", [[9.0, 9.0]], [[-1.0, 2.0]], ZEROS) == ([0, 255], (1, 2))
    assert heat("NoData", ZEROS, ZEROS, [[1.0, 4.0]]) == ([64, 255], (1, 2))


def test_given_a_label_that_never_alarms_when_asked_then_there_is_no_map():
    assert heat("Good", [[1.0, 2.0]], ZEROS, ZEROS) == ([], (0, 0))


@pytest.mark.parametrize("label", ["NoModel", "Nothing"])
def test_given_no_verdict_when_asked_then_there_is_no_map(label):
    assert heat(label, [[1.0]], [[1.0]], [[1.0]]) == ([], (0, 0))


def test_given_no_maps_when_asked_then_there_is_no_map():
    assert heat_map(ENTRY, "Bad", LABELS, b"", (3, 4, 4)) == (b"", (0, 0))


def test_given_a_map_without_heat_when_asked_then_it_is_cold():
    assert heat("Bad", ZEROS, [[-1.0, -2.0]], ZEROS) == ([0, 0], (1, 2))


def test_given_cells_that_are_no_numbers_when_asked_then_they_are_cold():
    assert heat("Bad", ZEROS, [[np.nan, 3.0]], ZEROS) == ([0, 255], (1, 2))
    assert heat("Bad", ZEROS, [[np.inf, 3.0]], ZEROS) == ([0, 255], (1, 2))
