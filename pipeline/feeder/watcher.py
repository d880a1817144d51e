"""Watching the trees: events from inotify, and listings in case one was lost."""

import asyncio
import logging
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import ObservedWatch
from watchdog.observers.inotify import InotifyObserver
from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

from pipeline.feeder.files import is_temporary

logger = logging.getLogger(__name__)

PAIRING_S: Final = 0.0
"""How long watchdog holds back all events behind the first half of a rename.

It waits for the second half so as to report one event; by default 0.5 s, which
is our whole latency budget. We need the second half only.
"""
EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileClosedEvent,
    FileMovedEvent,
    FileCreatedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that an event or a listing has shown.

    Attributes:
        path: Where it lies.
        tree: The watched tree it lies in.
        closed: Its writer has closed it or moved it here: it is complete.
        at: When, seconds since the epoch.
        quiet_s: How long before that it changed last, in seconds; 0 if unknown.
    """

    path: Path
    tree: Path
    closed: bool
    at: float
    quiet_s: float = 0.0


class Watcher(FileSystemEventHandler):
    """Puts every file that appears in the trees on a queue."""

    def __init__(self, trees: Sequence[Path]) -> None:
        """Prepare; nothing is watched before ``attend``.

        Args:
            trees: Absolute paths of the folders to watch with all below.
        """
        InotifyMoveEventGrouper.delay = PAIRING_S
        # Said of every new folder that comes with folders in it; it means nothing to us.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning, r"watchdog\.")
        self.found: asyncio.Queue[Found] = asyncio.Queue()
        self._trees = tuple(trees)
        self._loop = asyncio.get_running_loop()
        self._observer: InotifyObserver | None = None
        self._watches: dict[Path, tuple[ObservedWatch, tuple[int, int]]] = {}
        self._targets: dict[Path, Path] = {}

    def attend(self) -> tuple[list[Path], dict[Path, str]]:
        """Watch every tree that is there; blocks while it walks new trees.

        To be called again and again: a tree may appear late, vanish, or be
        replaced by another folder of the same name.

        Returns:
            Trees newly watched, which have to be listed; and for each tree
            that cannot be watched, why.
        """
        fresh: list[Path] = []
        troubles: dict[Path, str] = {}
        for tree in self._trees:
            try:
                found = tree.stat()
                identity = (found.st_dev, found.st_ino)
                if not tree.is_dir():
                    raise NotADirectoryError(20, "is not a folder")
                if self._is_watched(tree, identity):
                    continue
                self._forget(tree)
                # A tree may be a link, and inotify would watch the link itself.
                self._targets[tree] = tree.resolve()
                watch = self._started().schedule(
                    self, str(self._targets[tree]), recursive=True, event_filter=EVENTS
                )
                self._watches[tree] = (watch, identity)
                fresh.append(tree)
            except OSError as error:
                self._forget(tree)
                troubles[tree] = f"{tree} cannot be watched: {error.strerror or error}"
        return fresh, troubles

    def stop(self) -> None:
        """Stop watching; blocks until the threads have ended."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take an event in watchdog's thread and hand it to the event loop."""
        if event.is_directory:
            return
        closed = isinstance(event, FileClosedEvent | FileMovedEvent)
        target = event.dest_path if isinstance(event, FileMovedEvent) else event.src_path
        path = Path(os.fsdecode(target))
        if not target or is_temporary(path.name):
            return
        for tree, lies_at in list(self._targets.items()):
            if path.is_relative_to(lies_at):
                inner = path.relative_to(lies_at)
                if not any(is_temporary(part) for part in inner.parts):
                    found = Found(tree / inner, tree, closed, time.time())
                    self._loop.call_soon_threadsafe(self.found.put_nowait, found)
                return

    def _started(self) -> InotifyObserver:
        """Give the observer; the kernel may refuse one, and grant it later."""
        if self._observer is None:
            observer = InotifyObserver(generate_full_events=True)
            observer.start()
            self._observer = observer
        return self._observer

    def _is_watched(self, tree: Path, identity: tuple[int, int]) -> bool:
        if self._observer is None or tree not in self._watches:
            return False
        watch, watched = self._watches[tree]
        return watched == identity and any(
            emitter.watch == watch and emitter.is_alive() for emitter in self._observer.emitters
        )

    def _forget(self, tree: Path) -> None:
        if self._observer is not None and tree in self._watches:
            watch, _ = self._watches.pop(tree)
            self._observer.unschedule(watch)
