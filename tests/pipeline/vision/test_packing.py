"""A model folder comes into the store whole or not at all."""

import errno
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.vision.card import verify
from pipeline.vision.packing import pack
from tests.pipeline.vision.test_card import a_card


def whole(folder: Path) -> None:
    a_card(folder)


def packed(store: Path) -> Path:
    def card(files):
        beside = store.parent / "beside"
        beside.mkdir(exist_ok=True)
        return a_card(beside, files=files)

    return store / pack(store, whole, card)


def test_given_a_full_disk_when_packed_then_it_is_said_and_the_store_is_as_before(
    tmp_path: Path,
) -> None:
    store = tmp_path / "models"
    before = packed(store)

    def full(folder: Path) -> None:
        a_card(folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=r"cannot write the model into .*models: No space left"):
        pack(store, full, lambda _: a_card(tmp_path))

    assert [path.name for path in store.iterdir()] == [before.name]


def test_given_the_same_model_when_packed_again_then_what_lies_beside_its_card_stays(
    tmp_path: Path,
) -> None:
    folder = packed(tmp_path / "models")
    (folder / "novelty-1.bin").write_bytes(b"description")

    assert packed(tmp_path / "models") == folder
    assert (folder / "novelty-1.bin").exists()


def test_given_a_damaged_model_when_packed_again_then_it_is_whole(tmp_path: Path) -> None:
    folder = packed(tmp_path / "models")
    (folder / "model.onnx").write_bytes(b"damaged")

    packed(tmp_path / "models")

    verify(folder)
