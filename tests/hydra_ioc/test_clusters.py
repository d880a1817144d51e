"""Pictures of clusters: what the colours say."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb

pytest.importorskip("sklearn")
from hydra_ioc.clusters import UNKNOWN, cluster, draw, layout

pytestmark = pytest.mark.train


def drawn(folder: Path, places: np.ndarray, names: list, what: str) -> np.ndarray:
    file = folder / "map.png"
    draw(file, "P: images", places.astype(np.float32), names, what)
    return cv2.imread(str(file))[..., ::-1]


def share(image: np.ndarray, colour: str) -> int:
    wanted = np.array(to_rgb(colour)) * 255
    return int((np.abs(image - wanted).max(axis=-1) < 8).sum())


def colours(image: np.ndarray) -> int:
    """Different saturated colours inside the frame of the map."""
    inside = image[60:-30, 30:600].reshape(-1, 3).astype(int)
    vivid = inside[np.ptp(inside, axis=1) > 40] // 24
    return len(np.unique(vivid, axis=0))


def grid(count: int) -> np.ndarray:
    return np.column_stack([np.arange(count), np.arange(count) % 7])


def test_given_clusters_by_number_when_drawn_then_each_has_its_colour(tmp_path):
    image = drawn(tmp_path, grid(30), [str(n % 3) for n in range(30)], "cluster")
    for index in range(3):
        assert share(image, f"C{index}") > 100
    assert share(image, "C3") == 0


def test_given_beam_currents_when_drawn_then_a_scale_tells_them_and_unknown_ones_are_grey(
    tmp_path,
):
    currents = [None if n < 8 else 10.0 * n for n in range(40)]
    image = drawn(tmp_path, grid(40), currents, "beam current")
    assert share(image, UNKNOWN) > 100
    assert colours(image) > 8


def test_given_no_beam_current_at_all_when_drawn_then_every_image_is_grey(tmp_path):
    image = drawn(tmp_path, grid(20), [None] * 20, "beam current")
    assert share(image, UNKNOWN) > 200
    assert colours(image) == 0


def test_given_one_run_far_from_the_others_when_drawn_then_the_others_still_differ(tmp_path):
    image = drawn(tmp_path, grid(30), [*range(131458, 131487), 900_000], "run")
    assert colours(image) > 8


def test_given_few_beam_currents_when_drawn_then_each_has_its_colour(tmp_path):
    image = drawn(tmp_path, grid(30), [(0.0, 150.0, 225.5)[n % 3] for n in range(30)], "beam")
    for index in range(3):
        assert share(image, f"C{index}") > 100


def test_given_three_islands_when_clustered_and_laid_out_then_each_stays_together():
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(3), 20)
    vectors = (10 * np.eye(3, 8)[truth] + rng.normal(0, 0.3, (60, 8))).astype(np.float32)
    found = cluster(vectors)
    assert sorted(found.tried) == list(range(2, 13))
    assert all(len(set(found.members[truth == one].tolist())) == 1 for one in range(3))
    told: list[str] = []
    chosen, places = layout(found, told.append)
    assert (chosen.tolist(), told) == (list(range(60)), [])
    middles = np.stack([places[truth == one].mean(axis=0) for one in range(3)])
    nearest = np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == truth).all()
