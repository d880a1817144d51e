"""Carrying out what is asked on the command socket."""

import logging
import math
import time

from sqlalchemy.orm import Session

from pipeline.errors import CommandError, NotPermitted, StoreError, StoreUnavailable
from pipeline.keeper.catalogue import Plots, read_plots
from pipeline.keeper.changes import apply, note_refused_put
from pipeline.keeper.changes import refuse as record_refusal
from pipeline.keeper.core import Core
from pipeline.keeper.intake import INTEGER_LIMIT
from pipeline.keeper.publisher import Parts, state_parts
from pipeline.keeper.references import reference_pictures
from pipeline.messages import (
    Accepted,
    Command,
    PutRefused,
    Refused,
    Reply,
    SetConditions,
    SetNews,
    encode,
)

logger = logging.getLogger(__name__)


class Office:
    """Changes the record, and says Accepted when that is committed and published."""

    def __init__(self, core: Core) -> None:
        """Begin."""
        self._core = core

    async def change(self, command: Command) -> Reply:
        """Change the record, judge what is on show by it, and publish.

        Args:
            command: A command that changes the record.

        Returns:
            Accepted when it is committed, else Refused with the reason.
        """
        core = self._core
        if away := core.store.away or ("" if core.loaded else "the catalogue is not read yet"):
            return Refused(kind="unavailable", text=f"nothing was changed: {away}"[:4000])
        if isinstance(command, PutRefused):
            return await self._note(command)
        try:
            text, plots = await core.store.write(lambda session: _carry_out(session, command))
        except CommandError as error:
            await self._record_refusal(command, str(error))
            kind = "not-permitted" if isinstance(error, NotPermitted) else "invalid"
            return Refused(kind=kind, text=str(error)[:4000])
        except StoreError as error:
            return Refused(kind="unavailable", text=f"nothing was changed: {error}"[:4000])
        if isinstance(command, SetNews):
            core.board.news = command.text
        await core.use(plots)
        await core.tell_site()
        logger.info("stage=Keeper event=changed command=%s text='%s'", type(command).__name__, text)
        return Accepted(text=text[:4000])

    async def set_conditions(self, command: SetConditions) -> Reply:
        """Take the beam current and run number, and judge by them at once.

        Measurements are not commands of a person: they are neither audited
        nor waited for; the record takes them with the images.
        """
        current, run = command.beam_current, command.run
        if current is not None and not math.isfinite(current):
            return Refused(kind="invalid", text=f"expected a beam current, received {current}")
        if not -1 <= run <= INTEGER_LIMIT:
            return Refused(
                kind="invalid", text=f"expected a run of -1 to {INTEGER_LIMIT}, received {run}"
            )
        board = self._core.board
        board.beam_current, board.facility_run = current, run
        if self._core.loaded:
            await self._core.republish()
            await self._core.tell_site()
        return Accepted()

    def snapshot(self) -> list[Parts]:
        """Give the catalogue, every plot's state with frames, and the site."""
        core = self._core
        if not core.loaded:
            return []
        return [
            encode(core.board.catalogue()),
            *(state_parts(publication) for publication in core.board.snapshot()),
            *reference_pictures(core.config, core.board.entries.values()),
            *(encode(performance) for performance in core.performances.values()),
            encode(core.board.site(time.time())),
        ]

    async def _note(self, note: PutRefused) -> Reply:
        try:
            await self._core.store.write(lambda session: note_refused_put(session, note))
        except StoreError as error:
            return Refused(kind="unavailable", text=f"nothing was recorded: {error}"[:4000])
        return Accepted()

    async def _record_refusal(self, command: Command, why: str) -> None:
        try:
            await self._core.store.write(lambda session: record_refusal(session, command, why))
        except StoreUnavailable:
            # The refusal itself stands; the store's absence is shown by the clock.
            logger.warning("stage=Keeper event=refusal-not-audited text='%s'", why)


def _carry_out(session: Session, command: Command) -> tuple[str, Plots]:
    text = apply(session, command)
    session.flush()
    return text, read_plots(session)
