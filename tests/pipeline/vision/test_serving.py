"""Running models with ONNX Runtime: what loads, what is refused, what comes out."""

import threading

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.vision.card import file_digest, verify
from pipeline.vision.serving import load
from tests.pipeline.models import KINDS, make_model_folder, rewrite_card

SHAPE = (32, 48, 3)
LABELS = ("Good", "Bad", "NoData")


def images(count, value=200):
    """Images in red, green, blue, red ..."""
    batch = np.zeros((count, *SHAPE), np.uint8)
    for number in range(count):
        batch[number, :, :, number % 3] = value
    return batch


@pytest.mark.parametrize("count", [1, 2, 7])
def test_given_a_good_model_when_a_batch_runs_then_sizes_and_labels_are_right(tmp_path, count):
    model = load(tmp_path / make_model_folder(tmp_path, LABELS, SHAPE))
    outputs = model.run(images(count))
    assert outputs.probabilities.shape == (count, 3)
    assert outputs.maps.shape == (count, 3, 4, 4)
    assert outputs.embedding.shape == (count, 3)
    assert outputs.probabilities.argmax(axis=1).tolist() == [one % 3 for one in range(count)]
    np.testing.assert_allclose(outputs.probabilities.sum(axis=1), 1.0, rtol=1e-5)


def test_given_a_batch_when_run_together_and_one_by_one_then_the_results_agree(tmp_path):
    model = load(tmp_path / make_model_folder(tmp_path, LABELS, SHAPE), threads=2)
    together = model.run(images(4))
    for number, image in enumerate(images(4)):
        alone = model.run(image[None])
        np.testing.assert_allclose(alone.probabilities[0], together.probabilities[number], 1e-5)
        np.testing.assert_allclose(alone.maps[0], together.maps[number], 1e-5)


def test_given_a_model_when_maps_are_not_wanted_then_the_rest_is_the_same(tmp_path):
    model = load(tmp_path / make_model_folder(tmp_path, LABELS, SHAPE))
    full, short = model.run(images(2)), model.run(images(2), maps=False)
    np.testing.assert_array_equal(full.probabilities, short.probabilities)
    np.testing.assert_array_equal(full.embedding, short.embedding)
    assert short.maps.shape == (2, 3, 0, 0)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros(SHAPE, np.uint8),
        np.zeros((1, 48, 32, 3), np.uint8),
        np.zeros((1, *SHAPE), np.float32),
        np.zeros((1, 32, 48, 1), np.uint8),
    ],
)
def test_given_a_batch_that_does_not_fit_when_run_then_it_is_refused(tmp_path, batch):
    model = load(tmp_path / make_model_folder(tmp_path, LABELS, SHAPE))
    with pytest.raises(ModelError, match=r"expected a batch of uint8 \(N, 32, 48, 3\)"):
        model.run(batch)


def test_given_a_changed_file_when_loaded_then_it_is_refused(tmp_path):
    folder = tmp_path / make_model_folder(tmp_path)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="does not match its card"):
        load(folder)


def test_given_a_changed_card_when_loaded_then_it_is_refused(tmp_path):
    folder = tmp_path / make_model_folder(tmp_path)
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"tiny"', '"tidy"'))
    with pytest.raises(ModelError, match="was changed"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"input_shape": (32, 32, 1)}, "expected one input image"),
        ({"map_shape": (5, 4)}, "expected maps"),
        ({"embedding_size": 9}, "expected embedding"),
    ],
)
def test_given_a_card_that_promises_otherwise_when_used_then_it_is_refused(tmp_path, changes, what):
    digest = rewrite_card(tmp_path / make_model_folder(tmp_path), **changes)
    with pytest.raises(ModelError, match=what):
        load(tmp_path / digest).warm()


def test_given_a_file_that_is_no_graph_when_loaded_then_it_is_refused(tmp_path):
    folder = tmp_path / make_model_folder(tmp_path)
    (folder / "model.onnx").write_bytes(b"not a graph")
    digest = rewrite_card(folder, files={"model.onnx": file_digest(folder / "model.onnx")})
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(tmp_path / digest)


def test_given_no_folder_when_loaded_then_it_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="install the model again"):
        load(tmp_path / ("0" * 64))


def test_given_wrong_sized_outputs_when_run_then_they_are_refused(tmp_path):
    model = load(tmp_path / make_model_folder(tmp_path, LABELS, SHAPE, kind="wrong-size"))
    with pytest.raises(ModelError, match=r"expected probabilities as float32 \(1, 3\)"):
        model.run(images(1))


def test_given_a_hanging_run_when_stopped_from_another_thread_then_it_ends(tmp_path):
    model = load(tmp_path / make_model_folder(tmp_path, LABELS, SHAPE, kind="hang"))
    model.warm()
    timer = threading.Timer(0.2, model.stop)
    timer.start()
    with pytest.raises(ModelError, match="terminate flag"):
        model.run(images(1, value=255))
    timer.join()
    model.stop()
    assert model.run(images(1)).probabilities.shape == (1, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_given_any_kind_of_test_model_when_made_then_its_folder_passes_verification(tmp_path, kind):
    digest = make_model_folder(tmp_path, kind=kind)
    assert verify(tmp_path / digest).name == "tiny"
