"""Looking once a day whether references are to follow: in a process of its own, proposals only.

The images of all plots with references are compared, which takes seconds of
processor; the Keeper's own process judges meanwhile.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.keeper.core import Core
from pipeline.keeper.refusals import refuse

logger = logging.getLogger(__name__)

STAMP: Final = Path("run") / "adapted"
"""File below the state directory whose time is that of the last look."""
LOOK_S: Final = 60.0
"""How often it is seen whether a look is due."""
LONGEST_S: Final = 3600.0
"""A look that takes longer is ended."""
SHOWN: Final = 1000
"""Characters of a failure that are told."""


class Adapting:
    """Starts the command that proposes, and tells when it fails."""

    def __init__(self, core: Core, command: Sequence[str]) -> None:
        """Begin.

        Args:
            core: The Keeper.
            command: What proposes for all plots, with its arguments; exits with 0 where there is
                nothing to propose, too.
        """
        self._core = core
        self._command = command
        self._stamp = core.config.under_state(STAMP)

    async def run(self) -> None:
        """Serve until cancelled."""
        period = self._core.config.references.adapt_period_s
        while True:
            if time.time() - self._last() >= period:
                await self._once()
            await asyncio.sleep(min(LOOK_S, period))

    def _last(self) -> float:
        try:
            return self._stamp.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    async def _once(self) -> None:
        try:
            # Before the look: one that always fails is not to be tried every minute.
            self._stamp.parent.mkdir(parents=True, exist_ok=True)
            self._stamp.touch()
            told, code = await self._finished()
        except OSError as error:
            self._failed(f"cannot be started: {error}")
            return
        for line in told.splitlines():
            logger.info("stage=Keeper event=adapt text=%r", line)
        if code:
            self._failed(told.strip()[-SHOWN:] or f"exit status {code}")

    async def _finished(self) -> tuple[str, int]:
        """Run the command; give what it said and its exit status."""
        process = await asyncio.create_subprocess_exec(
            *("nice", "-n", "19", *self._command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                told, _ = await process.communicate()
        except TimeoutError:
            return f"ended after {LONGEST_S:.0f} s", 1
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return told.decode(errors="replace"), process.returncode or 0

    def _failed(self, text: str) -> None:
        refuse(self._core.pulse, "Adapt", text)
        self._core.fault(f"references cannot be adapted: {text}")
