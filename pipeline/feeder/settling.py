"""Files that nobody has said to be complete: wait until they stop changing."""

from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.feeder.files import Fingerprint
from pipeline.feeder.watcher import Found


@dataclass(frozen=True, slots=True)
class _Waiting:
    found: Found
    fingerprint: Fingerprint
    since: float
    patience_s: float


class Settling:
    """Holds files back until size and time of modification stay the same."""

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: dict[Path, _Waiting] = {}

    def __len__(self) -> int:
        """Count the files held back."""
        return len(self._waiting)

    def hold(self, found: Found, fingerprint: Fingerprint, patience_s: float) -> None:
        """Hold a file back, or keep holding it.

        Args:
            found: The file; ``quiet_s`` before ``at`` it changed last.
            fingerprint: How it looked then.
            patience_s: How long it must stay like that, in seconds.
        """
        known = self._waiting.get(found.path)
        if known and known.fingerprint == fingerprint and known.patience_s >= patience_s:
            return
        since = found.at - found.quiet_s
        self._waiting[found.path] = _Waiting(found, fingerprint, since, patience_s)

    def release(self, path: Path) -> None:
        """Hold a file back no longer: it is complete or gone."""
        self._waiting.pop(path, None)

    def paths(self) -> list[Path]:
        """List the files held back, to be looked at."""
        return list(self._waiting)

    def check(self, looks: dict[Path, Fingerprint | None], now: float) -> list[Found]:
        """Take new looks at the files and give those that have settled.

        Args:
            looks: Fingerprint now of each path; None when it is gone.
            now: Seconds since the epoch.

        Returns:
            Files that have settled; they are held no longer.
        """
        settled: list[Found] = []
        for path, fingerprint in looks.items():
            waiting = self._waiting.get(path)
            if waiting is None:
                continue
            if fingerprint is None:
                del self._waiting[path]
            elif fingerprint != waiting.fingerprint:
                self._waiting[path] = replace(waiting, fingerprint=fingerprint, since=now)
            elif now - waiting.since >= waiting.patience_s:
                del self._waiting[path]
                settled.append(replace(waiting.found, at=now, quiet_s=now - waiting.since))
        return settled
