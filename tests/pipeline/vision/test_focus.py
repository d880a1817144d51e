"""Maps that count where an image departs, also after a change of the colour scale."""

import shutil

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from hydra_ioc.release import DEMO_MODELS, read_index
from pipeline.errors import ModelError
from pipeline.vision.card import read_card
from pipeline.vision.focus import MARK
from pipeline.vision.panels import panels_of
from pipeline.vision.pointing import baseline_of, point, point_file
from pipeline.vision.recolouring import GROUP, median_cut
from pipeline.vision.reference import reference_of, views_of

pytestmark = pytest.mark.train
ROWS, COLUMNS = 30, 40
LABELS = ("Good", "Bad")
CELL = 10
FIELD = (slice(40, 200), slice(40, 240))
"""Where the map lies: 16 x 20 cells."""
BAR = (slice(40, 200), slice(250, 260))
KNOWN_DEAD = (5, 5)
SCALE = np.array([[0, 0, 110], [0, 180, 220], [120, 210, 60], [250, 200, 20], [140, 0, 0]], float)


def colours_of(levels: np.ndarray) -> np.ndarray:
    """Five colours and all between, for 0 to 1."""
    places = np.linspace(0, 1, len(SCALE))
    return np.stack([np.interp(levels, places, SCALE[:, k]) for k in range(3)], axis=-1)


def heat_map(counts: np.ndarray, end: float | None = None) -> np.ndarray:
    """Draw a map whose scale ends at its largest count; empty bins stay white."""
    image = np.full((240, 320, 3), 255, np.uint8)
    image[38:202, 38:242] = 0
    drawn = np.where(counts[..., None] > 0, colours_of(counts / (end or counts.max())), 255.0)
    image[FIELD] = np.kron(drawn, np.ones((CELL, CELL, 1))).astype(np.uint8)
    image[BAR] = colours_of(np.linspace(1, 0, 160))[:, None].astype(np.uint8)
    return image


def counts(rng: np.random.Generator) -> np.ndarray:
    usual = 60.0 + 40.0 * np.cos(np.linspace(-2, 2, 16))[:, None] * np.ones((16, 20))
    drawn = rng.poisson(usual * 20).astype(float)
    drawn[KNOWN_DEAD] = 0.0
    return drawn


def bars(heights: np.ndarray, end: float | None = None) -> np.ndarray:
    """Draw a histogram whose axis ends a tenth above its highest bar."""
    image = np.full((240, 320, 3), 255, np.uint8)
    image[38:202, 38:242] = 0
    image[FIELD] = 255
    wide = 200 // len(heights)
    for index, height in enumerate(heights / (end or heights.max())):
        top = 200 - int(145 * height)
        image[top:200, 40 + wide * index : 40 + wide * (index + 1)] = (153, 153, 255)
    return image


def heights(rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(4000 * np.exp(-0.5 * np.linspace(-1.5, 1.5, 20) ** 2)).astype(float)


def model_of(
    good: list[np.ndarray], weight_of_good: float = 0.1, *, corner: bool = False
) -> ort.InferenceSession:
    """Make a graph whose net looks everywhere alike, or at the lower left corner only."""
    reference = reference_of(np.stack([views_of(image) for image in good]))
    seen = np.full((1, 2, ROWS, COLUMNS), 0.0 if corner else 1.0, np.float32)
    seen[..., -3:, :3] = 1.0
    weights = np.array([[weight_of_good, 1 - weight_of_good]], np.float32)
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        node("Transpose", ["wide"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["colour"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Identity", ["weights"], ["probabilities"]),
        node("Identity", ["seen"], ["maps"]),
    ]
    real, shapes = TensorProto.FLOAT, {"probabilities": [1, 2], "maps": [1, 2, ROWS, COLUMNS]}
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 240, 320, 3])],
        [helper.make_tensor_value_info(name, real, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(seen, "seen"), numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    point(
        model.graph,
        reference.mean,
        reference.allowance,
        colours="colour",
        labels=LABELS,
        cells=(ROWS, COLUMNS),
    )
    onnx.checker.check_model(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def heat_of(session: ort.InferenceSession, image: np.ndarray) -> np.ndarray:
    return session.run(["maps"], {"image": image[None]})[0][0, 1]


def share(heat: np.ndarray, rows: slice, columns: slice) -> float:
    """Share of the heat in pixels of the image, with the cells that they touch."""
    mask = np.zeros_like(heat, bool)
    mask[rows.start // 8 : -(-rows.stop // 8), columns.start // 8 : -(-columns.stop // 8)] = True
    return float(heat[mask].sum() / heat.sum())


def pixels(row: int, column: int, high: int = 1, wide: int = 1) -> tuple[slice, slice]:
    return (
        slice(40 + CELL * row, 40 + CELL * (row + high)),
        slice(40 + CELL * column, 40 + CELL * (column + wide)),
    )


@pytest.fixture(scope="module")
def maps_model():
    rng = np.random.default_rng(1)
    return model_of([heat_map(counts(rng)) for _ in range(12)])


@pytest.fixture(scope="module")
def bars_model():
    rng = np.random.default_rng(2)
    return model_of([bars(heights(rng)) for _ in range(12)])


@pytest.mark.parametrize("cell", [(3, 14), (12, 2), (15, 19)])
def test_given_a_hot_bin_that_recolours_all_others_when_mapped_then_it_alone_is_hot(
    maps_model, cell
):
    spoilt = counts(np.random.default_rng(7))
    spoilt[cell] = 12 * spoilt.max()
    heat = heat_of(maps_model, heat_map(spoilt))
    assert share(heat, *pixels(*cell)) > 0.9
    assert share(heat, *pixels(*KNOWN_DEAD)) < 0.02


def test_given_a_bright_patch_that_recolours_the_rest_when_mapped_then_the_patch_is_hot(
    maps_model,
):
    spoilt = counts(np.random.default_rng(8))
    spoilt[12:15, 10:14] *= 5
    assert share(heat_of(maps_model, heat_map(spoilt)), *pixels(12, 10, 3, 4)) > 0.8


@pytest.mark.parametrize(("high", "wide"), [(3, 3), (4, 6), (16, 6)])
def test_given_a_loss_when_mapped_then_all_of_it_is_hot_and_nothing_else(maps_model, high, wide):
    spoilt = counts(np.random.default_rng(9))
    spoilt[0:high, 8 : 8 + wide] = 0
    heat = heat_of(maps_model, heat_map(spoilt))
    rows, columns = pixels(0, 8, high, wide)
    assert share(heat, rows, columns) > 0.9
    inner = heat[rows.start // 8 + 1 : rows.stop // 8, columns.start // 8 + 1 : columns.stop // 8]
    assert inner.size == 0 or inner.min() >= 0.5 * heat.max()
    assert heat[-3:, :3].max() < 0.2 * heat.max()


def test_given_a_bar_far_above_all_others_when_mapped_then_what_rose_is_hot(bars_model):
    spoilt = heights(np.random.default_rng(9))
    spoilt[16] = 10 * spoilt.max()
    assert share(heat_of(bars_model, bars(spoilt)), *pixels(0, 16, 16, 1)) > 0.8


def test_given_bars_that_are_lost_when_mapped_then_they_are_hot(bars_model):
    spoilt = heights(np.random.default_rng(10))
    spoilt[4:7] = 0
    assert share(heat_of(bars_model, bars(spoilt)), *pixels(0, 4, 16, 3)) > 0.8


def test_given_an_image_that_is_good_beyond_doubt_when_mapped_then_the_net_is_shown_as_it_is():
    rng = np.random.default_rng(1)
    session = model_of([heat_map(counts(rng)) for _ in range(6)], 0.99, corner=True)
    heat = heat_of(session, heat_map(counts(rng)))
    assert set(np.unique(heat)) == {0.0, 1.0}
    assert (heat[-3:, :3] == 1.0).all()


@pytest.mark.parametrize("stretch", [1.0, 1.6, 3.0, 8.0])
def test_given_another_end_of_the_colour_scale_and_no_fault_when_mapped_then_nothing_is_hot(
    maps_model, stretch
):
    drawn = counts(np.random.default_rng(11))
    assert heat_of(maps_model, heat_map(drawn, stretch * drawn.max())).max() < 0.1


@pytest.mark.parametrize("stretch", [1.6, 3.0, 12.0])
def test_given_another_end_of_the_axis_and_no_fault_when_mapped_then_nothing_is_hot(
    bars_model, stretch
):
    drawn = heights(np.random.default_rng(11))
    assert heat_of(bars_model, bars(drawn, stretch * drawn.max())).max() < 0.1


def test_given_an_image_that_is_the_normal_when_mapped_then_the_map_is_zero():
    for image in (heat_map(counts(np.random.default_rng(1))), bars(np.arange(1.0, 21.0))):
        assert heat_of(model_of([image] * 3), image).max() == 0.0


def test_given_two_bars_of_which_one_is_hot_when_mapped_then_it_is_not_the_other_that_is_shown():
    rng = np.random.default_rng(4)
    session = model_of([bars(rng.poisson([5000, 4600]).astype(float)) for _ in range(12)])
    for hot in (0, 1):
        spoilt = np.array([5000.0, 4600.0])
        spoilt[hot] *= 12
        place = slice(40 + 100 * hot, 140 + 100 * hot)
        assert share(heat_of(session, bars(spoilt)), slice(40, 200), place) > 0.8


def test_given_a_hot_bar_beside_a_map_with_a_loss_when_mapped_then_both_are_shown():
    rng = np.random.default_rng(5)

    def both(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        halves = (heat_map(left)[:, ::2], bars(right)[:, ::2])
        return np.concatenate(halves, axis=1)

    session = model_of([both(counts(rng), heights(rng)) for _ in range(12)])
    lost, hot = counts(rng), heights(rng)
    lost[4:8, 6:14] = 0
    hot[12:14] = 10 * hot.max()
    heat = heat_of(session, both(lost, hot))
    rows, _ = pixels(4, 0, 4)
    loss = share(heat, rows, slice(50, 90))
    rise = share(heat, slice(40, 200), slice(240, 250))
    assert loss > 0.2
    assert rise > 0.2
    assert loss + rise > 0.9


def test_given_several_images_when_mapped_together_then_each_gets_its_own_map(maps_model):
    rng = np.random.default_rng(6)
    spoilt = counts(rng)
    spoilt[3, 3] = 12 * spoilt.max()
    images = np.stack([heat_map(counts(rng)), heat_map(spoilt)])
    together = maps_model.run(["maps"], {"image": images})[0][:, 1]
    alone = [heat_of(maps_model, image) for image in images]
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_given_any_canvas_when_pointed_then_maps_are_shares_whatever_the_image(seed):
    rng = np.random.default_rng(seed)
    usual = np.full((240, 320, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(12):
        top, left = rng.integers(0, 200), rng.integers(0, 280)
        high, wide = rng.integers(2, 90, 2)
        usual[top : top + high, left : left + wide] = rng.integers(0, 256, 3)
    moved = [np.clip(usual + rng.normal(0, 20, usual.shape), 0, 255) for _ in range(3)]
    good = [np.where(rng.random((240, 1, 1)) < 0.5, one, usual).astype(np.uint8) for one in moved]
    session = model_of(good)
    for image in (good[0], np.zeros_like(usual), rng.integers(0, 256, usual.shape, np.uint8)):
        heat = heat_of(session, image)
        assert np.isfinite(heat).all()
        assert heat.min() >= 0.0
        assert heat.max() <= 1.01


def test_given_maps_of_an_earlier_release_when_pointed_then_today_s_take_their_place(tmp_path):
    folder = DEMO_MODELS / read_index(DEMO_MODELS)["TOF_occupancy"]
    card, file = read_card(folder), tmp_path / "model.onnx"
    cells = (card.map_shape[0], card.map_shape[1])
    shutil.copy(folder / "model.onnx", file)
    assert not point_file(file, None, card.labels, cells)
    older = onnx.load(file)
    constant = next(one for one in older.graph.initializer if one.name == f"{MARK}floor")
    constant.CopyFrom(numpy_helper.from_array(np.float32(0.5), constant.name))
    file.write_bytes(older.SerializeToString())
    assert point_file(file, None, card.labels, cells)
    assert not point_file(file, None, card.labels, cells)
    sessions = [ort.InferenceSession(one.read_bytes()) for one in (file, folder / "model.onnx")]
    image = {"image": np.random.default_rng(1).integers(0, 255, (1, 240, 320, 3), np.uint8)}
    mine, shipped = (session.run(["maps"], image)[0] for session in sessions)
    np.testing.assert_array_equal(mine, shipped)


def test_given_a_canvas_without_panels_when_mapped_then_what_departs_counts_where_the_net_looks():
    session = model_of([np.full((240, 320, 3), 255, np.uint8)] * 3, corner=True)
    spoilt = np.full((240, 320, 3), 255, np.uint8)
    spoilt[216:, :24] = spoilt[:24, 296:] = (200, 0, 0)
    heat = heat_of(session, spoilt)
    assert share(heat, slice(216, 240), slice(0, 24)) > 0.9


def test_given_maps_of_another_grid_when_pointed_then_it_is_refused():
    reference = reference_of(np.stack([views_of(heat_map(counts(np.random.default_rng(1))))]))
    with pytest.raises(ModelError, match="expected maps that divide 60 x 80"):
        point(
            helper.make_graph([], "none", [], []),
            reference.mean,
            reference.allowance,
            colours="colour",
            labels=LABELS,
            cells=(7, 9),
        )


def test_given_a_graph_without_a_baseline_when_it_is_sought_then_it_says_so():
    with pytest.raises(ModelError, match="baseline of domain-cbam"):
        baseline_of(helper.make_graph([], "none", [], []))


def test_given_good_images_when_panels_are_sought_then_they_end_where_the_data_do():
    rng = np.random.default_rng(3)
    for draw in (lambda: heat_map(counts(rng)), lambda: bars(heights(rng))):
        reference = reference_of(np.stack([views_of(draw()) for _ in range(12)]))
        rows, columns = np.nonzero(panels_of(reference.mean) == 1)
        assert abs(rows.min() - 20) <= 2
        assert abs(rows.max() - 100) <= 2
        assert abs(columns.min() - 20) <= 2
        assert abs(columns.max() - 120) <= 2


def test_given_pixels_when_cut_by_median_then_groups_are_small_and_hold_every_pixel_once():
    colours = np.random.default_rng(1).uniform(0, 255, (1000, 3)).astype(np.float32)
    groups = median_cut(np.arange(1000), colours)
    assert max(len(group) for group in groups) <= GROUP
    assert sorted(np.concatenate(groups)) == list(range(1000))
    assert len(median_cut(np.arange(1000), np.ones((1000, 3), np.float32))) == 1
