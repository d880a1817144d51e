"""The worst of several plots."""

import msgspec
import pytest

from ioc.quality import STATES, quality_values
from pipeline.alarm import Severity, Status
from tests.ioc.fake_keeper import make_entry, nothing

NO, MINOR, MAJOR, INVALID = Severity


def plot(name: str, severity: Severity, status: Status = Status.STATE, time: float = 2e9):
    state = nothing(make_entry(1, name, "G"))
    return msgspec.structs.replace(
        state, severity=severity, status=status, image_time=time, reason=f"because {name}"
    )


NEVER = nothing(make_entry(1, "never", "G"))
TABLE = {
    "nothing at all": ([], "Unknown", INVALID, (0, 0, 0, 0)),
    "never an image": ([NEVER], "Unknown", INVALID, (0, 0, 0, 0)),
    "good": ([plot("a", NO, Status.NO_ALARM), NEVER], "Good", NO, (1, 0, 0, 0)),
    "minor": ([plot("a", NO), plot("b", MINOR)], "Unconfirmed", MINOR, (1, 0, 1, 0)),
    "major": ([plot("a", MAJOR), plot("b", MINOR), plot("c", NO)], "Bad", MAJOR, (1, 1, 1, 0)),
    "stale": (
        [plot("a", MAJOR), plot("b", INVALID, Status.TIMEOUT)], "Stale", INVALID, (0, 1, 0, 1),
    ),
    "broken chain": ([plot("a", INVALID, Status.COMM)] * 3, "Stale", INVALID, (0, 0, 0, 3)),
}  # fmt: skip


@pytest.mark.parametrize(("states", "quality", "severity", "counts"), TABLE.values(), ids=TABLE)
def test_given_plots_when_summed_up_then_the_worst_decides_and_all_are_counted(
    states, quality, severity, counts
):
    values = quality_values("P:", states)
    assert STATES[values["P:Quality"].value] == quality
    assert values["P:Quality"].severity == severity
    names = ("Good", "Bad", "Unconfirmed", "Stale")
    assert tuple(values[f"P:{name}"].value for name in names) == counts


def test_given_a_bad_plot_when_summed_up_then_the_reason_names_it_and_the_time_is_the_newest():
    values = quality_values("P:", [plot("a", MAJOR, time=5e8), plot("b", MINOR, time=2e9)])
    assert values["P:Quality"].reason == "a: because a"
    assert values["P:Quality"].time == 2e9
