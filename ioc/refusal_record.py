"""Refused puts on their way into the Keeper's audit log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from ioc.access import Client
from pipeline.errors import CommandError
from pipeline.messages import Command, PutRefused, Who

logger = logging.getLogger(__name__)

KINDS_KEPT: Final = 256
"""Different refusals that wait for the Keeper; more are counted as lost."""
VALUE_LIMIT: Final = 200
"""Longest value on record, in characters, as ``PutRefused`` has it."""
PERIOD_S: Final = 1.0
"""How often what waits is sent, in seconds: a flood of equal puts becomes one line."""

Send = Callable[[Command], Awaitable[None]]
Key = tuple[str, str, str, str]


class RefusalRecord:
    """Gathers refused puts and sends them; a hostile client can neither block nor fill it.

    Attributes:
        lost: Refusals that are on no record because too many different ones came.
    """

    def __init__(self, send: Send) -> None:
        """Begin.

        Args:
            send: Sends a command to the Keeper; raises ``CommandError`` when
                it is not committed.
        """
        self._send = send
        self._waiting: dict[Key, PutRefused] = {}
        self._news = asyncio.Event()
        self.lost = 0

    def note(self, pv: str, value: object, client: Client, why: str) -> None:
        """Keep a refusal until the Keeper has it.

        Args:
            pv: Name of the PV.
            value: What the client sent.
            client: Who sent it.
            why: Why it was refused.
        """
        key = (pv, client.user, client.address, why)
        before = self._waiting.get(key)
        if before is None and len(self._waiting) >= KINDS_KEPT:
            self.lost += 1
            return
        who = Who(user=client.user[:500] or "unknown", host=client.address, why=why[:4000])
        times = 1 if before is None else before.times + 1
        text = repr(value)[:VALUE_LIMIT]
        self._waiting[key] = PutRefused(who=who, pv=pv[:500], value=text, times=times)
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled; what the Keeper cannot record now is sent again."""
        while True:
            await self._news.wait()
            await asyncio.sleep(PERIOD_S)
            self._news.clear()
            for key in list(self._waiting):
                note = self._waiting.pop(key)
                try:
                    await self._send(note)
                except CommandError as error:
                    self._keep(key, note)
                    logger.warning("event=refusal-not-recorded reason=%r", str(error))
                    self._news.set()
                    break

    def _keep(self, key: Key, note: PutRefused) -> None:
        later = self._waiting.get(key)
        times = note.times + (later.times if later is not None else 0)
        self._waiting[key] = PutRefused(who=note.who, pv=note.pv, value=note.value, times=times)
