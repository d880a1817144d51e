"""Similarity to references: calibrated on themselves, the same in the graph."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from pipeline.errors import InputError
from pipeline.vision import backbone as backbones
from pipeline.vision.card import read_card
from pipeline.vision.looks import looks_at
from pipeline.vision.reference import views_of
from pipeline.vision.references import compile_references
from pipeline.vision.serving import load
from pipeline.vision.similarity import fit

pytestmark = pytest.mark.train
SHAPE = (240, 320, 3)


def good(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.full(SHAPE, 200.0)
    image[60:180, 80:240] = (90, 140, 60)
    return np.clip(image + rng.normal(0, 4, SHAPE), 0, 255).astype(np.uint8)


def odd(seed: int) -> np.ndarray:
    image = good(seed)
    image[90:130, 120:170] = 255
    return image


def named(images):
    return {f"{index:064x}": image for index, image in enumerate(images)}


@pytest.fixture(params=["plain", "backbone"])
def backbone(request):
    if request.param == "plain":
        return None
    if not (backbones.FOLDER / backbones.GRAPH_FILE).exists():
        pytest.skip("no backbone is shipped")
    return backbones.shipped()


@pytest.mark.parametrize("count", [1, 2, 8])
def test_given_references_when_compiled_then_the_served_model_tells_odd_from_good(
    tmp_path: Path, backbone, count
):
    tensors = named([good(seed) for seed in range(count)])
    made = compile_references(tensors, dict.fromkeys(tensors, 7), tmp_path, "P", backbone=backbone)
    model = load(tmp_path / made.digest)
    assert model.card.labels == ("similar", "unlike")
    out = model.run(np.stack([good(100), odd(101)]))
    fine, bad = out.probabilities[:, 0]
    assert fine > 0.05
    assert bad < 0.25 * fine
    assert np.allclose(out.probabilities.sum(axis=1), 1.0, atol=1e-6)
    hottest = np.unravel_index(out.maps[1, 1].argmax(), out.maps[1, 1].shape)
    assert 90 / 240 - 0.05 <= hottest[0] / out.maps.shape[2] <= 130 / 240 + 0.05
    assert 120 / 320 - 0.05 <= hottest[1] / out.maps.shape[3] <= 170 / 320 + 0.05


def test_given_the_same_references_when_compiled_again_then_the_numbers_are_the_same(tmp_path):
    tensors = named([good(seed) for seed in range(3)])
    runs = dict.fromkeys(tensors, -1)
    digests = {compile_references(tensors, runs, tmp_path / n, "P").digest for n in "ab"}
    files = {
        read_card(tmp_path / n / d).files["model.onnx"]
        for n in "ab"
        for d in digests
        if (tmp_path / n / d).exists()
    }
    assert len(files) == 1


def test_given_many_good_images_when_compared_then_a_threshold_is_a_rate_of_false_alarms():
    views = np.stack([views_of(good(seed)) for seed in range(20)])
    ready = fit(views, None)
    others = np.stack([views_of(good(seed)) for seed in range(200, 260)])
    similar = ready.of(ready.surprise(looks_at(others, ready.gallery, None)))
    assert (similar < 0.01).mean() <= 0.05
    assert 0.2 < similar.mean() < 0.8
    assert np.all(np.diff(ready.of(np.linspace(0, 200, 500, dtype=np.float32))) <= 0)


def test_given_runs_that_differ_when_made_ready_then_one_run_does_not_vouch_for_itself():
    shades = np.repeat([0, 12, -9, 5], 4)
    images = [np.clip(good(n).astype(int) + shade, 0, 255) for n, shade in enumerate(shades)]
    views = np.stack([views_of(image.astype(np.uint8)) for image in images])
    other = np.clip(good(90).astype(int) - 14, 0, 255).astype(np.uint8)
    similar = []
    for runs in (None, np.repeat(np.arange(4), 4)):
        ready = fit(views, None, runs)
        looks = looks_at(views_of(other)[None], ready.gallery, None)
        similar.append(float(ready.of(ready.surprise(looks))[0]))
    unaware, aware = similar
    assert aware > 0.05
    assert aware > 2 * unaware


def test_given_no_image_or_another_size_when_made_ready_then_it_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least one reference"):
        compile_references({}, {}, tmp_path, "P")
    images = named([good(1), good(2)[:120]])
    with pytest.raises(InputError, match="one size"):
        compile_references(images, dict.fromkeys(images, 1), tmp_path, "P")
    assert list(tmp_path.iterdir()) == []


def dead(images, seed):
    """One small cell of each image without any colour, on cells that scatter along a scale."""
    rng, out = np.random.default_rng(seed), images.copy()
    for image in out:
        row, column = 8 * rng.integers(1, 29), 8 * rng.integers(1, 39)
        image[row : row + 8, column : column + 8] = 255
    return out


def scattered(count, seed):
    """Cells whose levels scatter about those of the plot, on a colour scale without white."""
    usual = np.random.default_rng(1).uniform(80, 190, (30, 40))
    levels = np.random.default_rng(seed).normal(usual, 12, (count, 30, 40))
    flat = np.clip(levels, 0, 255).astype(np.uint8).reshape(-1, 40)
    colours = cv2.applyColorMap(flat, cv2.COLORMAP_JET)[..., ::-1].reshape(count, 30, 40, 3)
    return colours.repeat(8, axis=1).repeat(8, axis=2)


def test_given_counts_on_a_colour_scale_when_one_channel_is_dead_then_it_is_unlike():
    ready = fit(np.stack([views_of(one) for one in scattered(20, seed=2)]), None)

    def surprise(images):
        views = np.stack([views_of(one) for one in images])
        return ready.surprise(looks_at(views, ready.gallery, None))

    fine = scattered(30, seed=3)
    assert np.median(surprise(dead(fine, 4))) > surprise(fine).max()


def test_given_noisy_references_when_an_image_is_far_too_smooth_then_it_is_odd_too():
    rng = np.random.default_rng(5)
    levels = rng.normal(128, 25, (41, 120, 160))
    # Every plot has a bar in the lower half whose height differs.
    for one, height in zip(levels, rng.integers(20, 60, 41), strict=True):
        one[120 - height :, 30:90] += 90
    views = np.repeat(np.clip(levels, 0, 255).astype(np.uint8)[..., None], 5, axis=-1)
    ready = fit(views[:20], None)
    smooth = np.full((1, 120, 160, 5), 128, np.uint8)
    surprise = ready.surprise(looks_at(np.concatenate([views[20:], smooth]), ready.gallery, None))
    assert surprise[-1] > surprise[:-1].max()


def test_given_a_reference_itself_when_compared_then_it_is_as_similar_as_can_be(tmp_path, backbone):
    images = scattered(12, seed=2)
    tensors = named(list(images))
    runs = {key: number for number, key in enumerate(tensors)}
    made = compile_references(tensors, runs, tmp_path, "P", backbone=backbone)
    similar = load(tmp_path / made.digest).run(images).probabilities[:, 0]
    assert similar.min() > 0.1


def test_given_compiled_references_when_read_then_the_graph_needs_no_code_of_ours(tmp_path):
    """So what earlier releases stored goes on being served, whatever the looks are now."""
    tensors = named([good(seed) for seed in range(4)])
    made = compile_references(tensors, dict.fromkeys(tensors, 7), tmp_path, "P")
    graph = onnx.load(tmp_path / made.digest / "model.onnx")
    assert {one.domain for one in graph.opset_import} <= {"", "ai.onnx"}
    assert not [node for node in graph.graph.node if node.domain not in ("", "ai.onnx")]
