"""The PVs of how a plot is judged over time."""

from collections.abc import Iterator
from typing import Final

from ioc.description import AccessGroup, Kind, PvDescription, Setting, Target
from ioc.value import PvValue
from pipeline.messages import Steadiness
from pipeline.messages.steadiness import LIMITS, WHOLE

NAMES: Final = {
    "consecutive": ("Steady:Images", "", "Equal results before one is published"),
    "hysteresis": ("Steady:Hysteresis", "", "How far below its threshold a label ends"),
    "hold_s": ("Steady:Hold", "s", "An alarm stays at least so long"),
    "delay_s": ("Steady:Delay", "s", "Not OK for less time is no alarm"),
    "count": ("Steady:Count", "", "Not OK more often within Delay is"),
}
"""Part of the PV name, unit and description by setting."""


def describe_steadiness(base: str, plot: str) -> Iterator[PvDescription]:
    """Describe the PVs.

    Args:
        base: Prefix of the plot's PV names.
        plot: Its name.
    """
    for setting, (name, unit, desc) in NAMES.items():
        whole = setting in WHOLE
        yield PvDescription(
            f"{base}{name}",
            Kind.LONG if whole else Kind.DOUBLE,
            desc,
            units=unit,
            precision=0 if whole or unit else 3,
            display=LIMITS[setting],
            drive=LIMITS[setting],
            target=Target(Setting.STEADINESS, plot, setting),
            group=AccessGroup.THRESHOLDS,
            archive=True,
        )


def steadiness_values(base: str, rules: Steadiness, time: float) -> dict[str, PvValue]:
    """Give what the PVs show.

    Args:
        base: Prefix of the plot's PV names.
        rules: How the plot is judged over time.
        time: Since when it is so, seconds since the epoch.
    """
    return {
        f"{base}{name}": PvValue(getattr(rules, setting), time=time)
        for setting, (name, _, _) in NAMES.items()
    }
