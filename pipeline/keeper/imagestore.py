"""Kept images as files, named by the hash of their content."""

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Final

from pipeline.errors import FileError, FolderUnavailable

SUFFIX: Final = re.compile(r"[a-z0-9]{1,10}")
_PREFIX: Final = ".new-"


class ImageStore:
    """A folder of images: ``ab/cdef....png`` for the hash ``abcdef...``."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when the first image is kept."""
        self._folder = folder

    def path(self, sha256: str, file_type: str) -> Path:
        """Give where an image lies, or would lie.

        Args:
            sha256: Hash of its bytes, 64 hexadecimal digits.
            file_type: Ending of its name, without the dot.

        Raises:
            FileError: The ending is no plain word.
        """
        ending = file_type.lower()
        if not SUFFIX.fullmatch(ending):
            raise FileError("bad-type", f"expected a file type such as png, received {file_type!r}")
        return self._folder / sha256[:2] / f"{sha256[2:]}.{ending}"

    def keep(self, source: Path, sha256: str, file_type: str) -> Path:
        """Copy an image into the store, unless it is there.

        It is on disk, whole and under its name, when this returns. It is a copy
        and no link: a producer may write over its file later.

        Args:
            source: The file as the producer left it.
            sha256: Hash its bytes must have.
            file_type: Ending of its name, without the dot.

        Returns:
            Where it lies in the store.

        Raises:
            FileError: The source is gone or is another file by now.
            FolderUnavailable: The store cannot take it, such as a full disk.
        """
        target = self.path(sha256, file_type)
        if target.exists():
            return target
        data = _read(source)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FileError("changed", f"cannot keep {source}: it was written over")
        self._put(target, data)
        return target

    def keep_bytes(self, data: bytes, sha256: str, file_type: str) -> Path:
        """Put an image into the store, unless it is there; otherwise as ``keep``.

        Args:
            data: The whole file.
            sha256: Hash it must have.
            file_type: Ending of its name, without the dot.

        Returns:
            Where it lies in the store.

        Raises:
            FileError: It has another hash.
            FolderUnavailable: The store cannot take it, such as a full disk.
        """
        target = self.path(sha256, file_type)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FileError("changed", f"expected an image of SHA-256 {sha256}, received another")
        if not target.exists():
            self._put(target, data)
        return target

    def _put(self, target: Path, data: bytes) -> None:
        try:
            self._write(target, data)
        except OSError as error:
            raise FolderUnavailable(
                f"the image store {self._folder} takes nothing: {error.strerror}"
            ) from error

    def _write(self, target: Path, data: bytes) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        sync_folder(target.parent)


def _read(source: Path) -> bytes:
    try:
        # Opening a pipe would wait for a writer, and hold up the whole record.
        if not stat.S_ISREG(source.stat().st_mode):
            raise FileError("gone", f"cannot keep {source}: no regular file")
        return source.read_bytes()
    except (OSError, ValueError) as error:
        raise FileError("gone", f"cannot keep {source}: {error}") from error


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
