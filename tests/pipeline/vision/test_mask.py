"""Masks: nothing under them reaches a model, and a mask itself is no fault."""

import cv2
import numpy as np
import pytest

from hydra_ioc.release import DEMO_MODELS, read_index
from hydra_ioc.simulated import EVALUATION, sample
from pipeline.messages import MaskRef
from pipeline.vision.mask import cover, covered, hide, in_force
from pipeline.vision.normal import NORMAL_FILE, from_views
from pipeline.vision.preprocess import prepare
from pipeline.vision.serving import load
from simulation.drawing import HEIGHT, WIDTH, Fault

SHAPE = (240, 320, 3)
SIZES = [(1200, 1600), (1203, 1601), (960, 1280), (240, 320), (241, 319), (700, 999), (150, 200)]
PLOTS = ("CDC_occupancy", "FCAL_occupancy", "ST_occupancy", "DC_OccupancyNorm", "PS_occupancy")


def box(left, top, right, bottom):
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def outlines(rng):
    left, top = rng.uniform(0, 0.6, 2)
    width, height = rng.uniform(0.001, 0.4, 2)
    yield box(left, top, left + width, top + height)
    turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 12)))
    far = rng.uniform(0.02, 0.3, len(turn))
    middle = rng.uniform(0.3, 0.7, 2)
    corners = middle + far[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    yield tuple((float(x), float(y)) for x, y in corners)


def under(outline, size):
    """Every pixel of the file that the outline encloses or touches."""
    height, width = size
    grid = np.zeros((height, width), np.uint8)
    corners = np.array(outline) * (width, height) - 0.5
    points = np.rint(corners * 256).astype(np.int32)
    cv2.fillPoly(grid, [points[:, None]], 1, shift=8)
    return grid.astype(bool)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_given_random_content_under_masks_when_prepared_then_the_tensor_is_the_same(size):
    rng = np.random.default_rng(size[0])
    for _ in range(6):
        picture = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        for outline in outlines(rng):
            changed = picture.copy()
            hidden = under(outline, size)
            changed[hidden] = rng.integers(0, 256, (int(hidden.sum()), 3), dtype=np.uint8)
            area = covered((outline,), SHAPE[:2], size)
            first, second = (
                cover(prepare(one, "area-rgb", SHAPE), area, None) for one in (picture, changed)
            )
            assert (first == second).all()


def test_given_a_mask_when_covered_then_no_more_than_its_rim_is_taken_besides():
    area = covered((box(0.25, 0.25, 0.5, 0.5),), SHAPE[:2], (1200, 1600))
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (58, 122, 78, 162)
    with pytest.raises(ValueError, match="read-only"):
        area[:] = False


@pytest.fixture(scope="module")
def models():
    index = read_index(DEMO_MODELS)
    return {plot: load(DEMO_MODELS / index[plot]) for plot in PLOTS}


def judge(model, tensor):
    return model.run(tensor[None]).probabilities[0]


@pytest.mark.parametrize("plot", PLOTS)
def test_given_random_content_in_a_masked_part_of_a_file_when_judged_then_the_weights_are_the_same(
    models, plot
):
    model, rng = models[plot], np.random.default_rng(2)
    drawing = sample(plot, EVALUATION, 0, rng, faults=()).draw()
    outline = box(0.3, 0.3, 0.5, 0.6)
    area = covered((outline,), SHAPE[:2], (HEIGHT, WIDTH))
    changed = drawing.pixels.copy()
    hidden = under(outline, (HEIGHT, WIDTH))
    changed[hidden] = rng.integers(0, 256, (int(hidden.sum()), 3), dtype=np.uint8)
    tensors = [prepare(one, "area-rgb", SHAPE) for one in (drawing.pixels, changed)]
    assert np.abs(judge(model, tensors[0]) - judge(model, tensors[1])).max() > 0.1
    weights = [judge(model, cover(tensor, area, model.normal)) for tensor in tensors]
    assert np.abs(weights[0] - weights[1]).max() <= 1e-6


@pytest.mark.parametrize("plot", PLOTS)
def test_given_a_mask_over_a_good_region_when_judged_then_the_plot_stays_good(models, plot):
    model, rng = models[plot], np.random.default_rng(3)
    for number in range(5):
        drawing = sample(plot, EVALUATION, number, rng, faults=()).draw()
        left, top = rng.uniform(0.05, 0.5, 2)
        area = covered((box(left, top, left + 0.3, top + 0.3),), SHAPE[:2], (HEIGHT, WIDTH))
        tensor = cover(prepare(drawing.pixels, "area-rgb", SHAPE), area, model.normal)
        assert model.card.labels[judge(model, tensor).argmax()] == "Good"


@pytest.mark.parametrize("kind", ["dead-slot", "dead-channel"])
@pytest.mark.parametrize("plot", PLOTS)
def test_given_a_mask_over_a_dead_region_when_judged_then_bad_becomes_good(models, plot, kind):
    model, rng = models[plot], np.random.default_rng(4)
    for number in range(2):
        drawing = sample(plot, EVALUATION, number, rng, faults=(Fault(kind),)).draw()
        tensor = prepare(drawing.pixels, "area-rgb", SHAPE)
        dead = tuple(
            box(x / WIDTH, y / HEIGHT, min((x + w) / WIDTH, 1), min((y + h) / HEIGHT, 1))
            for x, y, w, h in drawing.truth.regions
        )
        area = covered(dead, SHAPE[:2], (HEIGHT, WIDTH))
        assert model.card.labels[judge(model, tensor).argmax()] == "Bad"
        masked = cover(tensor, area, model.normal)
        assert model.card.labels[judge(model, masked).argmax()] == "Good"


def test_given_the_shipped_models_when_loaded_then_each_brings_its_normal_picture(models):
    for model in models.values():
        assert NORMAL_FILE in model.card.files
        assert model.normal.shape == SHAPE
        assert model.card.labels[judge(model, np.array(model.normal)).argmax()] == "Good"


def test_given_the_views_of_a_baseline_when_a_picture_is_made_then_it_shows_these_views():
    rng = np.random.default_rng(5)
    images = rng.integers(40, 216, (4, 8, 12, 3)).astype(float)
    blocks = images.reshape(4, 4, 2, 6, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(4, 4, 6, 4, 3)

    def views(blocks):
        grey = blocks.mean(axis=-1)
        return np.concatenate(
            [blocks.mean(axis=-2), grey.min(-1)[..., None], grey.max(-1)[..., None]], axis=-1
        )

    mean = views(blocks).mean(axis=0)
    picture = from_views(mean).astype(float)
    found = views(picture.reshape(4, 2, 6, 2, 3).transpose(0, 2, 1, 3, 4).reshape(4, 6, 4, 3))
    assert np.abs(found - mean).max() <= 0.75


def test_given_heat_under_a_mask_when_hidden_then_only_the_rest_is_left():
    area = covered((box(0.0, 0.0, 0.5, 1.0),), SHAPE[:2], (HEIGHT, WIDTH))
    heat = hide(np.ones((3, 30, 40), np.float32), area)
    assert heat[:, :, :20].max() == 0.0
    assert heat[:, :, 21:].min() == 1.0
    assert hide(np.ones((3, 0, 0), np.float32), area).shape == (3, 0, 0)


def test_given_a_time_when_a_mask_ends_then_images_from_then_on_are_judged_without_it():
    mask = MaskRef(
        mask_id=1, name="a", owner="b", reason="c", points=box(0, 0, 1, 1), expires_at=5.0
    )
    assert in_force((mask,), 4.999) == (mask,)
    assert in_force((mask,), 5.0) == ()
