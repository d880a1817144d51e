"""The plots of a GlueX-like experiment.

Source:
    Plot names as GlueX shows them to its shifts (feature A19 of the
    specification).
"""

from typing import Final

from simulation.curves import SpectrumPad
from simulation.detector import Detector
from simulation.gluex_detectors import (
    bcal,
    cdc,
    dirc,
    fa125,
    fcal,
    fdc,
    photon_energy,
    ps,
    rf,
    st,
    tagger,
    tof,
    trigger,
)
from simulation.kinds import ALWAYS, LIGHT, READOUT, TIMING, PlotKind
from simulation.pads import Axes, Pad


def _one(
    name: str,
    group: str,
    built: tuple[Detector, Pad],
    faults: tuple[str, ...],
    guidance: str,
    *,
    kind: str = "occupancy-2d",
) -> PlotKind:
    """Make a plot of one pad."""
    title = name.replace("_", " ")
    return PlotKind(name, group, title, built[0], (built[1],), faults, guidance, kind)


def _drift_chambers() -> tuple[PlotKind, ...]:
    detector, occupancy, efficiency = cdc()
    fdc_detector, fdc_maps = fdc()
    return (
        _one(
            "CDC_occupancy",
            "CDC",
            (detector, occupancy),
            (*READOUT, *ALWAYS),
            "A missing wedge is a crate, a piece of ring a slot or HV board. Check CDC HV"
            " and the crates; restart the run if a crate is out.",
        ),
        _one(
            "CDC_efficiency",
            "CDC",
            (detector, efficiency),
            ("dead-slot", "dead-crate", *ALWAYS),
            "Flat at 0.95. A dip over 45 degrees is a crate or a slot of it.",
            kind="efficiency",
        ),
        PlotKind(
            "FDC_occupancy",
            "FDC",
            "FDC occupancy",
            fdc_detector,
            fdc_maps,
            (*READOUT, *ALWAYS),
            "Twelve views, alike within a package. Three empty pads in a row are a crate;"
            " white patches are boards. Check FDC HV.",
            rows=4,
            columns=3,
        ),
    )


def _calorimeters() -> tuple[PlotKind, ...]:
    detector, maps = bcal()
    return (
        _one(
            "FCAL_occupancy",
            "FCAL",
            fcal(),
            LIGHT,
            "White blocks away from the beam hole are dead. Check the bases, then the"
            " crate. A glowing patch is light: is the dark room closed?",
        ),
        PlotKind(
            "BCAL_occupancy",
            "BCAL",
            "BCAL occupancy",
            detector,
            maps,
            LIGHT,
            "Compare upstream and downstream. White columns: crate or bias off. A bright"
            " patch at one end is a light leak.",
            rows=2,
        ),
    )


def _counters() -> tuple[PlotKind, ...]:
    tof_detector, planes = tof()
    dirc_detector, boxes = dirc()
    ps_detector, arms = ps()
    return (
        _one(
            "ST_occupancy",
            "ST",
            st(),
            ("dead-channel", "dead-slot", "hv-off", "hot-channel", *ALWAYS, "light-leak"),
            "All 30 bars should be level. Check the bias of a missing bar.",
            kind="occupancy-1d",
        ),
        PlotKind(
            "TOF_occupancy",
            "TOF",
            "TOF occupancy",
            tof_detector,
            planes,
            LIGHT,
            "Both planes peak in the middle. Check the HV of missing paddles; an empty"
            " plane is a crate.",
            kind="occupancy-1d",
            rows=2,
        ),
        PlotKind(
            "DIRC_occupancy",
            "DIRC",
            "DIRC occupancy",
            dirc_detector,
            boxes,
            LIGHT,
            "Arcs of Cherenkov light in both boxes. A bright patch is a light leak: tell"
            " the DIRC expert at once, HV goes off. White blocks are read-out.",
            rows=2,
        ),
        PlotKind(
            "PS_occupancy",
            "PS",
            "PS occupancy",
            ps_detector,
            arms,
            (*READOUT, *ALWAYS),
            "Smooth humps in the arms, four levels in the coarse counters. Check the bias"
            " of missing tiles.",
            kind="occupancy-1d",
            rows=2,
            columns=2,
        ),
    )


def _beamline() -> tuple[PlotKind, ...]:
    arms_detector, _ = ps()
    tagger_detector, tagger_bars = tagger()
    rf_detector, peaks = rf()
    energy = SpectrumPad(
        Axes("", "photon energy (GeV)", "pairs", 6.0, 12.0),
        "Kinematics-PSEnergy",
        photon_energy,
        entries=60_000.0,
        bins=120,
    )
    return (
        PlotKind(
            "TAGGER_occupancy",
            "TAGGER",
            "TAGGER occupancy",
            tagger_detector,
            tagger_bars,
            (*READOUT, *ALWAYS),
            "Smooth in both. Gaps: check the tagger HV. Everything low: is the radiator in?",
            kind="occupancy-1d",
            rows=2,
        ),
        PlotKind(
            "RF_selftiming",
            "RF",
            "RF self timing",
            rf_detector,
            peaks,
            (*TIMING, *ALWAYS),
            "One narrow peak at zero in each pad. A second or shifted peak: call the"
            " timing expert before you go on.",
            kind="timing",
            rows=2,
            columns=2,
        ),
        _one(
            "Kinematics-PSEnergy",
            "PS",
            (arms_detector, energy),
            ("double-peak", *ALWAYS),
            "One coherent edge at 8.8 GeV. A second one: call the beam-line expert.",
            kind="spectrum",
        ),
    )


def _data_taking() -> tuple[PlotKind, ...]:
    detector, bits, rate = trigger()
    return (
        _one(
            "Trigger-Bits",
            "TRIGGER",
            (detector, bits),
            ("dead-channel", "hot-channel", *ALWAYS),
            "Fourteen bits are in use. One missing or far above the rest: check the"
            " trigger configuration of this run.",
            kind="occupancy-1d",
        ),
        _one(
            "Trigger-Rate",
            "TRIGGER",
            (detector, rate),
            ALWAYS,
            "Steady near 40 kHz. Jumps: look at beam current and busy of the crates.",
            kind="rate",
        ),
        _one(
            "fa125_itrig",
            "DAQ",
            fa125(),
            ("dead-slot", "dead-crate", "hot-channel", *ALWAYS),
            "Every module counts the same triggers; slots 11 and 12 hold none. Restart"
            " the run if a module or crate is out of step.",
        ),
    )


GLUEX: Final = (*_drift_chambers(), *_calorimeters(), *_counters(), *_beamline(), *_data_taking())
"""Fifteen plots, as many as GlueX has in Hydra."""
