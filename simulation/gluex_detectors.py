"""The detectors of a GlueX-like experiment and the pads that show them.

Source:
    Sizes of the detectors after S. Adhikari et al., "The GlueX
    beamline and detector", NIM A 987 (2021) 164807. Where a channel would be
    too small to see, one read-out channel serves several cells.
"""

from typing import Final

import numpy as np

from simulation.cells import grid
from simulation.curves import ProfilePad, RatePad, SpectrumPad, peak
from simulation.detector import Detector, Floats, Section, cable
from simulation.histogram import BLUE, GREEN, RED, BarsPad
from simulation.layouts import bars, blocks, colour_map, ring_cells, rings
from simulation.pads import Axes, Pad
from simulation.rings import RingPad

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
        slot=layer // 5 + 3,
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
    weights = np.zeros((48, detector.size))
    np.add.at(weights, (bins, channel), 1.0 / np.array(CDC_RINGS)[ring])
    weights /= weights.sum(axis=1, keepdims=True)
    efficiency = ProfilePad(
        Axes("CDC hit efficiency", "phi (deg)", "efficiency", 0, 360, 1.1),
        weights,
        level=0.95,
        tries=1500.0,
    )
    return detector, occupancy, efficiency


def fcal() -> tuple[Detector, Pad]:
    """Build the forward calorimeter: a disc of blocks with a hole for the beam."""
    size = 56
    row, column = np.mgrid[0:size, 0:size]
    y, x = (row // 2 + 0.5) / (size / 2) - 0.5, (column // 2 + 0.5) / (size / 2) - 0.5
    exists = (np.hypot(x, y) < 0.5) & ~((np.abs(x) < 0.06) & (np.abs(y) < 0.06))
    numbers = np.full((size // 2, size // 2), -1)
    inside = exists[::2, ::2]
    total = int(inside.sum())
    numbers[inside] = np.arange(total)
    fine = np.hypot((row + 0.5) / size - 0.5, (column + 0.5) / size - 0.5)
    counts = 80.0 + 260.0 * np.exp(-fine / 0.16)
    detector = cable("FCAL", [Section(total, 16, 24, slots=10)], known_dead=3)
    axes = Axes("", "column", "row", 0.0, size, float(size))
    return detector, colour_map(axes, numbers[row // 2, column // 2], counts)


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
    end = Section(rows * columns, 16, 40, slots=12)
    return cable("BCAL", [end, end], known_dead=4), pads


def st() -> tuple[Detector, Pad]:
    """Build the start counter: 30 scintillator bars."""
    axes = Axes("", "sector", "hits", 0.5, 30.5)
    return cable("ST", [Section(30, 8, 6)]), bars(axes, np.full(30, 900.0))


def tof() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the time-of-flight wall: two planes of 46 paddles."""
    paddle = np.arange(46)
    counts = 500.0 + 700.0 * np.exp(-0.5 * ((paddle - 22.5) / 9.0) ** 2)
    pads = tuple(
        bars(
            Axes(f"TOF {plane} plane", "paddle", "hits", 0.5, 46.5),
            counts,
            first=first,
            colours=colours,
        )
        for plane, first, colours in (("horizontal", 0, BLUE), ("vertical", 46, RED))
    )
    plane = Section(46, 8, 10)
    return cable("TOF", [plane, plane]), pads


def fdc() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the forward drift chambers: four packages of three views."""
    rows, columns, per_view = 20, 24, 116
    y, x = np.mgrid[0:rows, 0:columns]
    far = np.hypot((x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5)
    hole = (np.abs(x - 11.5) < 2) & (np.abs(y - 9.5) < 2)
    pads = []
    for view in range(12):
        channel = np.full((rows, columns), -1)
        _, numbers = np.unique(blocks(rows, columns, 2, 2)[~hole], return_inverse=True)
        channel[~hole] = numbers + view * per_view
        counts = (120.0 + 260.0 * np.exp(-far / 0.2)) * (1.0 - 0.03 * (view // 3))
        axes = Axes(f"FDC package {view // 3 + 1} view {view % 3 + 1}", "wire", "", 0, 96, 96.0)
        pads.append(colour_map(axes, channel, counts))
    package = Section(3 * per_view, 24, 40)
    return cable("FDC", [package] * 4), tuple(pads)


def dirc() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the DIRC: two boxes of photon sensors under rings of Cherenkov light."""
    rows, columns, per_box = 24, 72, 432
    y, x = np.mgrid[0:rows, 0:columns]
    across, up = (x + 0.5) / columns, (y + 0.5) / rows
    pads = []
    for box, name in enumerate(("south", "north")):
        arc = 0.75 - 1.6 * (across - 0.5) ** 2
        light = np.exp(-0.5 * ((up - arc) / 0.09) ** 2)
        light += 0.6 * np.exp(-0.5 * ((up - arc + 0.4) / 0.12) ** 2)
        axes = Axes(f"DIRC {name} box", "pixel column", "pixel row", 0.0, 144.0, 48.0)
        channel = blocks(rows, columns, 2, 2, box * per_box)
        pads.append(colour_map(axes, channel, 110.0 + 240.0 * light, "bird"))
    box_section = Section(per_box, 12, 36, slots=9)
    return cable("DIRC", [box_section, box_section], known_dead=3), tuple(pads)


def ps() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the pair spectrometer: two arms of fine tiles and of coarse counters."""
    tile = np.arange(145) / 145.0
    fine = 350.0 + 500.0 * np.sin(np.pi * tile) ** 2
    coarse = 2000.0 + 1500.0 * np.sin(np.pi * (np.arange(8) + 0.5) / 8)
    pads: list[Pad] = []
    first = 0
    for name, counts, per_channel, colours in (
        ("PS left arm", fine, 5, BLUE),
        ("PS right arm", fine[::-1], 5, RED),
        ("PSC left", coarse, 1, BLUE),
        ("PSC right", coarse, 1, RED),
    ):
        axes = Axes(name, "counter", "hits", 0.5, len(counts) + 0.5)
        pads.append(bars(axes, counts, per_channel=per_channel, first=first, colours=colours))
        first += len(counts) // per_channel
    arm, corner = Section(29, 8, 6), Section(8, 4, 4)
    return cable("PS", [arm, arm, corner, corner]), tuple(pads)


def tagger() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the photon tagger: hodoscope and microscope."""
    energy = np.arange(270) / 270.0
    hodoscope = 500.0 + 600.0 * (1.0 - energy)
    microscope = 700.0 + 500.0 * np.exp(-0.5 * ((np.arange(100) - 60.0) / 22.0) ** 2)
    pads = (
        bars(Axes("Tagger hodoscope", "counter", "hits", 0.5, 270.5), hodoscope, per_channel=6),
        bars(
            Axes("Tagger microscope", "column", "hits", 0.5, 100.5),
            microscope,
            per_channel=2,
            first=45,
            colours=GREEN,
        ),
    )
    sections = [Section(45, 8, 6, slots=3), Section(50, 8, 10, slots=4)]
    return cable("TAGGER", sections), pads


def rf() -> tuple[Detector, tuple[Pad, ...]]:
    """Build the accelerator's RF signal as four systems see it."""
    pads = tuple(
        SpectrumPad(
            Axes(f"RF {name} self timing", "dt (ns)", "", -1.0, 1.0),
            f"RF {name}",
            peak(0.5, width, 0.004),
            entries=20_000.0,
        )
        for name, width in (("TOF", 0.030), ("TAGH", 0.036), ("PSC", 0.033), ("FDC", 0.040))
    )
    return cable("RF", [Section(4, 1, 4)]), pads


def photon_energy(places: Floats, drift: float) -> Floats:
    """Give the spectrum of photon energies, 6 to 12 GeV, with its coherent edge.

    Source:
        GlueX: diamond radiator, coherent edge at 8.8 GeV, pairs accepted from
        6 to 12 GeV; the edge moves by some 10 MeV between runs.
    """
    energy = 6.0 + 6.0 * places
    accepted = np.clip((energy - 6.0) / 1.5, 0.0, 1.0) * np.clip((12.0 - energy) / 2.5, 0.0, 1.0)
    edge = 8.8 + 0.03 * drift
    below = np.exp(-np.clip(edge - energy, 0.0, None) / 0.35)
    coherent = 1.8 * below / (1.0 + np.exp((energy - edge) / 0.03))
    return np.asarray(accepted * (8.0 / energy + coherent) + 0.002)


def trigger() -> tuple[Detector, Pad, Pad]:
    """Build the trigger: which bits fired, and its rate against time."""
    used = {1: 1.0, 2: 0.8, 3: 0.45, 4: 0.6, 7: 0.4, 8: 0.5, 10: 0.9, 11: 0.55}
    used.update({17: 0.7, 18: 0.42, 21: 0.65, 25: 0.5, 26: 0.85, 32: 0.4})
    counts = np.zeros(32)
    channel = np.full(32, -1)
    for number, (bit, height) in enumerate(used.items()):
        counts[bit - 1] = 6000.0 * height
        channel[bit - 1] = number
    axes = Axes("", "trigger bit", "events", 0.5, 32.5)
    bits = BarsPad(axes, grid(channel[None, :], counts[None, :]), RED)
    rate = RatePad(
        Axes("", "time before now (s)", "rate (kHz)", -160.0, 0.0, 60.0), "Trigger-Rate", 40.0
    )
    return cable("TRIGGER", [Section(len(used), 8, len(used))]), bits, rate


def fa125() -> tuple[Detector, Pad]:
    """Build the trigger counters of the 125 MHz flash ADCs: crates by slots."""
    crates, modules = 14, 16
    place = np.arange(modules)
    columns = np.where(place < 8, place, place + 2)
    channel = np.full((crates, 18), -1)
    channel[:, columns] = np.arange(crates * modules).reshape(crates, modules)
    axes = Axes("", "slot", "crate", 2.5, 20.5, crates + 0.5, 0.5)
    section = Section(crates * modules, 1, 16)
    return cable("FA125", [section]), colour_map(axes, channel, np.full((crates, 18), 900.0))
