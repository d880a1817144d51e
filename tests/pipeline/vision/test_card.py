"""The card vouches for its folder."""

import dataclasses
import hashlib
from pathlib import Path

import msgspec
import pytest

from pipeline.errors import ModelError
from pipeline.vision.card import Metrics, ModelCard, card_digest, read_card, verify, write_card


def a_card(folder: Path, **changes: object) -> ModelCard:
    (folder / "model.onnx").write_bytes(b"not really a model")
    card = ModelCard(
        name="toy",
        plots=("CDC_occupancy",),
        architecture="domain-cbam",
        labels=("Good", "Bad"),
        input_shape=(64, 96, 3),
        preprocessing="area-rgb",
        map_shape=(8, 12),
        embedding_size=64,
        thresholds={"Good": 0.5, "Bad": 0.7},
        training_runs=(1, 2),
        validation_runs=(3,),
        training_counts={"Good": 20, "Bad": 10},
        training_set="0" * 64,
        metrics=Metrics(confusion=((5, 0), (1, 4)), loss=0.1, epochs=3),
        seed=1,
        created="2026-11-20T12:00:00+00:00",
        versions={"python": "3.11"},
        files={"model.onnx": hashlib.sha256(b"not really a model").hexdigest()},
    )
    return msgspec.structs.replace(card, **changes)


def a_folder(store: Path) -> Path:
    fresh = store / "fresh"
    fresh.mkdir(parents=True)
    return fresh.rename(store / write_card(fresh, a_card(fresh)))


def test_given_a_card_when_written_and_read_then_it_is_the_same_and_the_digest_fits(
    tmp_path: Path,
) -> None:
    folder = a_folder(tmp_path)
    assert verify(folder) == read_card(folder) == a_card(folder)
    assert card_digest(folder) == folder.name


def test_given_a_changed_model_file_when_verified_then_it_is_refused_by_name(
    tmp_path: Path,
) -> None:
    folder = a_folder(tmp_path)
    (folder / "model.onnx").write_bytes(b"another model")
    with pytest.raises(ModelError, match=r"model\.onnx does not match its card"):
        verify(folder)


def test_given_a_changed_card_when_verified_then_it_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    card = folder / "card.json"
    card.write_text(card.read_text().replace("0.7", "0.1"))
    with pytest.raises(ModelError, match="was changed: expected SHA-256"):
        verify(folder)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ("Bad", "Bad")}, "repeat"),
        ({"thresholds": {"Good": 0.5}}, "thresholds for"),
        ({"validation_runs": (2, 3)}, r"runs \[2\] are both training and validation"),
        ({"metrics": Metrics(confusion=((1,),), loss=0.0, epochs=1)}, "confusion matrix of 2 x 2"),
        ({"files": {}}, "no model.onnx"),
        ({"v": 9}, "card version 1, found 9"),
    ],
)
def test_given_a_card_that_contradicts_itself_when_written_then_it_says_how(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        write_card(tmp_path, a_card(tmp_path, **changes))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b'{"v": 1}',
        b'{"files": {"../../etc/passwd": "' + b"0" * 64 + b'"}}',
    ],
)
def test_given_a_hostile_card_when_read_then_a_model_error_says_so(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "card.json").write_bytes(data)
    with pytest.raises(ModelError, match="is not a model card"):
        read_card(tmp_path)


def test_given_a_file_name_that_leaves_the_folder_when_read_then_it_is_refused(
    tmp_path: Path,
) -> None:
    folder = a_folder(tmp_path)
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"model.onnx"', '"../model.onnx"'))
    with pytest.raises(ModelError, match="is not a model card"):
        read_card(folder)


def test_given_no_card_when_read_then_it_says_where_it_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a model card at .*card\.json"):
        verify(tmp_path / ("a" * 64))


def test_given_a_card_over_the_limit_when_read_then_it_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "card.json").open("wb") as file:
        file.truncate(5_000_000)
    with pytest.raises(ModelError, match="over the limit"):
        read_card(tmp_path)


def test_given_a_card_when_replaced_then_it_is_frozen(tmp_path: Path) -> None:
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        a_card(tmp_path).seed = 2  # type: ignore[misc]
