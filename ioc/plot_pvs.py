"""The PVs of one plot: what they are, and what they show for a state."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ioc.description import (
    STATES_LIMIT,
    STRING_LIMIT,
    AccessGroup,
    Kind,
    PvDescription,
    Setting,
    Target,
    name_part,
)
from ioc.mask_pvs import describe_masks, masks_text
from ioc.performance_pvs import describe_performance
from ioc.shadow_pvs import describe_shadow, shadow_values
from ioc.similarity_pvs import describe_similarity, similarity_values
from ioc.steadiness_pvs import describe_steadiness, steadiness_values
from ioc.value import EPICS_EPOCH, Content, PvValue
from ioc.value_pvs import IN_OR_OUT, describe_value, gives_number, number_values
from pipeline.alarm import Severity, Status
from pipeline.messages import PlotEntry, PlotState

OWN_LABELS: Final = ("NoModel", "Nothing")
"""Enum states behind the palette: no active model, no image yet."""
UNKNOWN: Final = "Unknown"
"""State of an image that no label fits, where a palette leaves room for it."""
CONFIRMED: Final = ("Unconfirmed", "Confirmed")
NO_YES: Final = ("No", "Yes")
FRACTION: Final = (0.0, 1.0)


def class_states(entry: PlotEntry) -> tuple[str, ...]:
    """Give the enum states of a plot's Class, in their order."""
    own = IN_OR_OUT if gives_number(entry) else tuple(label.name for label in entry.labels)
    names = (*own, *OWN_LABELS)
    return (*names, UNKNOWN) if len(names) < STATES_LIMIT else names


def plot_base(prefix: str, entry: PlotEntry) -> str:
    """Give the prefix of a plot's PV names."""
    return f"{prefix}{name_part(entry.name)}:"


def describe_plot(prefix: str, entry: PlotEntry) -> Iterator[PvDescription]:
    """Describe every PV of a plot.

    Args:
        prefix: The deployment's prefix.
        entry: The plot as the catalogue has it.

    Yields:
        The descriptions, Class first.

    Raises:
        InputError: A name or a state passes a limit of EPICS.
    """
    base = plot_base(prefix, entry)
    yield from _verdict(base, entry)
    for label in entry.labels:
        yield from _per_label(base, entry.name, label.name)
    yield from _image(base)
    yield PvDescription(
        f"{base}Ignore",
        Kind.ENUM,
        "Take this plot out of the alarms",
        choices=NO_YES,
        target=Target(Setting.IGNORE, entry.name),
        group=AccessGroup.OPERATOR,
        archive=True,
    )
    yield from describe_masks(base, entry.name)
    yield from describe_value(base, entry)
    yield from describe_steadiness(base, entry.name)
    yield from describe_performance(base)
    yield from describe_similarity(base, entry)
    yield from describe_shadow(base, entry, class_states(entry))
    yield PvDescription(f"{base}Contact", Kind.LONG_STRING, "Whom to call")
    yield PvDescription(f"{base}Guidance", Kind.LONG_STRING, "What to do when it is bad")
    yield PvDescription(f"{base}Description", Kind.LONG_STRING, "What the plot shows")
    yield PvDescription(f"{base}Group", Kind.STRING, "Detector system")


def _verdict(base: str, entry: PlotEntry) -> Iterator[PvDescription]:
    yield PvDescription(
        f"{base}Class",
        Kind.ENUM,
        "Label of the last judged image",
        choices=class_states(entry),
        ackable=True,
        archive=True,
        group=AccessGroup.OPERATOR,
    )
    yield PvDescription(
        f"{base}Confidence",
        Kind.DOUBLE,
        "Weight of that label",
        precision=3,
        display=FRACTION,
        archive=True,
    )
    yield PvDescription(
        f"{base}Confirmed",
        Kind.ENUM,
        "Weight reaches the threshold",
        choices=CONFIRMED,
        archive=True,
    )
    yield PvDescription(
        f"{base}GoodMinusBad",
        Kind.DOUBLE,
        "Weight of Good minus weight of Bad",
        precision=3,
        display=(-1.0, 1.0),
        archive=True,
    )
    yield PvDescription(f"{base}Count", Kind.LONG, "Images judged", archive=True)
    yield PvDescription(f"{base}Reason", Kind.LONG_STRING, "Why the severity is what it is")
    yield PvDescription(f"{base}Since", Kind.STRING, "Begin of this label and severity")


def _per_label(base: str, plot: str, label: str) -> Iterator[PvDescription]:
    yield PvDescription(
        f"{base}Weight:{name_part(label)}",
        Kind.DOUBLE,
        "Output weight of the label",
        precision=3,
        display=FRACTION,
        archive=True,
    )
    yield PvDescription(
        f"{base}Threshold:{name_part(label)}",
        Kind.DOUBLE,
        "Confirmation threshold of the label",
        precision=3,
        display=FRACTION,
        drive=FRACTION,
        target=Target(Setting.THRESHOLD, plot, label),
        group=AccessGroup.THRESHOLDS,
        archive=True,
    )


def _image(base: str) -> Iterator[PvDescription]:
    yield PvDescription(f"{base}Run", Kind.LONG, "Run number of the image", archive=True)
    yield PvDescription(f"{base}Chunk", Kind.LONG, "Chunk number of the image", archive=True)
    yield PvDescription(f"{base}ImageTime", Kind.STRING, "Time of the image")
    yield PvDescription(f"{base}Age", Kind.DOUBLE, "Age of the image", units="s")
    yield PvDescription(f"{base}Model", Kind.STRING, "Model that judged the image")
    yield PvDescription(f"{base}ImageFile", Kind.LONG_STRING, "Kept image file", max_length=4096)
    yield PvDescription(f"{base}Image", Kind.IMAGE, "The plot as judged, JPEG")
    yield PvDescription(f"{base}Heatmap", Kind.IMAGE, "Activation map of the label")


def plot_values(prefix: str, entry: PlotEntry, state: PlotState, now: float) -> dict[str, PvValue]:
    """Give what the PVs of a plot show for a state, pictures apart.

    Args:
        prefix: The deployment's prefix.
        entry: The plot as the catalogue has it.
        state: What the judge says, overlaid by the state of the chain.
        now: Seconds since the epoch, for the age.

    Returns:
        Values by full PV name. Class has the severity of the state; the others
        follow it when it is INVALID and have none otherwise, like a link with
        maximize-severity MSI.
    """
    base = plot_base(prefix, entry)
    source = state.image_time or EPICS_EPOCH
    follows = state.severity is Severity.INVALID

    def made(value: Content, *, alarm: bool = follows) -> PvValue:
        if alarm:
            return PvValue(value, state.severity, state.status, source, state.reason)
        return PvValue(value, time=source)

    weights = state.weights
    states = class_states(entry)
    values: dict[str, PvValue] = {
        "Class": made(_index(states, state.label), alarm=True),
        "Confidence": made(state.confidence),
        "Confirmed": made(int(state.confirmed)),
        "GoodMinusBad": made(weights.get("Good", 0.0) - weights.get("Bad", 0.0)),
        "Count": made(state.count),
        "Reason": made(state.reason, alarm=False),
        "Since": made(iso(state.since), alarm=False),
        "Run": made(state.run),
        "Chunk": made(state.chunk),
        "ImageTime": made(iso(state.image_time)),
        "Age": age_value(state, now),
        "Model": made(state.model[:STRING_LIMIT]),
        "ImageFile": made(state.image_file),
        "Ignore": made(int(entry.ignored), alarm=False),
    }
    for label in entry.labels:
        part = name_part(label.name)
        values[f"Weight:{part}"] = made(weights.get(label.name, 0.0))
        values[f"Threshold:{part}"] = made(state.thresholds.get(label.name, 0.0), alarm=False)
    values |= similarity_values(entry, state)
    values |= shadow_values(entry, state, states)
    shown = {base + name: value for name, value in values.items()}
    return shown | number_values(base, entry, state, source)


def text_values(prefix: str, entry: PlotEntry, time: float) -> dict[str, PvValue]:
    """Give the PVs that the catalogue alone decides.

    Args:
        prefix: The deployment's prefix.
        entry: The plot.
        time: When this text was first seen, seconds since the epoch.
    """
    base = plot_base(prefix, entry)
    texts = {
        "Contact": entry.contact,
        "Guidance": entry.guidance,
        "Description": entry.description,
        "Group": entry.group[:STRING_LIMIT],
        "Masks": masks_text(entry),
    }
    shown = {base + name: PvValue(text, time=time) for name, text in texts.items()}
    return shown | steadiness_values(base, entry.steadiness, time)


def age_value(state: PlotState, now: float) -> PvValue:
    """Give what Age shows: whole seconds, 0 before the first image.

    Args:
        state: The plot's state, overlaid by the state of the chain.
        now: Seconds since the epoch; also the source time, as the age is made now.
    """
    seconds = float(max(0, int(now - state.image_time))) if state.image_time else 0.0
    if state.severity is Severity.INVALID:
        return PvValue(seconds, state.severity, state.status, now, state.reason)
    return PvValue(seconds, time=now)


def iso(time: float) -> str:
    """Write a time as local ISO 8601 with its offset, empty for 0.0."""
    if not time:
        return ""
    return datetime.fromtimestamp(time).astimezone().isoformat(timespec="milliseconds")


def _index(states: tuple[str, ...], label: str) -> int:
    try:
        return states.index(label)
    except ValueError:
        # The catalogue that names this label is on its way.
        return states.index("Nothing")


def picture_value(state: PlotState, picture: bytes) -> PvValue:
    """Give what Image shows.

    Args:
        state: The plot's state.
        picture: JPEG bytes.
    """
    return _framed(state, picture, (0, 0))


def heat_value(state: PlotState, heat: bytes) -> PvValue:
    """Give what Heatmap shows.

    Args:
        state: The plot's state; its ``heat_shape`` is height and width.
        heat: uint8, h x w, 0..255.
    """
    return _framed(state, heat, state.heat_shape)


def _framed(state: PlotState, data: bytes, shape: tuple[int, int]) -> PvValue:
    source = state.image_time or EPICS_EPOCH
    if not data or (shape != (0, 0) and len(data) != shape[0] * shape[1]):
        return PvValue(b"", Severity.INVALID, Status.UDF, source, "no picture")
    return PvValue(data, state.severity, state.status, source, state.reason, shape)
