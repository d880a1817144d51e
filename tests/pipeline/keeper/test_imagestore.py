import hashlib
import os
import resource
from pathlib import Path

import pytest

from pipeline.errors import FileError, FolderUnavailable
from pipeline.keeper.imagestore import ImageStore

DATA = b"the bytes of an image"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.png"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


def test_given_an_image_when_kept_then_it_lies_under_its_hash(store, source, tmp_path):
    path = store.keep(source, SHA256, "PNG")
    assert path == tmp_path / "images" / SHA256[:2] / f"{SHA256[2:]}.png"
    assert path.read_bytes() == DATA
    assert source.exists()


def test_given_a_kept_image_when_its_source_is_gone_then_it_is_still_kept(store, source):
    first = store.keep(source, SHA256, "png")
    source.unlink()
    assert store.keep(source, SHA256, "png") == first


def test_given_a_kept_image_when_its_source_is_written_over_then_it_stays(store, source):
    path = store.keep(source, SHA256, "png")
    with source.open("r+b") as file:
        file.write(b"XXX")
    assert path.read_bytes() == DATA


def test_given_no_source_when_kept_then_refused(store, tmp_path):
    with pytest.raises(FileError, match="No such file") as caught:
        store.keep(tmp_path / "gone.png", SHA256, "png")
    assert caught.value.reason == "gone"


def test_given_a_path_that_is_no_file_when_kept_then_refused_at_once(store, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for source in (tmp_path / "pipe.png", tmp_path, Path("a\0b")):
        with pytest.raises(FileError, match="cannot keep") as caught:
            store.keep(source, SHA256, "png")
        assert caught.value.reason == "gone"


def test_given_another_file_when_kept_then_refused(store, source):
    source.write_bytes(b"other")
    with pytest.raises(FileError, match="written over") as caught:
        store.keep(source, SHA256, "png")
    assert caught.value.reason == "changed"


@pytest.mark.parametrize("ending", ["../x", "", "p/ng", "a" * 11, "png\0"])
def test_given_an_ending_that_is_no_word_when_kept_then_refused(store, source, ending):
    with pytest.raises(FileError, match="expected a file type"):
        store.keep(source, SHA256, ending)


def test_given_a_full_disk_when_kept_then_unavailable_and_nothing_is_left(store, source):
    data = b"x" * 200_000
    source.write_bytes(data)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(FolderUnavailable, match="takes nothing: File too large"):
            store.keep(source, hashlib.sha256(data).hexdigest(), "png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in source.parent.rglob("*") if path.is_file()] == [source]
