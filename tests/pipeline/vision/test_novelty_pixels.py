"""Novelty that looks at coarse pixels beside the embedding."""

import hashlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")
from pipeline.errors import InputError, ModelError
from pipeline.vision.novelty import file_name, read_description, to_bytes
from pipeline.vision.novelty_fitting import fit
from pipeline.vision.novelty_pixels import coarse_images

MODEL = "ab" * 32
COUNT = 80
RUNS = np.arange(COUNT) // 2
NONE = np.zeros(COUNT, np.bool_)


def embeddings(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)


def images(count: int, seed: int) -> np.ndarray:
    """Plots with a bar of a height that differs."""
    rng = np.random.default_rng(seed)
    made = np.full((count, 60, 80, 3), 250, np.uint8)
    for one in made:
        one[rng.integers(15, 40) :, 20:50] = (120, 160, 220)
    return made


def known():
    coarse = coarse_images(images(COUNT, seed=1))
    return fit(embeddings(COUNT, seed=1), RUNS, NONE, coarse).description


def stored(folder, data: bytes):
    folder = folder / MODEL
    folder.mkdir(exist_ok=True)
    digest = hashlib.sha256(data).hexdigest()
    (folder / file_name(digest)).write_bytes(data)
    return folder, digest


def test_given_an_embedding_that_sees_nothing_when_the_pixels_differ_then_the_image_is_novel():
    others = images(40, seed=2)
    strange = others.copy()
    strange[:, 5:25, 55:75] = 0
    same = embeddings(40, seed=2)
    fine, odd = (known().chance(same, coarse_images(one)) for one in (others, strange))
    assert np.median(odd) < np.median(fine) / 5
    assert (fine < 0.02).mean() <= 0.1


def test_given_familiar_pixels_when_the_embedding_is_far_out_then_the_image_is_novel():
    others = coarse_images(images(40, seed=2))
    assert known().chance(embeddings(40, seed=2) + 9, others).max() < 0.05


def test_given_runs_held_out_when_fitted_with_pixels_then_they_calibrate():
    coarse = coarse_images(images(COUNT, seed=1))
    found = fit(embeddings(COUNT, seed=1), RUNS, RUNS >= 25, coarse)
    assert (found.images, found.calibrated, found.crossed) == (50, 30, False)
    fresh = found.description.chance(embeddings(200, 5), coarse_images(images(200, 5)))
    assert 0.3 < np.median(fresh) < 0.7


def test_given_a_description_with_pixels_when_written_and_read_then_it_is_the_same(tmp_path):
    description = known()
    again = read_description(*stored(tmp_path, to_bytes(description, MODEL)))
    given = embeddings(9, 3), coarse_images(images(9, 3))
    assert np.allclose(again.chance(*given), description.chance(*given), rtol=1e-5)


def test_given_a_file_of_an_earlier_release_when_read_then_it_tells_as_it_did(tmp_path):
    before = fit(embeddings(COUNT, seed=1), RUNS, NONE).description
    data = msgspec.msgpack.decode(to_bytes(before, MODEL))
    del data["pixels"]
    again = read_description(*stored(tmp_path, msgspec.msgpack.encode({**data, "v": 1})))
    assert again.pixels is None
    others = embeddings(9, 3)
    assert np.allclose(again.chance(others), before.chance(others), rtol=1e-5)


def test_given_no_pixels_or_others_when_asked_then_it_is_refused():
    with pytest.raises(InputError, match="received none"):
        known().chance(embeddings(1, 1))
    with pytest.raises(InputError, match="expected 900 coarse pixels"):
        known().chance(embeddings(1, 1), coarse_images(images(1, 1)[..., :1]))


def changes():
    yield {"size": 899}, "bytes of middle"
    yield {"centre": np.full(2, np.nan, "<f4").tobytes()}, "not finite"
    yield {"spread": np.zeros(2, "<f4").tobytes()}, "not above 0"
    yield {"axes": 65}, "tells no novelty"
    yield {"more": 1}, "tells no novelty"


@pytest.mark.parametrize(("change", "told"), list(changes()))
def test_given_hostile_pixels_when_read_then_they_are_refused_with_the_reason(
    tmp_path, change, told
):
    data = msgspec.msgpack.decode(to_bytes(known(), MODEL))
    hostile = {**data, "pixels": {**data["pixels"], **change}}
    with pytest.raises(ModelError, match=told):
        read_description(*stored(tmp_path, msgspec.msgpack.encode(hostile)))


DESCRIPTION = known()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 1e4), st.integers(0, 255))
def test_given_any_image_when_judged_then_novelty_is_a_share(seed, far, level):
    vectors = embeddings(3, seed) * np.float32(far)
    coarse = coarse_images(np.full((3, 60, 80, 3), level, np.uint8))
    found = DESCRIPTION.chance(vectors, coarse)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
