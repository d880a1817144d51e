"""What the Keeper writes and reads besides images, at leisure."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy.orm import Session

from db.operation import LivePlot
from db.operation_queries import Live, see_run, set_live
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.keeper.core import Core
from pipeline.keeper.embeddings import PRUNE_S, prune
from pipeline.keeper.mask_changes import end_due, some_expired
from pipeline.keeper.processes import Processes, Report, write
from pipeline.keeper.recorder import live_row
from pipeline.keeper.refusals import refuse

logger = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
PROBE_S: Final = 2.0
"""A database that was not used for this long is asked whether it answers."""
CATALOGUE_S: Final = 10.0
"""How often the catalogue is read again, in case nobody said Reload."""


class Housekeeping:
    """Keeps the record of processes, runs and states on show up to date."""

    def __init__(self, core: Core, processes: Processes) -> None:
        """Begin.

        Args:
            core: The Keeper.
            processes: What was heard of all processes.
        """
        self._core = core
        self._processes = processes
        self._conditions: tuple[str, int, bool | None] | None = None
        self._read = time.monotonic()
        self._pruned = time.monotonic()

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            # A store that is away shows itself: in the heartbeat and on every plot.
            with contextlib.suppress(StoreUnavailable):
                await self._once()
            await asyncio.sleep(PERIOD_S)

    async def _once(self) -> None:
        try:
            await self._write()
            if some_expired(self._core.board.entries.values(), time.time()):
                await self._core.use(await self._core.store.write(end_due))
            if time.monotonic() - self._read >= CATALOGUE_S:
                self._read = time.monotonic()
                await self._core.reload()
            if time.monotonic() - self._pruned >= PRUNE_S:
                self._pruned = time.monotonic()
                await self._core.store.write(prune)
            if time.monotonic() - self._core.store.answered >= PROBE_S:
                await self._core.store.probe()
        except StoreUnavailable:
            raise
        except StoreError as error:
            refuse(self._core.pulse, "Housekeeping", str(error))
            self._core.fault(str(error))

    async def _write(self) -> None:
        """Write what changed; nothing when nothing did."""
        core, now = self._core, time.time()
        reports = self._processes.due(now)
        rows = self._changed()
        conditions = self._new_conditions()
        if not (reports or rows or conditions):
            return
        shown = {name: core.board.states[name] for name in rows}
        await core.store.write(lambda session: _save(session, reports, rows.values(), conditions))
        self._processes.written(reports, now)
        core.on_record |= shown
        if conditions is not None:
            period, run, _ = conditions
            core.run, self._conditions = (period, run), (period, run, core.board.beam_on)

    def _changed(self) -> dict[str, Live]:
        """Give the plots whose alarm changed on its own: by a threshold, the beam or time."""
        board, rows = self._core.board, {}
        for name, state in board.states.items():
            old, image = self._core.on_record.get(name), board.shown.get(name)
            if old is None or image is None:
                continue
            if (old.label, old.severity, old.since) != (state.label, state.severity, state.since):
                rows[name] = live_row(board.entries[name].plot_type_id, image, state)
        return rows

    def _new_conditions(self) -> tuple[str, int, float | None] | None:
        """Give period, run and beam current when run or beam are not on record."""
        core = self._core
        site = core.board.site(time.time())
        if site.run < 0:
            return None
        on_record = self._conditions
        if on_record is not None and on_record[:3] == (site.period, site.run, site.beam_on):
            return None
        return site.period, site.run, site.beam_current


def _save(
    session: Session,
    reports: Sequence[Report],
    rows: Iterable[Live],
    conditions: tuple[str, int, float | None] | None,
) -> None:
    write(session, reports)
    for row in rows:
        # A newer image may have been recorded since: then its own state counts.
        on_record = session.get(LivePlot, row.plot_type_id)
        if on_record is not None and on_record.count == row.count:
            set_live(session, row)
    if conditions is not None:
        see_run(session, *conditions)
