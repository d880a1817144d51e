"""The alarms of a deployment as a tree, whatever handler reads it."""

from dataclasses import dataclass

from ioc.chain import StageKey
from ioc.description import name_part
from ioc.listing import Listing
from ioc.plot_pvs import plot_base
from ioc.quality import by_group
from ioc.stage_pvs import stage_name
from pipeline.messages import PlotEntry


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm PV.

    Attributes:
        pv: Full name.
        alias: What the operator reads.
        guidance: What to do, lines of text.
    """

    pv: str
    alias: str
    guidance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """Alarms that belong together.

    Attributes:
        name: One word.
        alias: What the operator reads.
        guidance: What to do, lines of text.
        alarms: Of this group itself.
        groups: Groups below it.
        masked_by: PV whose value 1 silences the whole group; empty for none.
    """

    name: str
    alias: str
    guidance: tuple[str, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    groups: tuple["AlarmGroup", ...] = ()
    masked_by: str = ""


def alarm_tree(
    prefix: str, deployment: str, listing: Listing, stages: list[StageKey]
) -> AlarmGroup:
    """Arrange the alarms of a deployment: chain, producer, plots by detector.

    A dead producer is one alarm: ``$(P)Producer`` stands outside the group of
    the plots and silences it.

    Args:
        prefix: The deployment's prefix.
        deployment: Its name.
        listing: Plots and PVs that are served.
        stages: Processes that are expected.
    """
    producer = Alarm(
        f"{prefix}Producer",
        "No plots arrive at all",
        (
            "Most plots are overdue: the program that makes them is silent.",
            "Restart the monitoring program of the experiment; Hydra goes on by itself.",
        ),
    )
    plots = AlarmGroup(
        "Plots",
        "Plots by detector",
        groups=tuple(
            AlarmGroup(
                name_part(group),
                group,
                (f"Plots of {group}, judged by computer vision.",),
                tuple(_plot(prefix, entry) for entry in entries if not entry.ignored),
            )
            for group, entries in by_group(listing.plots.values()).items()
            if any(not entry.ignored for entry in entries)
        ),
        masked_by=f"{prefix}Producer",
    )
    return AlarmGroup(
        "Hydra_" + name_part(deployment),
        f"Hydra {deployment}",
        ("Hydra judges the monitoring plots. See the Run screen.",),
        (producer,),
        (_chain(prefix, stages), plots),
    )


def _chain(prefix: str, stages: list[StageKey]) -> AlarmGroup:
    alarms = []
    for key in stages:
        name = stage_name(key)
        guidance = (
            f"The process {name} is silent or degraded; read {prefix}{name}:Reason.",
            "It is restarted by itself. If the alarm stays for a minute, call the Hydra expert.",
        )
        alarms.append(Alarm(f"{prefix}{name}:State", f"Process {name}", guidance))
        alarms.append(Alarm(f"{prefix}{name}:Queue", f"Queue of {name}", guidance[:1]))
    return AlarmGroup("Chain", "Processes of Hydra", alarms=tuple(alarms))


def _plot(prefix: str, entry: PlotEntry) -> Alarm:
    lines = [line for line in entry.guidance.splitlines() if line.strip()]
    if not lines:
        lines = ["Look at the plot on the Run screen; the heat map shows what made it bad."]
    # First, so that a long text cannot push it out.
    lines.insert(0, f"Point of contact: {entry.contact or 'none is entered in the catalogue'}")
    return Alarm(f"{plot_base(prefix, entry)}Class", entry.description or entry.name, tuple(lines))
