"""Finding complete files: each content of each path once, whatever shows it."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipeline.config import Config
from pipeline.errors import FileError
from pipeline.feeder.backlog import Candidate
from pipeline.feeder.condition import Condition
from pipeline.feeder.files import Fingerprint, list_tree, look
from pipeline.feeder.grammar import Names
from pipeline.feeder.refusals import Refusals
from pipeline.feeder.settling import Settling
from pipeline.feeder.threads import Threads
from pipeline.feeder.watcher import Found, Watcher

TICK_S: Final = 0.25
"""How often trees and settling files are looked at, at most."""
PATIENCE: Final = 5.0
"""A truncated file that nobody closed gets this many times ``settle_s``."""
BATCH: Final = 256
"""Files looked at in one go."""


class Discovery:
    """Turns events and listings into candidates, each content of a path once."""

    def __init__(
        self,
        config: Config,
        accept: Callable[[Candidate], None],
        refusals: Refusals,
        condition: Condition,
        disk: Threads,
    ) -> None:
        """Start the watcher's threads.

        Args:
            config: The deployment.
            accept: Takes each complete file whose name is understood.
            refusals: Takes the others.
            condition: Shows trees that cannot be watched.
            disk: Threads for looking at files.

        Raises:
            ConfigError: The grammar is faulty.
        """
        self.trees = [config.under_state(tree) for tree in config.input.trees]
        self._input = config.input
        self._accept = accept
        self._refusals = refusals
        self._condition = condition
        self._disk = disk
        self._names = Names(config)
        self._settling = Settling()
        self._known: dict[Path, Fingerprint] = {}
        self._watcher = Watcher(self.trees)

    @property
    def settling(self) -> int:
        """Number of files that may still be being written."""
        return len(self._settling)

    def close(self) -> None:
        """Stop watching; blocks until the threads have ended."""
        self._watcher.stop()

    def forget(self, path: Path) -> None:
        """A file is dealt with and gone; the next one of its path is new."""
        self._known.pop(path, None)

    async def take_events(self) -> None:
        """Follow the watcher until cancelled."""
        while True:
            batch = [await self._watcher.found.get()]
            while len(batch) < BATCH and not self._watcher.found.empty():
                batch.append(self._watcher.found.get_nowait())
            looks = await self._disk.do(_look_at, [found.path for found in batch])
            for found in batch:
                await self._meet(found, looks[found.path])

    async def attend(self, busy: Callable[[], Collection[Path]]) -> None:
        """Look after trees and settling files until cancelled.

        Args:
            busy: Gives the paths that must be remembered although they are gone.
        """
        listed = float("-inf")
        while True:
            fresh, troubles = await self._disk.do(self._watcher.attend)
            self._condition.set("trees", "; ".join(troubles.values()))
            if fresh or time.monotonic() - listed >= self._input.rescan_s:
                listed = time.monotonic()
                await self._list(busy, lost=list(troubles))
                for path in await self._refusals.retry():
                    self.forget(path)
            looks = await self._disk.do(_look_at, self._settling.paths())
            for found in self._settling.check(looks, time.time()):
                fingerprint = looks[found.path]
                # Its close event may have come after it was held back.
                if fingerprint is not None and self._known.get(found.path) != fingerprint:
                    await self._take(found, fingerprint)
            await asyncio.sleep(min(TICK_S, self._input.settle_s / 4))

    async def reject(self, candidate: Candidate, error: FileError) -> None:
        """Refuse a file that could not be used, unless it may yet become whole.

        Args:
            candidate: The file.
            error: Why it could not be used.
        """
        now = await self._disk.do(look, candidate.path)
        if now == candidate.fingerprint:
            patience_s = self._input.settle_s * (1.0 if candidate.found.closed else PATIENCE)
            if error.reason != "truncated" or candidate.found.quiet_s >= patience_s:
                await self._refuse(candidate.path, error)
                return
            found = candidate.found
        else:
            # Written to while it was being read; what was read is worth nothing.
            patience_s = self._input.settle_s
            found = replace(candidate.found, closed=False, quiet_s=0.0, at=time.time())
        self.forget(candidate.path)
        if now is not None:
            self._settling.hold(found, now, patience_s)

    async def _list(self, busy: Callable[[], Collection[Path]], lost: list[Path]) -> None:
        before = set(self._known)
        seen: set[Path] = set()
        for tree in self.trees:
            entries = await self._disk.do(_list, tree)
            seen.update(path for path, _ in entries)
            new = [path for path, fingerprint in entries if self._known.get(path) != fingerprint]
            for first in range(0, len(new), BATCH):
                # Listing takes long enough for a file to be found, done and gone meanwhile.
                looks = await self._disk.do(_look_at, new[first : first + BATCH])
                at = time.time()
                for path, fingerprint in looks.items():
                    quiet_s = max(0.0, at - fingerprint.mtime) if fingerprint else 0.0
                    await self._meet(Found(path, tree, False, at, quiet_s), fingerprint)
        for path in before - seen - set(busy()):
            # A tree that is away for a while brings back files that were done.
            if not any(path.is_relative_to(tree) for tree in lost):
                self.forget(path)

    async def _meet(self, found: Found, fingerprint: Fingerprint | None) -> None:
        """Decide whether a file is new, and complete."""
        if fingerprint is None or self._known.get(found.path) == fingerprint:
            return
        if found.closed or found.quiet_s >= self._input.settle_s:
            self._settling.release(found.path)
            await self._take(found, fingerprint)
        else:
            self._settling.hold(found, fingerprint, self._input.settle_s)

    async def _take(self, found: Found, fingerprint: Fingerprint) -> None:
        """Pass a complete file on, or refuse its name."""
        self._known[found.path] = fingerprint
        try:
            sighting = self._names.parse(found.path.relative_to(found.tree))
        except FileError as error:
            await self._refuse(found.path, error)
            return
        # A picture cannot be younger than its discovery: a producer's clock that
        # is ahead must not hide all later images.
        image_time = min(sighting.time or fingerprint.mtime, found.at)
        self._accept(Candidate(found, fingerprint, sighting, image_time))

    async def _refuse(self, path: Path, error: FileError) -> None:
        if await self._refusals.refuse(path, error):
            self.forget(path)


def _look_at(paths: list[Path]) -> dict[Path, Fingerprint | None]:
    return {path: look(path) for path in paths}


def _list(tree: Path) -> list[tuple[Path, Fingerprint]]:
    found = list(list_tree(tree))
    found.sort(key=lambda entry: entry[1].mtime_ns, reverse=True)
    return found
