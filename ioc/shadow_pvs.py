"""The PVs of a plot's shadow: what another model says beside the verdict, without alarm."""

from collections.abc import Iterator, Sequence
from typing import Final

from ioc.description import STRING_LIMIT, Kind, PvDescription
from ioc.value import EPICS_EPOCH, Content, PvValue
from pipeline.alarm import Severity, Status
from pipeline.messages import PlotEntry, PlotState, ShadowState

FRACTION: Final = (0.0, 1.0)
NOTHING: Final = "Nothing"


def shadow_digest(entry: PlotEntry) -> str:
    """Give the digest of a plot's shadow, empty without one."""
    shadows = (one.model.digest for one in entry.companions if one.role == "shadow")
    return next(shadows, "")


def describe_shadow(
    base: str, entry: PlotEntry, states: tuple[str, ...]
) -> Iterator[PvDescription]:
    """Describe them; a plot without a shadow has only the text that says so.

    Args:
        base: Prefix of the plot's PV names.
        entry: The plot as the catalogue has it.
        states: The enum states of its Class.
    """
    yield PvDescription(f"{base}Shadow:Model", Kind.STRING, "Model compared with the judging one")
    if not shadow_digest(entry):
        return
    yield PvDescription(
        f"{base}Shadow:Class",
        Kind.ENUM,
        "Label of the shadow; not the verdict",
        choices=states,
        archive=True,
    )
    yield PvDescription(
        f"{base}Shadow:Confidence",
        Kind.DOUBLE,
        "Weight of the shadow's label",
        precision=3,
        display=FRACTION,
        archive=True,
    )
    yield PvDescription(
        f"{base}Shadow:Disagreement",
        Kind.DOUBLE,
        "Share of images with another label",
        precision=4,
        display=FRACTION,
        archive=True,
    )
    yield PvDescription(f"{base}Shadow:Count", Kind.LONG, "Images compared", archive=True)
    yield PvDescription(
        f"{base}Shadow:Disagreed", Kind.LONG, "Of these, with another label", archive=True
    )
    yield PvDescription(f"{base}Shadow:Reason", Kind.LONG_STRING, "Why the shadow says nothing")


def shadow_values(entry: PlotEntry, state: PlotState, states: Sequence[str]) -> dict[str, PvValue]:
    """Give what they show, by name without the plot's prefix.

    Args:
        entry: The plot as the catalogue has it.
        state: From the judge, overlaid by the state of the chain.
        states: The enum states of its Class.

    Returns:
        Never MINOR or MAJOR; INVALID where the shadow failed, has not seen the
        image on show, or the plot itself is INVALID.
    """
    time = state.image_time or EPICS_EPOCH
    digest = shadow_digest(entry)
    values = {"Shadow:Model": PvValue(digest[:STRING_LIMIT], time=time)}
    if not digest:
        return values
    said = state.shadow
    if said is None or said.model != digest:
        said = ShadowState(model=digest, error="the shadow has not seen the image on show")
    label = said.label if said.label in states else NOTHING
    error = said.error or ("" if said.label else "no label")
    if said.label and label != said.label:
        error = f"label {said.label} is not in the palette"

    def made(value: Content) -> PvValue:
        if error:
            return PvValue(value, Severity.INVALID, Status.CALC, time, error)
        if state.severity is Severity.INVALID:
            return PvValue(value, state.severity, state.status, time, state.reason)
        return PvValue(value, time=time)

    share = said.disagreed / said.compared if said.compared else 0.0
    rate = PvValue(share, time=time)
    if not said.compared:
        # 0.0 would look like full agreement to a client that reads no severity.
        rate = PvValue(0.0, Severity.INVALID, Status.UDF, time, "no image compared yet")
    return values | {
        "Shadow:Class": made(list(states).index(label)),
        "Shadow:Confidence": made(said.confidence),
        "Shadow:Disagreement": rate,
        "Shadow:Count": PvValue(said.compared, time=time),
        "Shadow:Disagreed": PvValue(said.disagreed, time=time),
        "Shadow:Reason": PvValue(error, time=time),
    }
