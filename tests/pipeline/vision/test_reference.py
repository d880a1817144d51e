"""What a backbone compares with, in numpy and in the graph of a model alike."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from pipeline.errors import InputError, ModelError
from pipeline.vision.backbone import Backbone, shipped
from pipeline.vision.card import INPUT, OUTPUTS
from pipeline.vision.evidence import Head, sizes_of
from pipeline.vision.focus import MARK
from pipeline.vision.graft import graft
from pipeline.vision.reference import Sums, fields_of, reference_of, views_of

SIZE = (240, 320, 3)


def pictures(count: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, SIZE)
    noise = rng.integers(-12, 13, (count, *SIZE))
    return np.clip(base + noise, 0, 255).astype(np.uint8)


def test_given_an_image_when_viewed_then_every_view_is_that_of_its_2_x_2_pixels():
    image = pictures(1)[0]
    views = views_of(image)
    block = image[10:12, 20:22].astype(float)
    grey = np.rint(block.sum(axis=2) / 3)
    assert views.shape == (120, 160, 5)
    assert np.abs(views[5, 10, :3] - block.mean(axis=(0, 1))).max() <= 0.5
    assert (views[5, 10, 3], views[5, 10, 4]) == (grey.min(), grey.max())


@pytest.mark.parametrize("shape", [(241, 320, 3), (240, 320), (240, 320, 4)])
def test_given_another_form_when_viewed_then_it_is_refused(shape):
    with pytest.raises(InputError, match="expected an image"):
        views_of(np.zeros(shape, np.uint8))


def test_given_references_without_one_when_summed_then_they_equal_those_of_the_others():
    views = np.stack([views_of(image) for image in pictures(5)])
    left, others = Sums(views).reference(without=2), reference_of(np.delete(views, 2, axis=0))
    assert left.count == others.count == 4
    assert np.array_equal(left.mean, others.mean)
    assert np.abs(left.allowance.astype(int) - others.allowance).max() <= 1


def test_given_no_image_when_summed_then_it_is_refused():
    with pytest.raises(InputError, match="at least one reference"):
        reference_of(np.zeros((0, 4, 4, 5), np.uint8))


def head_of(backbone: Backbone, count: int, labels: tuple[str, ...] = ("Good", "Bad", "X")) -> Head:
    size, rng = sizes_of(backbone).total, np.random.default_rng(3)
    return Head(
        labels=labels,
        reference=reference_of(np.stack([views_of(one) for one in pictures(count, seed=1)])),
        middle=rng.normal(size=size).astype(np.float32),
        scale=rng.uniform(0.1, 2.0, size).astype(np.float32),
        kernel=(0.1 * rng.normal(size=(size, len(labels)))).astype(np.float32),
        bias=rng.normal(size=len(labels)).astype(np.float32),
        strength=1.0,
        share=0.5,
    )


@pytest.mark.parametrize("count", [1, 6])
def test_given_a_grafted_model_when_run_then_it_sees_what_backbone_and_head_see(count):
    backbone = shipped()
    head, images = head_of(backbone, count), pictures(4)
    proto, activation = onnx.load_model_from_string(graft(backbone, head)), f"{MARK}activation"
    proto.graph.output.append(onnx.ValueInfoProto(name=activation))
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    probabilities, maps, embedding, active = session.run([*OUTPUTS, activation], {INPUT: images})
    views = np.stack([views_of(image) for image in images])
    seen = backbone.see(views, head.reference)
    assert np.abs(embedding - seen.embedding).max() <= 1e-3 * max(1.0, seen.embedding.max())
    logits = head.judge(backbone, views)
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.abs(probabilities - chance / chance.sum(axis=1, keepdims=True)).max() < 1e-3
    size = backbone.card.embedding_size
    kernel = head.kernel * head.scale[:, None]
    at_peak = seen.features * (seen.features == seen.features.max(axis=(1, 2), keepdims=True))
    heat = seen.features @ kernel[:size] / np.prod(backbone.card.map_shape)
    heat = np.maximum(heat + at_peak @ kernel[size : 2 * size], 0.0)
    assert np.abs(active - heat.transpose(0, 3, 1, 2)).max() <= 1e-3 * max(1.0, heat.max())
    assert maps.shape == active.shape
    assert np.isfinite(maps).all()
    assert maps.min() >= 0.0


def test_given_a_head_of_another_size_when_grafted_then_it_is_refused():
    head = replace(head_of(shipped(), 1), kernel=np.zeros((7, 3), np.float32))
    with pytest.raises(ModelError, match="expected a head"):
        graft(shipped(), head)


def test_given_images_like_the_references_when_compared_then_nothing_departs():
    views = np.stack([views_of(image) for image in pictures(8)])
    fields = fields_of(views, reference_of(views))
    assert fields.shape == (8, 120, 160, 9)
    assert np.abs(fields[..., :5]).mean() < 1.0
