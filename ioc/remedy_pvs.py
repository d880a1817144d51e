"""The PV that a sequencer may follow to put things right; none unless configured.

Hydra never writes to anything outside of itself. Where ``ioc.remedies`` names a
plot, its PV says that a remedy is asked for; a sequencer, whose authors know
the detector, decides what to do.
"""

from collections.abc import Iterator
from typing import Final

from ioc.description import Kind, PvDescription
from ioc.value import EPICS_EPOCH, PvValue
from pipeline.alarm import Severity
from pipeline.messages import PlotState

NAME: Final = "Remedy"
STATES: Final = ("None", "Asked")


def describe_remedy(base: str) -> Iterator[PvDescription]:
    """Describe the PV of a plot that ``ioc.remedies`` names.

    Args:
        base: Prefix of the plot's PV names.
    """
    yield PvDescription(
        f"{base}{NAME}", Kind.ENUM, "A remedy is asked of a sequencer", choices=STATES, archive=True
    )


def remedy_value(state: PlotState) -> PvValue:
    """Give what it shows: asked while a verdict stands at MAJOR.

    Args:
        state: Overlaid by the state of the chain. An ignored plot, one on probation
            and one without beam never reach MAJOR; nothing is asked of an INVALID
            one, and the PV is INVALID itself.
    """
    source = state.image_time or EPICS_EPOCH
    if state.severity is Severity.INVALID:
        return PvValue(0, state.severity, state.status, source, state.reason)
    return PvValue(int(state.severity is Severity.MAJOR), time=source)
