"""Looking at files without trusting them: what lies there, is it inside, read it."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import FileError

TEMPORARY: Final = (".tmp", ".temp", ".part", ".partial", ".swp", ".crdownload", "~")
"""Endings that editors, browsers and copy programs give to unfinished files.

Names that begin with a dot (rsync, our own demo, NFS) are temporary as well.
"""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Tells one content of a path from the next without reading it.

    Attributes:
        mtime_ns: Time of the last modification, nanoseconds since the epoch.
        size: Size in bytes.
    """

    mtime_ns: int
    size: int

    @property
    def mtime(self) -> float:
        """Time of the last modification in seconds since the epoch."""
        return self.mtime_ns / 1e9


def is_temporary(name: str) -> bool:
    """Tell whether a file name is one that a producer uses while it writes."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY)


def look(path: Path) -> Fingerprint | None:
    """Take the fingerprint of a path, links not followed.

    Returns:
        None when nothing lies there or it is a folder.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return Fingerprint(found.st_mtime_ns, found.st_size)


def list_tree(tree: Path) -> Iterator[tuple[Path, Fingerprint]]:
    """List all files of a tree that are not temporary; links are not followed.

    Folders that vanish or may not be read while listing are passed over.

    Args:
        tree: Top folder.

    Yields:
        Path and fingerprint of each entry that is not a folder.
    """
    folders = [tree]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            if is_temporary(entry.name):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                    continue
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            yield Path(entry.path), Fingerprint(found.st_mtime_ns, found.st_size)


def read(path: Path, trees: Sequence[Path], max_bytes: int) -> bytes | None:
    """Read a plot file whole.

    Args:
        path: The file.
        trees: Watched trees; a link that leads out of them is refused.
        max_bytes: Largest size that is read.

    Returns:
        The bytes; None when the file is no longer there.

    Raises:
        FileError: ``outside-tree``, ``not-a-file``, ``oversized`` or
            ``unreadable``.
    """
    try:
        _check_inside(path, trees)
        # O_NONBLOCK: a FIFO without a writer would block this thread for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        if path.is_symlink():
            raise FileError("unreadable", f"{path.name!r} is a link to nothing") from None
        return None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise FileError("not-a-file", f"{path.name!r} is a socket or device") from error
        raise FileError("unreadable", f"{path.name!r}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise FileError("not-a-file", f"{path.name!r} is not a regular file")
        if found.st_size > max_bytes:
            raise FileError(
                "oversized", f"{found.st_size} bytes are over the limit of {max_bytes} bytes"
            )
        try:
            data = file.read(max_bytes + 1)
        except OSError as error:
            raise FileError("unreadable", f"{path.name!r}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise FileError("oversized", f"the file grew over the limit of {max_bytes} bytes")
    return data


def _check_inside(path: Path, trees: Sequence[Path]) -> None:
    if not path.is_symlink():
        return
    target = path.resolve()
    if not any(target.is_relative_to(tree.resolve()) for tree in trees):
        raise FileError("outside-tree", f"{path.name!r} is a link out of the watched trees")
