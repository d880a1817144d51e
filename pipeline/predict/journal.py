"""Which model this worker is running, written down in case it does not live on."""

import os
import re
from pathlib import Path
from typing import Final, Literal

DIGEST_LENGTH: Final = 64
IDLE: Final = b" " * DIGEST_LENGTH
PLACES: Final = {"infer": 0, "load": DIGEST_LENGTH}
"""Offset of each thread's note, in bytes."""

Thread = Literal["infer", "load"]


class Journal:
    """One small file per worker; survives the process, not the machine.

    A write goes to the page cache only and takes a few microseconds.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal of a worker and read what its last process left.

        Args:
            path: The file; made if need be.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # A file object, not a number: a thread that comes back late must not
        # write into a file that got the number since.
        self._file = path.open("r+b", buffering=0)
        texts = {self._read(place).decode("ascii", "replace") for place in PLACES.values()}
        self.left_over = sorted(text for text in texts if re.fullmatch("[0-9a-f]{64}", text))
        """The models in the middle of which the last process died."""
        for place in PLACES.values():
            self._write(place, IDLE)

    def begin(self, thread: Thread, digest: str) -> None:
        """Note that a thread is about to run a model."""
        self._write(PLACES[thread], digest.encode("ascii"))

    def end(self, thread: Thread) -> None:
        """Note that a thread runs no model."""
        self._write(PLACES[thread], IDLE)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, place: int) -> bytes:
        return os.pread(self._file.fileno(), DIGEST_LENGTH, place)

    def _write(self, place: int, note: bytes) -> None:
        os.pwrite(self._file.fileno(), note, place)
