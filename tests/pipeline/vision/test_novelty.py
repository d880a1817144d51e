"""What is far from the images of a training, and what its file may hold."""

import hashlib
from dataclasses import replace

import msgspec
import numpy as np
import pytest

pytest.importorskip("sklearn")
from pipeline.errors import InputError, ModelError
from pipeline.vision.novelty import file_name, read_description, to_bytes
from pipeline.vision.novelty_fitting import fit

MODEL = "ab" * 32
NONE = np.zeros(120, np.bool_)


def known(count: int, seed: int = 1, size: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = np.random.default_rng(5).normal(size=(size, size))
    return (rng.normal(size=(count, size)) @ mixed).astype(np.float32)


def runs(count: int) -> np.ndarray:
    return np.arange(count) // 2


def stored(folder, data: bytes):
    folder = folder / MODEL
    folder.mkdir(exist_ok=True)
    digest = hashlib.sha256(data).hexdigest()
    (folder / file_name(digest)).write_bytes(data)
    return folder, digest


def test_given_known_images_when_judged_then_the_number_is_the_share_farther_out():
    found = fit(known(120), runs(120), NONE)
    assert (found.images, found.calibrated, found.crossed) == (120, 120, True)
    chances = found.description.chance(known(2000, seed=2))
    for share in (0.5, 0.1, 0.02):
        assert (chances < share).mean() == pytest.approx(share, abs=0.03 + share / 3)
    far = found.description.chance(known(50, seed=3) + 40)
    assert far.max() < 0.01
    assert ((far >= 0) & (far <= 1)).all()


def test_given_a_direction_without_spread_when_left_then_it_is_novel():
    flat = known(120)
    flat[:, 3] = 0.0
    off = flat[:5].copy()
    off[:, 3] = 30.0
    description = fit(flat, runs(120), NONE).description
    assert description.chance(off).max() < 0.02 < np.median(description.chance(flat))


def test_given_runs_held_out_when_fitted_then_they_calibrate_and_are_not_described():
    held_out = runs(120) >= 40
    found = fit(known(120), runs(120), held_out)
    assert (found.images, found.calibrated, found.crossed) == (80, 40, False)


def test_given_more_numbers_than_images_when_fitted_then_far_is_still_far():
    wide = np.random.default_rng(1).normal(size=(40, 300)).astype(np.float32)
    other = np.random.default_rng(2).normal(size=(10, 300)).astype(np.float32)
    description = fit(wide, runs(40), np.zeros(40, np.bool_)).description
    assert description.directions.shape == (300, 64)
    assert description.chance(other * 6).max() < 0.05
    assert np.median(description.chance(other)) > 0.05


@pytest.mark.parametrize(
    ("values", "of_runs", "told"),
    [
        (known(9), runs(9), "9 images"),
        (known(20), np.zeros(20, np.int64), "1 runs"),
        (np.full((20, 4), np.nan, np.float32), runs(20), "finite"),
        (np.zeros((20, 0), np.float32), runs(20), "embeddings"),
    ],
)
def test_given_too_little_when_fitted_then_it_is_refused(values, of_runs, told):
    with pytest.raises(InputError, match=told):
        fit(values, of_runs, np.zeros(len(values), np.bool_))


def test_given_equal_images_when_fitted_then_any_other_is_novel_and_nothing_breaks():
    same = np.ones((20, 4), np.float32)
    description = fit(same, runs(20), np.zeros(20, np.bool_)).description
    assert description.chance(same)[0] > description.chance(same + 100)[0]


def test_given_a_description_when_written_and_read_then_it_is_the_same(tmp_path):
    description = fit(known(120), runs(120), NONE).description
    data = to_bytes(description, MODEL)
    assert data == to_bytes(description, MODEL)
    again = read_description(*stored(tmp_path, data))
    assert np.allclose(again.chance(known(9)), description.chance(known(9)), rtol=1e-5)


def test_given_a_file_that_is_not_what_the_record_says_when_read_then_it_is_refused(tmp_path):
    description = fit(known(120), runs(120), NONE).description
    data = to_bytes(description, MODEL)
    with pytest.raises(ModelError, match="cannot read"):
        read_description(tmp_path, "0" * 64)
    folder, digest = stored(tmp_path, data)
    (folder / file_name(digest)).write_bytes(data[:-1])
    with pytest.raises(ModelError, match="was changed"):
        read_description(folder, digest)
    with pytest.raises(ModelError, match="expected version"):
        read_description(*stored(tmp_path, to_bytes(description, "cd" * 32)))


def changes():
    yield {"size": 13}, "bytes of centre"
    yield {"centre": np.full(12, np.inf, "<f4").tobytes()}, "not finite"
    yield {"spreads": np.zeros(12, "<f4").tobytes()}, "not above 0"
    yield {"rest": -1.0}, "tells no novelty"
    yield {"axes": 10**9}, "tells no novelty"
    yield {"more": 1}, "tells no novelty"


@pytest.mark.parametrize(("change", "told"), list(changes()))
def test_given_a_hostile_file_when_read_then_it_is_refused_with_the_reason(tmp_path, change, told):
    data = msgspec.msgpack.decode(to_bytes(fit(known(120), runs(120), NONE).description, MODEL))
    with pytest.raises(ModelError, match=told):
        read_description(*stored(tmp_path, msgspec.msgpack.encode({**data, **change})))


def test_given_bytes_of_any_kind_when_read_then_they_are_refused(tmp_path):
    for data in (b"", b"\x00", b"{}", bytes(range(256))):
        with pytest.raises(ModelError, match="tells no novelty"):
            read_description(*stored(tmp_path, data))


def test_given_a_tail_when_replaced_then_the_distance_stays():
    description = fit(known(120), runs(120), NONE).description
    other = replace(description, tail=replace(description.tail, scale=100.0))
    assert np.allclose(other.distance(known(5)), description.distance(known(5)))
