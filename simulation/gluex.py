"""The plots of a GlueX-like experiment.

Source:
    Plot names as GlueX shows them to its shifts (feature A19 of the
    specification); sizes of the detectors after S. Adhikari et al., "The GlueX
    beamline and detector", NIM A 987 (2021) 164807. Where a channel would be
    too small to see, one read-out channel serves several cells.
"""

from typing import Final

import numpy as np

from simulation.cells import RingPad
from simulation.curves import ProfilePad, SpectrumPad, peak
from simulation.detector import Detector, wire
from simulation.kinds import ALWAYS, READOUT, PlotKind
from simulation.layouts import bars, colour_map, ring_cells, rings
from simulation.pads import Axes, Pad

CDC_RINGS: Final = (
    *(42, 42, 54, 54, 66, 66, 80, 80, 93, 93, 106, 106, 123, 123),
    *(135, 135, 146, 146, 158, 158, 170, 170, 182, 182, 197, 197, 209, 209),
)
"""Straws of the 28 rings of the central drift chamber, 3522 in all."""
CDC_INNER: Final = 0.18
CDC_WEDGES: Final = 8


def cdc() -> tuple[Detector, RingPad, ProfilePad]:
    """Build the central drift chamber, its occupancy and its efficiency."""
    channel, places, wedge, layer = rings(CDC_RINGS, 2, 4, CDC_INNER, CDC_WEDGES)
    detector = Detector(
        "CDC",
        crate=wedge + 1,
        slot=layer // 2 + 3,
        board=(wedge // 2) * 7 + layer // 2 + 1,
        known_dead=3,
    )
    ring = np.repeat(np.arange(len(CDC_RINGS)), CDC_RINGS)
    counts = 260.0 - 120.0 * ring / len(CDC_RINGS)
    occupancy = RingPad(
        Axes("", "x (cm)", "y (cm)", -60.0, 60.0, 60.0, -60.0),
        ring_cells(channel, places, counts),
        CDC_RINGS,
        CDC_INNER,
    )
    turn = np.arctan2(places[1] - 0.5, places[0] - 0.5) / (2.0 * np.pi) % 1.0
    bins = (turn * 48).astype(int)
    members = tuple(channel[bins == number] for number in range(48))
    efficiency = ProfilePad(
        Axes("CDC hit efficiency", "phi (deg)", "efficiency", 0, 360, 1.1),
        members,
        level=0.95,
        tries=1500.0,
    )
    return detector, occupancy, efficiency


def fcal() -> tuple[Detector, Pad]:
    """Build the forward calorimeter: a disc of blocks with a hole for the beam."""
    size = 56
    row, column = np.mgrid[0:size, 0:size]
    y, x = (row // 2 + 0.5) / (size / 2) - 0.5, (column // 2 + 0.5) / (size / 2) - 0.5
    radius = np.hypot(x, y)
    exists = (radius < 0.5) & ~((np.abs(x) < 0.06) & (np.abs(y) < 0.06))
    numbers = np.full((size // 2, size // 2), -1)
    inside = exists[::2, ::2]
    numbers[inside] = np.arange(inside.sum())
    channel = numbers[row // 2, column // 2]
    fine = np.hypot((row + 0.5) / size - 0.5, (column + 0.5) / size - 0.5)
    counts = 80.0 + 260.0 * np.exp(-fine / 0.16)
    detector = wire("FCAL", int(inside.sum()), per_slot=16, slots=10, per_board=24, known_dead=3)
    axes = Axes("", "column", "row", 0.0, size, float(size))
    return detector, colour_map(axes, channel, counts)


def bcal() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the barrel calorimeter: 48 modules of 4 x 4 cells, read at both ends."""
    rows, columns = 16, 48
    y, x = np.mgrid[0:rows, 0:columns]
    counts = 300.0 - 110.0 * (y // 4) / 3.0 + 25.0 * np.cos(2.0 * np.pi * x / columns)
    pads = tuple(
        colour_map(
            Axes(f"BCAL {end}", "module", "layer x sector", 0.0, 48.0, 16.0),
            (first + y + rows * x).astype(np.intp),
            counts,
        )
        for end, first in (("upstream", 0), ("downstream", rows * columns))
    )
    detector = wire("BCAL", 2 * rows * columns, per_slot=16, slots=12, per_board=40, known_dead=4)
    return detector, pads


def st() -> tuple[Detector, Pad]:
    """Build the start counter: 30 scintillator bars."""
    detector = wire("ST", 30, per_slot=8, slots=4, per_board=6)
    axes = Axes("", "sector", "hits", 0.5, 30.5)
    return detector, bars(axes, np.full(30, 900.0))


def rf() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the accelerator's RF signal as four systems see it."""
    detector = wire("RF", 4, per_slot=1, slots=4, per_board=4)
    pads = tuple(
        SpectrumPad(
            Axes(f"RF {name} self timing", "dt (ns)", "", -1.0, 1.0),
            f"RF {name}",
            peak(0.5, width, 0.004),
            entries=20_000.0,
            bins=100,
        )
        for name, width in (("TOF", 0.030), ("TAGH", 0.036), ("PSC", 0.033), ("FDC", 0.040))
    )
    return detector, pads


def _plots() -> tuple[PlotKind, ...]:
    cdc_detector, cdc_occupancy, cdc_efficiency = cdc()
    fcal_detector, fcal_map = fcal()
    bcal_detector, bcal_maps = bcal()
    st_detector, st_bars = st()
    rf_detector, rf_peaks = rf()
    leak = (*READOUT, *ALWAYS, "light-leak")
    return (
        PlotKind(
            "CDC_occupancy",
            "CDC",
            "CDC occupancy",
            cdc_detector,
            (cdc_occupancy,),
            (*READOUT, *ALWAYS),
            "Look for a missing wedge (crate) or ring piece (slot, HV board). Check CDC HV"
            " and the crates; restart the run if a crate is out.",
        ),
        PlotKind(
            "FCAL_occupancy",
            "FCAL",
            "FCAL occupancy",
            fcal_detector,
            (fcal_map,),
            leak,
            "White blocks away from the beam hole are dead. Check the FCAL bases, then the"
            " crate; a glowing patch means light: is the dark room closed?",
        ),
        PlotKind(
            "BCAL_occupancy",
            "BCAL",
            "BCAL occupancy",
            bcal_detector,
            bcal_maps,
            leak,
            "Compare upstream and downstream. White columns: crate or bias off. A bright"
            " patch at one end is a light leak.",
            rows=2,
        ),
        PlotKind(
            "ST_occupancy",
            "ST",
            "ST occupancy",
            st_detector,
            (st_bars,),
            ("dead-channel", "dead-slot", "hv-off", "hot-channel", *ALWAYS, "light-leak"),
            "All 30 bars should be level. Check the bias of a missing bar.",
            kind="occupancy-1d",
        ),
        PlotKind(
            "RF_selftiming",
            "RF",
            "RF self timing",
            rf_detector,
            rf_peaks,
            ("timing-shift", "double-peak", *ALWAYS),
            "One narrow peak at zero in each pad. A second or shifted peak: call the"
            " timing expert before continuing.",
            kind="timing",
            rows=2,
            columns=2,
        ),
        PlotKind(
            "CDC_efficiency",
            "CDC",
            "CDC efficiency",
            cdc_detector,
            (cdc_efficiency,),
            ("dead-slot", "dead-crate", *ALWAYS),
            "Flat at 0.95. A dip over 45 degrees is a crate.",
            kind="efficiency",
        ),
    )


GLUEX: Final = _plots()
