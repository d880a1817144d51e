"""Figures of a benchmark against those of before."""

import json

import pytest

from hydra_ioc.bench.guard import check, read_figures, regressions, write_figures
from pipeline.errors import HydraError

BEFORE = {
    "throughput_vs_bound": 0.6,
    "throughput_vs_original": 30.0,
    "burst_92_s": 1.0,
    "latency_p50_ms": 20.0,
    "latency_p99_ms": 40.0,
    "map_overhead": 0.01,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("throughput_vs_bound", 0.4),
        ("throughput_vs_original", 20.0),
        ("burst_92_s", 1.5),
        ("latency_p99_ms", 60.0),
        ("map_overhead", 0.08),
        ("throughput_vs_bound", None),
    ],
)
def test_given_one_figure_much_worse_when_compared_then_it_is_named_alone(name, value, tmp_path):
    file = tmp_path / "before.json"
    write_figures(file, BEFORE)
    assert read_figures(file) == BEFORE
    with pytest.raises(HydraError, match=f"worse than before: {name}: [^;]*$"):
        check(file, {**BEFORE, name: value})


def test_given_figures_better_or_a_little_worse_when_compared_then_all_is_well():
    assert not regressions(BEFORE, BEFORE)
    better = {"throughput_vs_bound": 0.9, "burst_92_s": 0.2, "map_overhead": -0.01}
    assert not regressions(BEFORE, {**BEFORE, **better})
    noise = {"throughput_vs_bound": 0.5, "burst_92_s": 1.15, "map_overhead": 0.03}
    assert not regressions(BEFORE, {**BEFORE, **noise})


def test_given_a_file_that_holds_no_figures_when_read_then_it_says_what_was_expected(tmp_path):
    file = tmp_path / "other.json"
    file.write_text(json.dumps([1, 2]))
    with pytest.raises(HydraError, match="expected figures of 'hydra-ioc bench'"):
        read_figures(file)
