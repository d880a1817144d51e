"""A put from a client: checked, then carried out, then complete.

Both faces bring their puts here, so that a rule exists once.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from ioc.access import AccessRules, Client
from ioc.board import Board
from ioc.description import Kind, PvDescription, Setting, Target
from ioc.mask_pvs import make_change, parse_put
from ioc.value import Content, PvValue
from pipeline.errors import CommandError, NotPermitted
from pipeline.messages import (
    Command,
    SetConditions,
    SetIgnore,
    SetLimit,
    SetNews,
    SetRunType,
    SetSteadiness,
    SetThreshold,
    Who,
)
from pipeline.messages.steadiness import DAY_S

logger = logging.getLogger(__name__)

LONG_RANGE: Final = (-(2**31), 2**31 - 1)
Send = Callable[[Command], Awaitable[None]]


class Clerk:
    """Takes puts.

    Attributes:
        refused: Number of puts refused since the start.
    """

    def __init__(self, board: Board, rules: AccessRules, send: Send) -> None:
        """Begin.

        Args:
            board: Where local settings are shown.
            rules: Who may write.
            send: Sends a command to the Keeper; returns when it is committed
                and raises ``CommandError`` when it is not.
        """
        self._board = board
        self._rules = rules
        self._send = send
        self.refused = 0
        self.on_refusal: Callable[[], None] = lambda: None
        self.on_record: Callable[[str, object, Client, str], None] = lambda *_: None
        self.run_number: Callable[[], int] = lambda: -1

    def may_write(self, description: PvDescription, client: Client) -> bool:
        """Tell whether a client may put to, or acknowledge, a PV at all."""
        takes_puts = description.target is not None or description.ackable
        return takes_puts and self._rules.may_write(description.group, client)

    async def put(self, description: PvDescription, content: object, client: Client) -> None:
        """Check a put and carry it out; complete when it is committed.

        Args:
            description: The PV.
            content: What the client sent: a number, a text, or anything else.
            client: Who sent it.

        Raises:
            NotPermitted: The client has no right to do this.
            CommandError: Out of range, wrong type, or not carried out.
        """
        try:
            target = self._permitted(description, client)
            checked = check(description, content)
        except CommandError as error:
            self.refuse(description.name, client, str(error), content)
            raise
        try:
            await self._carry_out(description, target, checked, client)
        except CommandError as error:
            # The Keeper has it on record already, or is away.
            self._count(description.name, client, str(error))
            raise
        # The beam current comes every few seconds; that is no event for a log.
        steady = target.setting in (Setting.BEAM, Setting.ALARM_HANDLER)
        logger.log(
            logging.DEBUG if steady else logging.INFO,
            "pv=%s user=%r host=%s event=put value=%r",
            description.name,
            client.user[:60],
            client.address,
            checked,
        )

    def refuse(self, name: str, client: Client, why: str, value: object = None) -> None:
        """Count and log a refused put, and have it put on record.

        Args:
            name: Name of the PV.
            client: Who sent it.
            why: Why it is refused.
            value: What came, as far as it could be decoded.
        """
        self.on_record(name, value, client, why)
        self._count(name, client, why)

    def _count(self, name: str, client: Client, why: str) -> None:
        self.refused += 1
        logger.warning(
            "pv=%s user=%r host=%s event=put-refused reason=%r",
            name,
            client.user[:60],
            client.address,
            why,
        )
        self.on_refusal()

    def acknowledge(self, description: PvDescription, client: Client) -> None:
        """Check that a client may acknowledge the alarm of a PV.

        Raises:
            NotPermitted: It may not.
        """
        if not description.ackable:
            self.refuse(description.name, client, "acknowledgement of a PV without alarm")
            raise NotPermitted(f"{description.name} carries no alarm of its own")
        if not self.may_write(description, client):
            self.refuse(description.name, client, "no right to acknowledge")
            raise NotPermitted(_denied(description, client))

    def _permitted(self, description: PvDescription, client: Client) -> Target:
        if description.target is None:
            raise NotPermitted(f"{description.name} is read-only")
        if not self._rules.may_write(description.group, client):
            raise NotPermitted(_denied(description, client))
        return description.target

    async def _carry_out(
        self, description: PvDescription, target: Target, content: Content, client: Client
    ) -> None:
        value = PvValue(content, time=time.time())
        if target.setting is not Setting.ALARM_HANDLER:
            who = Who(user=client.user[:500] or "unknown", host=client.address)
            await self._send(make_command(target, content, who, self.run_number()))
        if description.name not in self._board:
            return  # the put itself took the PV away, as a limit of 0 does
        if target.setting not in (Setting.ALARM_HANDLER, Setting.BEAM):
            # The Keeper's word is on its way; who reads back now must see it.
            value = replace(self._board.value(description.name), value=content)
        self._board.show({description.name: value})


def make_command(target: Target, content: Content, who: Who, run: int) -> Command:
    """Make the command that a put stands for.

    Args:
        target: Where the put goes.
        content: The checked value.
        who: Who put it.
        run: Run number that the facility's PV gives, -1 without one.

    Raises:
        CommandError: The setting is none of the Keeper's.
    """
    match target.setting:
        case Setting.THRESHOLD:
            return SetThreshold(who=who, plot=target.plot, label=target.label, value=float(content))
        case Setting.IGNORE:
            return SetIgnore(who=who, plot=target.plot, ignored=bool(content))
        case Setting.NEWS | Setting.RUN_TYPE:
            return _said(target, str(content), who)
        case Setting.BEAM:
            return SetConditions(who=who, beam_current=float(content), run=run)
        case Setting.LIMIT | Setting.STEADINESS:
            return _tuning(target, float(content), who)
        case Setting.MASK:
            return make_change(who, target.plot, str(content))
    raise CommandError(f"{target.setting} is no setting of the Keeper")


def _said(target: Target, content: str, who: Who) -> Command:
    if target.setting is Setting.RUN_TYPE:
        return SetRunType(who=who, run_type=content)
    return SetNews(who=who, text=content)


def _tuning(target: Target, value: float, who: Who) -> Command:
    if target.setting is Setting.LIMIT:
        return SetLimit(who=who, plot=target.plot, limit=target.label, value=value)
    if not 0 <= value <= DAY_S:
        raise CommandError(f"expected a number from 0 to {DAY_S:g}, received {value:g}")
    return SetSteadiness(who=who, plot=target.plot, setting=target.label, value=value)


def check(description: PvDescription, content: object) -> Content:
    """Bring what a client sent into the type and range of a PV.

    Args:
        description: The PV.
        content: A number or a text, as decoded from either protocol.

    Raises:
        CommandError: Says what was expected and what came.
    """
    if description.kind in (Kind.DOUBLE, Kind.LONG):
        return _number(description, content)
    if description.kind is Kind.ENUM:
        return _state(description, content)
    if not isinstance(content, str):
        raise CommandError(f"expected a text, received {type(content).__name__}")
    if len(content.encode(errors="replace")) >= description.max_length:
        raise CommandError(f"expected fewer than {description.max_length} bytes of text")
    if "\0" in content or not content.isprintable():
        raise CommandError("expected printable text, received control characters")
    if description.target is not None and description.target.setting is Setting.MASK:
        parse_put(content)
    return content


def _number(description: PvDescription, content: object) -> Content:
    if isinstance(content, str):
        try:
            return _number(description, float(content))
        except ValueError:
            raise CommandError(f"expected a number, received {content[:40]!r}") from None
    if not isinstance(content, int | float):
        raise CommandError(f"expected a number, received {type(content).__name__}")
    if not math.isfinite(content):
        raise CommandError(f"expected a finite number, received {content}")
    whole = description.kind is Kind.LONG
    low, high = description.drive or (LONG_RANGE if whole else (-math.inf, math.inf))
    if not low <= content <= high:
        raise CommandError(f"expected a number from {low:g} to {high:g}, received {content:g}")
    if whole and content != int(content):
        raise CommandError(f"expected a whole number, received {content:g}")
    return int(content) if whole else float(content)


def _state(description: PvDescription, content: object) -> Content:
    choices = description.choices
    if isinstance(content, str):
        if content in choices:
            return choices.index(content)
        if not content.strip().isdecimal():
            raise CommandError(f"expected one of {', '.join(choices)}, received {content[:40]!r}")
        content = int(content)
    if (
        not isinstance(content, int | float)
        or not math.isfinite(content)
        or content != int(content)
    ):
        raise CommandError(f"expected one of {', '.join(choices)}, received {content!r:.40}")
    if not 0 <= content < len(choices):
        raise CommandError(f"expected a state from 0 to {len(choices) - 1}, received {content:g}")
    return int(content)


def _denied(description: PvDescription, client: Client) -> str:
    return (
        f"user {client.user[:60]!r} at {client.address} may not write to {description.name}"
        f" (access security group {description.group})"
    )
