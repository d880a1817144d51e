"""Zip files of data sets: written byte by byte the same, and read with distrust."""

import hashlib
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pipeline.errors import FileError, LabelError
from pipeline.vision.preprocess import decode

MANIFEST: Final = "manifest.json"
IMAGE: Final = re.compile(r"images/([0-9a-f]{64})\.([a-z0-9]{1,10})")
"""The only other name that a member may have; nothing is ever unpacked by name."""
COUNT_LIMIT: Final = 100_001
"""Members: the manifest and as many images as it may list."""
MANIFEST_LIMIT: Final = 256_000_000
"""Bytes of the manifest: 100,000 items of 500 bytes, five times over for comments."""
TOTAL_LIMIT: Final = 32_000_000_000
"""Bytes unpacked: half of the disk that a small station has for images (64 GB)."""
RATIO_LIMIT: Final = 200
"""Unpacked to packed bytes of one member. JSON of a list packs about 10 to 1, drawn plots as PNG
not at all.

Source:
    zlib, "Technical Details": deflate reaches 1032 to 1, on zeros only.
"""
RATIO_FREE: Final = 100_000
"""Bytes unpacked below which no ratio is asked for."""
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""Date of every member, so that the same data set gives the same bytes.

Source:
    PKWARE APPNOTE 4.4.6: MS-DOS dates begin in 1980.
"""
ENCRYPTED: Final = 0x41
"""Bits of encryption and of strong encryption. Source: PKWARE APPNOTE 4.4.4."""


@dataclass(frozen=True, slots=True)
class Pack:
    """An open file whose members are what they may be."""

    archive: zipfile.ZipFile
    manifest: bytes
    images: Mapping[str, zipfile.ZipInfo]
    """By SHA-256 as their names say."""

    def image(self, sha256: str, max_bytes: int, max_pixels: int) -> bytes:
        """Give an image that was checked: its size, its hash, and that it can be decoded.

        Raises:
            LabelError: It is not what its name says.
        """
        info = self.images[sha256]
        data = _read(self.archive, info, max_bytes)
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise LabelError(
                f"expected {info.filename} to have the SHA-256 of its name, it has {found}"
            )
        try:
            decode(data, max_pixels)
        except FileError as error:
            raise LabelError(f"{info.filename} is no image that can be judged: {error}") from error
        return data


@contextmanager
def opened(file: Path) -> Iterator[Pack]:
    """Open a data-set file and check its members before any is unpacked.

    Args:
        file: The zip file.

    Raises:
        LabelError: It is no zip file, or holds what it may not.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise LabelError(
            f"cannot read {file}: expected a zip file of 'hydra-ioc datasets export': {error}"
        ) from error
    with archive:
        images = _members(archive)
        manifest = _read(archive, archive.getinfo(MANIFEST), MANIFEST_LIMIT)
        yield Pack(archive, manifest, images)


def write(
    target: Path, manifest: bytes, images: Mapping[str, Path], step: Callable[[int, int], None]
) -> int:
    """Write a data-set file; it is whole under its name, or not there.

    Args:
        target: Must not exist.
        manifest: JSON.
        images: Files by name in the zip.
        step: Told how many images are done, of how many.

    Returns:
        Its size in bytes.

    Raises:
        LabelError: It is there, or cannot be written.
        FileError: An image is missing or has another content.
    """
    if target.exists():
        raise LabelError(f"{target} is there already; remove it, or choose another name")
    try:
        handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
        try:
            with os.fdopen(handle, "w+b") as raw:
                _fill(raw, manifest, images, step)
                raw.flush()
                os.fsync(raw.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
        return target.stat().st_size
    except OSError as error:
        raise LabelError(f"cannot write {target}: {error.strerror}") from error


def _fill(
    raw: IO[bytes],
    manifest: bytes,
    images: Mapping[str, Path],
    step: Callable[[int, int], None],
) -> None:
    with zipfile.ZipFile(raw, "w", allowZip64=True) as archive:
        entry = zipfile.ZipInfo(MANIFEST, MOMENT)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, manifest)
        for done, name in enumerate(sorted(images), 1):
            data = _stored(images[name], name)
            # PNG and JPEG are packed already.
            archive.writestr(zipfile.ZipInfo(name, MOMENT), data)
            step(done, len(images))


def _stored(path: Path, name: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError("gone", f"cannot export {path}: {error.strerror}; restore it") from error
    if hashlib.sha256(data).hexdigest() not in name:
        raise FileError("changed", f"cannot export {path}: its content is not what it was")
    return data


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > COUNT_LIMIT:
        raise LabelError(f"expected at most {COUNT_LIMIT} members, the zip file has {len(members)}")
    total = sum(info.file_size for info in members)
    if total > TOTAL_LIMIT:
        raise LabelError(f"expected at most {TOTAL_LIMIT} bytes unpacked, the zip file has {total}")
    images: dict[str, zipfile.ZipInfo] = {}
    for info in members:
        _check_member(info)
        found = IMAGE.fullmatch(info.filename)
        if found and found[1] not in images:
            images[found[1]] = info
        elif found or info.filename != MANIFEST:
            _refuse_name(info, known=bool(found))
    names = [info.filename for info in members]
    if names.count(MANIFEST) != 1:
        raise LabelError(f"expected {MANIFEST} once, the zip file has it {names.count(MANIFEST)} x")
    return images


def _refuse_name(info: zipfile.ZipInfo, *, known: bool) -> None:
    if known:
        raise LabelError(f"expected every image once, the zip file has {info.filename!r} twice")
    raise LabelError(
        f"expected {MANIFEST} and images/SHA256.TYPE, the zip file has {info.filename!r};"
        " take it out, or export again"
    )


def _check_member(info: zipfile.ZipInfo) -> None:
    name = repr(info.filename)
    # The name that the file gives; zipfile cuts it at a NUL.
    if info.orig_filename != info.filename:
        raise LabelError(f"expected a plain name, the zip file has {info.orig_filename!r}")
    if info.flag_bits & ENCRYPTED:
        raise LabelError(f"expected members without a password, {name} is encrypted")
    mode = info.external_attr >> 16
    if info.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        raise LabelError(f"expected plain files, {name} is a link, folder or device")
    if info.compress_type not in METHODS:
        raise LabelError(
            f"expected members stored or deflated, {name} has method {info.compress_type}"
        )
    if info.file_size > RATIO_FREE and info.file_size > RATIO_LIMIT * max(info.compress_size, 1):
        raise LabelError(
            f"expected at most {RATIO_LIMIT} bytes unpacked for each packed one, {name} has"
            f" {info.file_size} for {info.compress_size}; it is a bomb, or not packed by us"
        )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.file_size > limit:
        raise LabelError(
            f"expected {info.filename} of at most {limit} bytes, it has {info.file_size}"
        )
    try:
        with archive.open(info) as member:
            # The size that is told is not trusted.
            data = member.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise LabelError(f"cannot unpack {info.filename}: {error}; the file is damaged") from error
    if len(data) > limit or len(data) != info.file_size:
        raise LabelError(
            f"expected {info.file_size} bytes of {info.filename}, received {len(data)}"
        )
    return data
