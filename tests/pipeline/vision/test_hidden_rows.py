"""A model that does not see the title says the same whatever stands there."""

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("onnx")
from hydra_ioc.hiding import SETTING, hide_title
from hydra_ioc.release import DEMO_MODELS, read_index
from hydra_ioc.titles import TITLE_ROWS
from pipeline.errors import ModelError
from pipeline.vision.card import INPUT, MODEL_FILE, read_card
from pipeline.vision.hidden_rows import hide_top_rows
from pipeline.vision.normal import read_normal

pytestmark = pytest.mark.train
ROWS = TITLE_ROWS


def outputs(file: Path, images: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return session.run(None, {INPUT: images})


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Two images of the size of the models, and the same with something else in the title."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (2, 240, 320, 3)).astype(np.uint8)
    other = images.copy()
    other[0, :ROWS] = 255
    other[1, :ROWS] = rng.integers(0, 256, (ROWS, 320, 3))
    return images, other


@pytest.mark.parametrize("plot", sorted(read_index(DEMO_MODELS)))
def test_given_a_shipped_model_when_the_title_is_another_then_nothing_it_says_changes(
    plot: str, pictures: tuple[np.ndarray, np.ndarray]
) -> None:
    folder = DEMO_MODELS / read_index(DEMO_MODELS)[plot]
    assert read_card(folder).settings[SETTING] == ROWS

    one, another = (outputs(folder / MODEL_FILE, images) for images in pictures)

    for ours, theirs in zip(one, another, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_given_a_model_that_hides_its_title_when_hidden_again_then_it_is_the_same(
    tmp_path: Path,
) -> None:
    digest = next(iter(read_index(DEMO_MODELS).values()))

    assert hide_title(DEMO_MODELS / digest, tmp_path) == digest


def test_given_more_rows_than_there_are_when_hidden_then_it_is_refused(tmp_path: Path) -> None:
    folder = DEMO_MODELS / next(iter(read_index(DEMO_MODELS).values()))
    normal = read_normal(folder, read_card(folder))
    file = Path(shutil.copy(folder / MODEL_FILE, tmp_path))

    with pytest.raises(ModelError, match="less rows than it has"):
        hide_top_rows(file, normal, 240)
