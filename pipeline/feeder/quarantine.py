"""Where files go that cannot be judged, each with the reason beside it."""

import errno
import os
import shutil
import stat
import time
from pathlib import Path
from typing import Final

from pipeline.errors import FileError, StoreError

ATTEMPTS: Final = 10_000
"""Most files of one name kept in one folder of the quarantine."""


class Quarantine:
    """Moves refused files aside and never overwrites one."""

    def __init__(self, folder: Path, copy_limit: int) -> None:
        """Note where the quarantine is; folders are made when needed.

        Args:
            folder: ``<folder>/<reason>/<name>`` takes the files.
            copy_limit: Largest file, in bytes, that is copied when the
                quarantine lies on another file system.
        """
        self._folder = folder
        self._copy_limit = copy_limit

    def take(self, path: Path, error: FileError) -> Path | None:
        """Move a file into the quarantine, with a ``.txt`` that says why.

        Args:
            path: The refused file, link or pipe.
            error: Why it is refused.

        Returns:
            Where it lies now; None when it was already gone.

        Raises:
            StoreError: It cannot be moved; it lies where it was.
        """
        if not os.path.lexists(path):
            return None
        folder = self._folder / error.reason
        target: Path | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target = _reserve(folder, path.name)
            _note(target).write_text(_sentence(path, error), "utf-8", errors="backslashreplace")
            self._move(path, target)
        except FileNotFoundError:
            _clear(target)
            return None
        except OSError as fault:
            _clear(target)
            raise StoreError(
                f"{path} cannot be moved to the quarantine {folder}: {fault.strerror or fault};"
                " make room there or give the Feeder the right to write in both folders"
            ) from fault
        return target

    def _move(self, path: Path, target: Path) -> None:
        try:
            path.replace(target)
            return
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > self._copy_limit:
            raise OSError(errno.EXDEV, "another file system, and too large or no regular file")
        shutil.copyfile(path, target)
        path.unlink()


def _reserve(folder: Path, name: str) -> Path:
    """Make an empty file of a free name, so that nobody else takes the name."""
    # 200 bytes leave room for the number and the suffix within NAME_MAX, 255.
    stem = os.fsdecode(os.fsencode(name)[:200])
    for number in range(ATTEMPTS):
        target = folder / (f"{number}-{stem}" if number else stem)
        if _note(target).exists():
            continue
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        except FileExistsError:
            continue
        return target
    raise OSError(errno.EEXIST, f"{ATTEMPTS} files of the name {stem!r} are there already")


def _clear(target: Path | None) -> None:
    if target is not None:
        target.unlink(missing_ok=True)
        _note(target).unlink(missing_ok=True)


def _note(target: Path) -> Path:
    return target.with_name(target.name + ".txt")


def _sentence(path: Path, error: FileError) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return f"reason: {error.reason}\n{error}\nfile: {path}\nmoved: {when}\n"
