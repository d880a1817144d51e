"""Where the maps of the shipped models point: at the fault, not at what has long been dead."""

import numpy as np
import pytest

from hydra_ioc.evaluation import LOSSES, evaluation_samples, judge_all, summary
from hydra_ioc.known_dead import heat_on, known_dead
from hydra_ioc.release import DEMO_MODELS

PLOTS = ["FCAL_occupancy", "CDC_occupancy", "BCAL_occupancy", "DC_OccupancyNorm"]


@pytest.fixture(scope="module")
def found():
    samples = [
        one
        for one in evaluation_samples(PLOTS, 0, 5, 0, seed=7)
        if one.kind not in ("empty", "noise")
    ]
    return summary(judge_all(samples, DEMO_MODELS, 2))


def test_given_a_loss_when_judged_bad_then_four_fifths_of_the_heat_lie_inside_on_every_plot(found):
    for plot in found["plots"].values():
        heats = {kind: one["heat_inside"] for kind, one in plot["faults"].items() if kind in LOSSES}
        assert min(heats.values()) >= 0.8, heats


def test_given_a_loss_beside_a_known_dead_channel_when_judged_then_only_the_loss_is_highlighted(
    found,
):
    shown = found["known_dead_shown"]
    assert shown["total"] >= 60
    assert shown["hits"] == 0
    assert set(LOSSES) <= set(found["faults"])


def test_given_a_plot_when_its_known_dead_are_marked_then_they_are_few_and_where_heat_counts():
    dead = known_dead("FCAL_occupancy", (30, 40))
    assert 1 <= dead.sum() <= 12
    fault = np.zeros((30, 40), bool)
    fault[2:4, 2:4] = True
    heat = np.where(fault, 1.0, 0.0).astype(np.float32)
    assert heat_on(heat, dead, fault) == (0.0, False)
    share, shown = heat_on(np.where(dead, 0.6, heat).astype(np.float32), dead, fault)
    assert share > 0.1
    assert shown
    assert heat_on(heat, np.zeros_like(dead), fault) is None
    assert not known_dead("RF_time", (30, 40)).any()
