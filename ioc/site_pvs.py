"""The PVs of the deployment itself: status bar, producer, and what there is to see."""

import json
from collections.abc import Iterable, Iterator

from ioc.chain import StageKey
from ioc.description import (
    STRING_LIMIT,
    AccessGroup,
    Kind,
    PvDescription,
    Setting,
    Target,
    name_part,
)
from ioc.performance_pvs import describe_accuracy
from ioc.plot_pvs import iso
from ioc.quality import by_group
from ioc.shadow_pvs import shadow_digest
from ioc.similarity_pvs import tells_novelty
from ioc.stage_pvs import stage_name
from ioc.value import EPICS_EPOCH, PvValue
from ioc.value_pvs import gives_number
from pipeline.alarm import Severity, Status
from pipeline.messages import Catalogue, PlotEntry, SiteState

BEAM = ("Unknown", "Off", "On")
PRODUCER = ("Running", "Silent")
CATALOGUE_BYTES = 1_000_000


def describe_site(
    prefix: str, *, beam_writable: bool, run_type_writable: bool = True
) -> Iterator[PvDescription]:
    """Describe the PVs that exist whatever the catalogue says.

    Args:
        prefix: The deployment's prefix.
        beam_writable: Whether no PV of the facility gives the beam current.
        run_type_writable: Whether none gives the run type.
    """
    yield PvDescription(f"{prefix}Run", Kind.LONG, "Run number", archive=True)
    yield PvDescription(f"{prefix}Period", Kind.STRING, "Run period")
    yield from _conditions(prefix, beam=beam_writable, run_type=run_type_writable)
    yield PvDescription(
        f"{prefix}News",
        Kind.LONG_STRING,
        "Line of news on all screens",
        target=Target(Setting.NEWS),
        group=AccessGroup.OPERATOR,
    )
    yield PvDescription(f"{prefix}LastUpdate", Kind.STRING, "Time of the newest image")
    yield PvDescription(
        f"{prefix}Producer",
        Kind.ENUM,
        "Whether plots arrive at all",
        choices=PRODUCER,
        ackable=True,
        archive=True,
        group=AccessGroup.OPERATOR,
    )
    yield PvDescription(
        f"{prefix}Plots", Kind.TEXT, "Names of all plots, JSON", max_length=CATALOGUE_BYTES
    )
    yield PvDescription(
        f"{prefix}Catalogue",
        Kind.TEXT,
        "Plots, groups, labels and colours, JSON",
        max_length=CATALOGUE_BYTES,
    )
    yield from describe_accuracy(prefix)
    yield PvDescription(f"{prefix}Ioc:Refused", Kind.LONG, "Puts refused", archive=True)
    yield PvDescription(
        f"{prefix}AlarmHandler:Heartbeat",
        Kind.LONG,
        "Written by the alarm handler",
        target=Target(Setting.ALARM_HANDLER),
        group=AccessGroup.OPERATOR,
    )


def _conditions(prefix: str, *, beam: bool, run_type: bool) -> Iterator[PvDescription]:
    yield PvDescription(
        f"{prefix}RunType",
        Kind.STRING,
        "Run type, chooses the references",
        max_length=STRING_LIMIT + 1,
        target=Target(Setting.RUN_TYPE) if run_type else None,
        group=AccessGroup.OPERATOR,
        archive=True,
    )
    yield PvDescription(f"{prefix}Beam", Kind.ENUM, "Beam gate", choices=BEAM, archive=True)
    yield PvDescription(
        f"{prefix}BeamCurrent",
        Kind.DOUBLE,
        "Beam current for the beam gate",
        precision=2,
        target=Target(Setting.BEAM) if beam else None,
        group=AccessGroup.OPERATOR,
        archive=True,
    )


def site_values(prefix: str, site: SiteState, fault: str) -> dict[str, PvValue]:
    """Give what the status bar's PVs show.

    Args:
        prefix: The deployment's prefix.
        site: What the Keeper said last.
        fault: Why it may be outdated, empty when it is not.
    """
    time = site.last_image_time or EPICS_EPOCH
    values = {
        "Run": PvValue(site.run, time=time),
        "Period": PvValue(site.period[:39], time=time),
        "Beam": PvValue(0 if site.beam_on is None else 1 + int(site.beam_on), time=time),
        "News": PvValue(site.news, time=time),
        "LastUpdate": PvValue(iso(site.last_image_time), time=time),
        "Producer": _producer(site, time),
    }
    if fault:
        values = {
            name: PvValue(value.value, Severity.INVALID, Status.COMM, time, fault)
            for name, value in values.items()
        }
    return {prefix + name: value for name, value in values.items()}


def _producer(site: SiteState, time: float) -> PvValue:
    if site.producer_silent:
        reason = site.reason or "most plots are stale: the producer is silent"
        return PvValue(1, Severity.MAJOR, Status.TIMEOUT, time, reason)
    return PvValue(0, time=time)


def catalogue_text(
    prefix: str, catalogue: Catalogue, stages: Iterable[StageKey], served: Iterable[str]
) -> str:
    """Write the catalogue for screens, so that they can build themselves.

    Args:
        prefix: The deployment's prefix.
        catalogue: From the Keeper.
        stages: Processes with PVs.
        served: Names of the plots whose PVs are served.

    Returns:
        JSON: ``serial``, ``prefix``, ``plots``, ``groups``, ``stages``.
    """
    shown = set(served)
    plots = [entry for entry in catalogue.plots if entry.name in shown]
    groups = [
        {"name": name, "pv": name_part(name), "plots": [entry.name for entry in entries]}
        for name, entries in by_group(plots).items()
    ]
    return json.dumps(
        {
            "serial": catalogue.serial,
            "prefix": prefix,
            "plots": [_plot(entry) for entry in plots],
            "groups": groups,
            "stages": [stage_name(key) for key in stages],
        }
    )


def _plot(entry: PlotEntry) -> dict[str, object]:
    return {
        "name": entry.name,
        "pv": name_part(entry.name),
        "group": entry.group,
        "description": entry.description,
        "ignored": entry.ignored,
        "cadence_s": entry.cadence_s,
        "unit": entry.model.unit if entry.model and gives_number(entry) else None,
        "references": entry.similarity is not None,
        "judged_by_references": entry.model is None and entry.similarity is not None,
        "novelty": tells_novelty(entry),
        "shadow": bool(shadow_digest(entry)),
        "labels": [
            {
                "name": label.name,
                "pv": name_part(label.name),
                "colour": label.colour,
                "confirmed": int(label.confirmed),
                "unconfirmed": int(label.unconfirmed),
            }
            for label in entry.labels
        ],
    }
