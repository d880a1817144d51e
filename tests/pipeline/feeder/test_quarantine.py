"""Refused files: moved, explained, never overwritten."""

import os
from pathlib import Path

import pytest

from pipeline.errors import FileError, StoreError
from pipeline.feeder.quarantine import Quarantine

ERROR = FileError("corrupt", "checksum does not fit")


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "quarantine", 1_000_000)


def refused(tmp_path, name="a_0001.png", data=b"bad"):
    path = tmp_path / "input" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_given_a_file_when_taken_then_it_lies_under_its_reason_with_a_note(quarantine, tmp_path):
    path = refused(tmp_path)
    target = quarantine.take(path, ERROR)
    assert target == tmp_path / "quarantine/corrupt/a_0001.png"
    assert target.read_bytes() == b"bad"
    assert not path.exists()
    note = target.with_name("a_0001.png.txt").read_text()
    assert "reason: corrupt" in note
    assert "checksum does not fit" in note
    assert str(path) in note


def test_given_files_of_one_name_when_taken_then_none_is_overwritten(quarantine, tmp_path):
    targets = [quarantine.take(refused(tmp_path, data=bytes([n])), ERROR) for n in range(5)]
    assert len(set(targets)) == 5
    assert [target.read_bytes() for target in targets] == [bytes([n]) for n in range(5)]
    assert len(list((tmp_path / "quarantine/corrupt").glob("*.txt"))) == 5


def test_given_a_file_named_like_a_note_when_taken_then_notes_are_kept(quarantine, tmp_path):
    first = quarantine.take(refused(tmp_path), ERROR)
    second = quarantine.take(refused(tmp_path, name="a_0001.png.txt", data=b"text"), ERROR)
    assert "reason: corrupt" in first.with_name(first.name + ".txt").read_text()
    assert second.read_bytes() == b"text"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc/passwd")])
def test_given_a_pipe_or_link_when_taken_then_it_is_moved_itself(quarantine, tmp_path, make):
    path = tmp_path / "odd.png"
    make(path)
    target = quarantine.take(path, ERROR)
    assert os.path.lexists(target)
    assert not os.path.lexists(path)


def test_given_a_name_of_255_bytes_when_taken_then_number_and_note_still_fit(quarantine, tmp_path):
    name = "\u00e9" * 125 + ".png"
    for _ in range(2):
        assert quarantine.take(refused(tmp_path, name=name), ERROR) is not None


def test_given_a_name_that_is_not_utf8_when_taken_then_it_is_moved_and_noted(quarantine, tmp_path):
    name = os.fsdecode(b"pl\xff\xfet.png")
    target = quarantine.take(refused(tmp_path, name=name), ERROR)
    assert target.read_bytes() == b"bad"


def test_given_a_file_that_is_gone_when_taken_then_nothing_is_left_behind(quarantine, tmp_path):
    assert quarantine.take(tmp_path / "gone.png", ERROR) is None
    assert not list(tmp_path.rglob("*.txt"))


def test_given_a_file_in_place_of_the_quarantine_when_taken_then_the_file_stays(tmp_path):
    (tmp_path / "quarantine").write_bytes(b"")
    path = refused(tmp_path)
    with pytest.raises(StoreError, match="make room there"):
        Quarantine(tmp_path / "quarantine", 10).take(path, ERROR)
    assert path.exists()


def other_file_system() -> Path | None:
    shared = Path("/dev/shm")  # noqa: S108
    if shared.is_dir() and shared.stat().st_dev != Path("/tmp").stat().st_dev:  # noqa: S108
        return shared
    return None


@pytest.mark.skipif(other_file_system() is None, reason="needs a second file system")
def test_given_another_file_system_when_taken_then_small_files_are_copied(tmp_path):
    folder = other_file_system() / f"hydra-quarantine-{os.getpid()}"
    quarantine = Quarantine(folder, 100)
    try:
        path = refused(tmp_path)
        assert quarantine.take(path, ERROR).read_bytes() == b"bad"
        assert not path.exists()
        large = refused(tmp_path, name="large.png", data=bytes(101))
        with pytest.raises(StoreError, match="another file system"):
            quarantine.take(large, ERROR)
        assert large.exists()
        assert not (folder / "corrupt/large.png").exists()
    finally:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
