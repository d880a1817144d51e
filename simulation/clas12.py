"""The plots of a CLAS12-like experiment: six sectors around the beam.

Source:
    Plot names as CLAS12 shows them to its shifts (feature A19 of the
    specification); sizes after V.D. Burkert et al., "The CLAS12 Spectrometer at
    Jefferson Laboratory", NIM A 959 (2020) 163419. Where a channel would be too
    small to see, one read-out channel serves several cells.
"""

from typing import Final

import numpy as np

from simulation.curves import SpectrumPad, peak
from simulation.detector import Detector, Section, cable
from simulation.histogram import BLUE, RED
from simulation.kinds import ALWAYS, LIGHT, READOUT, TIMING, PlotKind
from simulation.layouts import bars, blocks, colour_map
from simulation.pads import Axes, Pad

SECTORS: Final = 6


def ftof() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the forward time-of-flight counters: 23 paddles in each sector."""
    counts = 500.0 + 400.0 * np.exp(-np.arange(23) / 9.0)
    pads = tuple(
        bars(
            Axes(f"FTOF sector {sector + 1}", "paddle", "", 0.5, 23.5),
            counts,
            first=sector * 23,
        )
        for sector in range(SECTORS)
    )
    return cable("FTOF", [Section(23, 6, 4)] * SECTORS), pads


def ecal() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the electromagnetic calorimeter: three stacks of U, V and W strips."""
    rows, columns, per_sector = 9, 36, 162
    y, x = np.mgrid[0:rows, 0:columns]
    counts = 320.0 - 60.0 * (y // 3) - 90.0 * x / columns
    pads = tuple(
        colour_map(
            Axes(f"ECAL sector {sector + 1}", "strip", "layer", 0.5, 36.5, 9.5, 0.5),
            blocks(rows, columns, 1, 2, sector * per_sector),
            counts,
            "bird",
        )
        for sector in range(SECTORS)
    )
    return cable("ECAL", [Section(per_sector, 18, 12)] * SECTORS, known_dead=2), pads


def dc() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the drift chambers: 36 layers of 112 wires in each sector."""
    rows, columns, per_sector = 36, 112, 168
    y, x = np.mgrid[0:rows, 0:columns]
    counts = (130.0 + 170.0 * np.exp(-x / 40.0)) * (1.0 - 0.05 * (y // 6))
    pads = tuple(
        colour_map(
            Axes(f"DC sector {sector + 1}", "wire", "layer", 0.5, 112.5, 36.5, 0.5),
            blocks(rows, columns, 3, 8, sector * per_sector),
            counts,
            "bird",
        )
        for sector in range(SECTORS)
    )
    return cable("DC", [Section(per_sector, 14, 28)] * SECTORS, known_dead=3), pads


def rf_time() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the two RF signals against the start time."""
    pads = tuple(
        SpectrumPad(
            Axes(f"RF{number} time", "t - t0 (ns)", "events", -2.0, 2.0),
            f"RF{number} time",
            peak(0.5, width, 0.01),
            entries=15_000.0,
            bins=80,
            colours=colours,
        )
        for number, width, colours in ((1, 0.045, BLUE), (2, 0.050, RED))
    )
    return cable("RFTIME", [Section(2, 1, 2)]), pads


def helicity() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the helicity board: how often each of its signals was low or high."""
    pads = []
    first = 0
    for name, shares in (
        ("helicity", (0.5, 0.5)),
        ("pair sync", (0.5, 0.5)),
        ("quartet", (0.25, 0.25, 0.25, 0.25)),
        ("T settle", (0.6, 0.4)),
    ):
        axes = Axes(f"HEL {name}", "state", "", -0.5, len(shares) - 0.5, divisions=len(shares))
        pads.append(bars(axes, 4000.0 * np.array(shares), first=first))
        first += len(shares)
    return cable("HEL", [Section(first, first, first)]), tuple(pads)


def rich() -> tuple[Detector, Pad]:
    """Build the RICH: 391 photomultipliers in 23 rows that grow by one."""
    rows, widest = 23, 28
    channel = np.full((rows, 2 * widest), -1)
    number = 0
    for row in range(rows):
        count = widest - rows + 1 + row
        left = widest - count
        channel[row, left : left + 2 * count] = number + np.arange(2 * count) // 2
        number += count
    fine = np.repeat(np.repeat(channel, 2, axis=1), 4, axis=0)
    y, x = np.mgrid[0 : fine.shape[0], 0 : fine.shape[1]]
    radius = np.hypot((x + 0.5) / fine.shape[1] - 0.5, 0.8 * (y + 0.5) / fine.shape[0] - 0.45)
    counts = 70.0 + 110.0 * np.exp(-0.5 * ((radius - 0.2) / 0.1) ** 2)
    axes = Axes("", "x (cm)", "y (cm)", -85.0, 85.0, 110.0, -30.0)
    detector = cable("RICH", [Section(number, 6, 20, slots=17)], known_dead=2)
    return detector, colour_map(axes, fine, counts, "bird")


def _canvas(
    name: str,
    group: str,
    built: tuple[Detector, tuple[Pad, ...]],
    faults: tuple[str, ...],
    guidance: str,
    *,
    kind: str = "occupancy-2d",
    divided: tuple[int, int] = (2, 3),
) -> PlotKind:
    """Make a plot of several pads, divided into rows and columns."""
    rows, columns = divided
    title = name.replace("_", " ")
    return PlotKind(name, group, title, *built, faults, guidance, kind, rows, columns)


def _detectors() -> tuple[PlotKind, ...]:
    rich_detector, rich_map = rich()
    return (
        _canvas(
            "FTOF_adcOccupancy",
            "FTOF",
            ftof(),
            (*READOUT, *ALWAYS),
            "Six sectors alike. An empty sector is its crate; gaps are HV.",
            kind="occupancy-1d",
            divided=(2, 3),
        ),
        _canvas(
            "ECAL_adcOccupancy",
            "ECAL",
            ecal(),
            LIGHT,
            "Six sectors alike. A missing block of strips is a HV board (HVECAL): call the"
            " ECAL expert and note since when. An empty sector is its crate.",
            kind="occupancy-2d",
            divided=(2, 3),
        ),
        _canvas(
            "DC_OccupancyNorm",
            "DC",
            dc(),
            (*READOUT, *ALWAYS),
            "Six sectors alike. White strips are read-out boards, dark ones HV.",
            kind="occupancy-2d",
            divided=(2, 3),
        ),
        _canvas(
            "RICH_occupancy2d",
            "RICH",
            (rich_detector, (rich_map,)),
            LIGHT,
            "A glowing patch is a light leak: HV off, call the RICH expert. White tiles"
            " are read-out.",
            kind="occupancy-2d",
            divided=(1, 1),
        ),
    )


def _signals() -> tuple[PlotKind, ...]:
    return (
        _canvas(
            "RF_time",
            "RF",
            rf_time(),
            (*TIMING, *ALWAYS),
            "One peak at zero for each RF signal. Shifted or double: calibrate anew.",
            kind="timing",
            divided=(1, 2),
        ),
        _canvas(
            "HEL_Board",
            "HEL",
            helicity(),
            ("dead-channel", "hot-channel", "empty"),
            "Both helicities equally often. A missing state: check the cable of the"
            " helicity board.",
            kind="occupancy-1d",
            divided=(2, 2),
        ),
    )


CLAS12: Final = (*_detectors(), *_signals())
"""Six plots, some of them canvases of six sectors."""
