"""Models that hung or crashed, set aside for a while, across restarts.

All workers of a host share one folder: a model that hung one worker is not
given a chance to hang the next.
"""

import time
from pathlib import Path
from typing import Final

import msgspec

COOL_OFF_S: Final = 60.0
"""How long a model is set aside; then it gets another chance."""
CRASHES: Final = 3
"""Workers that a model may take down within ``CRASH_WINDOW_S``."""
CRASH_WINDOW_S: Final = 60.0


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known against one model."""

    reason: str = ""
    until: float = 0.0
    """Seconds since the epoch."""
    crashes: tuple[float, ...] = ()
    """When workers died in the middle of it, seconds since the epoch."""


class Quarantine:
    """The folder with one small file per model that misbehaved."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, made if need be.

        Args:
            folder: Writable by all workers of the host.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._seen = -1
        """When the folder changed last, as far as ``_entries`` knows, in nanoseconds."""
        self._entries: dict[str, Entry] = {}

    def reason(self, digest: str) -> str:
        """Say why a model is set aside now; empty when it is not.

        Args:
            digest: The model.
        """
        # Asked for every image: files are read only when one of them was replaced.
        changed = self._folder.stat().st_mtime_ns
        if changed != self._seen:
            self._seen = changed
            self._entries.clear()
        entry = self._entries.get(digest)
        if entry is None:
            entry = self._entries[digest] = self._read(digest)
        return entry.reason if time.time() < entry.until else ""

    def add(self, digest: str, reason: str) -> None:
        """Set a model aside.

        Args:
            digest: The model.
            reason: What it did.
        """
        self._write(digest, Entry(reason=reason, until=time.time() + COOL_OFF_S))

    def crashed(self, digest: str) -> None:
        """Note that a worker died while it ran a model.

        Args:
            digest: The model; set aside when it does this again and again.
        """
        now = time.time()
        old = self._read(digest)
        crashes = (*(one for one in old.crashes if now - CRASH_WINDOW_S < one <= now), now)
        if len(crashes) >= CRASHES:
            self.add(digest, f"{len(crashes)} workers died within a minute while running it")
        else:
            self._write(digest, Entry(reason=old.reason, until=old.until, crashes=crashes))

    def _read(self, digest: str) -> Entry:
        try:
            return msgspec.json.decode(self._path(digest).read_bytes(), type=Entry)
        except FileNotFoundError:
            return Entry()
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Cut short by a crash of the machine: the model gets its chance.
            return Entry()

    def _write(self, digest: str, entry: Entry) -> None:
        path = self._path(digest)
        draft = path.with_suffix(f".{time.monotonic_ns()}")
        draft.write_bytes(msgspec.json.encode(entry))
        draft.replace(path)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"
