"""Drawings: determinism, truth, and that every fault can be seen."""

import cv2
import numpy as np
import pytest

from pipeline.errors import CommandError
from simulation.drawing import BAD, GOOD, NO_DATA, Conditions, Drawing, Fault
from simulation.faults import KINDS
from simulation.kinds import READOUT
from simulation.plots import PLOTS
from simulation.render import draw

NOMINAL = Conditions(131_460, 7, 1.0, True, 1_795_000_000.0)
DEAD = Conditions(131_460, 7, 1.0, False, 1_795_000_000.0)
PAIRS = [(plot, kind) for plot in PLOTS for kind in PLOTS[plot].faults]


def reduced(drawing: Drawing) -> np.ndarray:
    """What a model sees at most."""
    return cv2.resize(drawing.pixels, (320, 240), interpolation=cv2.INTER_AREA).astype(int)


@pytest.mark.parametrize("plot", PLOTS)
def test_given_a_seed_when_a_plot_is_drawn_twice_then_the_pixels_are_equal(plot: str) -> None:
    first = draw(plot, NOMINAL, [], 5)
    second = draw(plot, NOMINAL, [], 5)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.pixels.shape == (1200, 1600, 3)
    assert first.pixels.dtype == np.uint8
    assert first.truth.label == GOOD
    assert first.truth.regions == ()


@pytest.mark.parametrize("plot", PLOTS)
def test_given_another_seed_when_a_plot_is_drawn_then_the_data_differs(plot: str) -> None:
    assert not np.array_equal(draw(plot, NOMINAL, [], 5).pixels, draw(plot, NOMINAL, [], 6).pixels)


@pytest.mark.parametrize("plot", PLOTS)
def test_given_no_beam_when_a_plot_is_drawn_then_it_is_nearly_empty(plot: str) -> None:
    drawing = draw(plot, DEAD, [Fault(PLOTS[plot].faults[0])], 5)
    assert drawing.truth.label == NO_DATA
    assert drawing.truth.faults == ()


def test_given_two_runs_when_a_plot_is_drawn_then_only_title_and_data_differ() -> None:
    one = draw("ST_occupancy", NOMINAL, [], 5).pixels
    other = draw("ST_occupancy", Conditions(131_461, 7, 1.0, True, 1_795_000_000.0), [], 5).pixels
    assert (one[:40, 600:1100] != other[:40, 600:1100]).any()


@pytest.mark.parametrize(("plot", "kind"), PAIRS)
def test_given_a_fault_when_drawn_then_it_shows_in_its_regions(plot: str, kind: str) -> None:
    for seed in (11, 12):
        good = reduced(draw(plot, NOMINAL, [], seed))
        drawing = draw(plot, NOMINAL, [Fault(kind)], seed)
        bad = reduced(drawing)
        assert drawing.truth.label == (NO_DATA if kind == "empty" else BAD)
        assert drawing.truth.regions
        inside = np.zeros((240, 320), bool)
        for x, y, w, h in drawing.truth.regions:
            assert x >= 0
            assert y >= 0
            assert x + w <= 1600
            assert y + h <= 1200
            inside[y // 5 : -(-(y + h) // 5), x // 5 : -(-(x + w) // 5)] = True
        change = np.abs(good - bad).max(axis=2)
        if kind == "hot-channel":
            inside[:] = True  # the hot bar stays, all others sink
        assert change[inside].mean() > 0.5
        assert (change[inside] > 40).sum() >= 16, "not visible in a 320 x 240 reduction"


@pytest.mark.parametrize(
    ("plot", "kind"),
    # a histogram's axis follows its highest bin, so there all bars may change
    [
        (plot, kind)
        for plot, kind in PAIRS
        if kind in ("dead-channel", "dead-slot") and PLOTS[plot].kind == "occupancy-2d"
    ],
)
def test_given_dead_hardware_when_drawn_then_all_strong_change_lies_in_the_regions(
    plot: str, kind: str
) -> None:
    good, drawing = draw(plot, NOMINAL, [], 3), draw(plot, NOMINAL, [Fault(kind)], 3)
    became_white = (drawing.pixels == 255).all(axis=2) & ~(good.pixels == 255).all(axis=2)
    outside = became_white.copy()
    for x, y, w, h in drawing.truth.regions:
        outside[y - 2 : y + h + 3, x - 2 : x + w + 3] = False
    assert became_white.sum() >= 16 * 25
    assert outside.sum() < 0.02 * became_white.sum() + 2000


@pytest.mark.parametrize("plot", [name for name in PLOTS if "dead-crate" in PLOTS[name].faults])
def test_given_any_dead_crate_when_drawn_then_something_is_left(plot: str) -> None:
    detector = PLOTS[plot].detector
    for crate in np.unique(detector.crate):
        assert (detector.crate == crate).mean() <= 0.6


def test_given_a_dead_crate_when_another_plot_of_the_detector_is_drawn_then_it_shows_too() -> None:
    fault = Fault("dead-crate", "CDC_occupancy", crate=3)
    truth = draw("CDC_efficiency", NOMINAL, [fault], 5).truth
    assert truth.label == BAD
    assert truth.faults[0].fault.crate == 3


def test_given_a_fault_of_another_detector_when_drawn_then_the_plot_stays_good() -> None:
    fault = Fault("dead-crate", "CDC_occupancy", crate=3)
    assert draw("FCAL_occupancy", NOMINAL, [fault], 5).truth.label == GOOD


def test_given_a_fault_that_makes_no_sense_when_drawn_then_it_is_refused_with_a_list() -> None:
    with pytest.raises(CommandError, match=r"makes no sense on CDC_occupancy.*dead-c"):
        draw("CDC_occupancy", NOMINAL, [Fault("timing-shift")], 1)


def test_given_an_unknown_plot_when_drawn_then_it_is_refused_with_a_list() -> None:
    with pytest.raises(CommandError, match=r"expected a plot of CDC_occupancy.*received 'XYZ'"):
        draw("XYZ", NOMINAL, [], 1)


def test_given_the_plots_when_counted_then_every_kind_of_picture_is_there() -> None:
    assert len(PLOTS) >= 14
    assert {kind.kind for kind in PLOTS.values()} == {
        "occupancy-1d",
        "occupancy-2d",
        "timing",
        "spectrum",
        "efficiency",
        "rate",
    }
    assert {6, 12} <= {len(kind.pads) for kind in PLOTS.values()}
    assert {fault for kind in PLOTS.values() for fault in kind.faults} == set(KINDS)


@pytest.mark.parametrize("plot", PLOTS)
def test_given_a_plot_type_when_read_then_its_channels_exist_and_its_texts_fit(plot: str) -> None:
    kind = PLOTS[plot]
    assert kind.labels == (GOOD, BAD, NO_DATA)
    assert len(kind.pads) <= kind.rows * kind.columns
    assert len(plot) <= 40
    assert kind.guidance
    used: set[int] = set()
    for pad in kind.pads:
        cells = getattr(pad, "cells", None)
        if cells is not None:
            used |= set(cells.channel[cells.expected > 0].tolist())
    if used:
        assert max(used) < kind.detector.size
    if "dead-channel" in kind.faults:
        assert used - {-1} == set(range(kind.detector.size))
    assert set(kind.faults) <= set(KINDS)
    assert set(READOUT) <= set(KINDS)


@pytest.mark.parametrize("plot", PLOTS)
def test_given_all_faults_at_once_when_drawn_in_any_order_then_each_has_its_truth(
    plot: str,
) -> None:
    faults = [Fault(kind) for kind in PLOTS[plot].faults]
    for order in (faults, faults[::-1]):
        truth = draw(plot, NOMINAL, order, 4).truth
        assert truth.label == NO_DATA
        assert [one.fault.kind for one in truth.faults] == [fault.kind for fault in order]


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("statistics", [0.0, 0.5, 3.0, 1000.0])
def test_given_few_or_many_events_when_drawn_then_a_plot_comes_out(
    plot: str, statistics: float
) -> None:
    conditions = Conditions(0, 0, statistics, True, 0.0)
    assert draw(plot, conditions, [], 1).pixels.shape == (1200, 1600, 3)
