"""What operators and clients ask of the Keeper, and its answers."""

from typing import Annotated

import msgspec

from pipeline.messages.base import Fraction, Message, Name, Text


class Who(Message, kw_only=True, frozen=True):
    """Who asks for a change, from where and why."""

    user: Name
    host: Name
    why: Text = ""


class SetThreshold(Message, kw_only=True, frozen=True, tag="set-threshold"):
    """Change a confirmation threshold."""

    who: Who
    plot: Name
    label: Name
    value: Fraction


class SetIgnore(Message, kw_only=True, frozen=True, tag="set-ignore"):
    """Take a plot out of the alarms, or back."""

    who: Who
    plot: Name
    ignored: bool


class SetConditions(Message, kw_only=True, frozen=True, tag="set-conditions"):
    """What the machine does now: beam current and run number.

    Sent on every change by the IOC, which reads the facility's PVs.
    """

    who: Who
    beam_current: float | None
    """In the unit of the deployment's beam PV; None when unknown."""
    run: int = -1


class SetRunType(Message, kw_only=True, frozen=True, tag="set-run-type"):
    """Say what kind of run the experiment takes; plots take their references of it."""

    who: Who
    run_type: Annotated[str, msgspec.Meta(max_length=100)]
    """Empty where it is not known."""
    measured: bool = False
    """A PV of the facility says so, not a person."""


class SetNews(Message, kw_only=True, frozen=True, tag="set-news"):
    """Post a line of news to all screens; empty clears it."""

    who: Who
    text: Text


class Reload(Message, kw_only=True, frozen=True, tag="reload"):
    """The database was changed by another program: read the catalogue again."""

    who: Who


class PutRefused(Message, kw_only=True, frozen=True, tag="put-refused"):
    """The IOC refused a client's put before it became a command: for the audit log."""

    who: Who
    """``why`` says why it was refused."""
    pv: Name
    value: Annotated[str, msgspec.Meta(max_length=200)]
    """What the client sent, as text."""
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    """How often the same was refused since the last such message."""


class SnapshotRequest(Message, kw_only=True, frozen=True, tag="snapshot"):
    """Ask for the catalogue and the state of every plot.

    The reply is a series on the same socket: one ``Catalogue``, then one
    ``PlotState`` with its frames for each plot, then an ``Accepted``.
    """


class Accepted(Message, kw_only=True, frozen=True, tag="accepted"):
    """A command is committed. Frames: none."""

    text: Text = ""


class Refused(Message, kw_only=True, frozen=True, tag="refused"):
    """A command is not carried out; says why."""

    kind: Annotated[str, msgspec.Meta(pattern="^(invalid|not-permitted|unavailable)$")]
    text: Text
