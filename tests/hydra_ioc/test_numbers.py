"""Regression models: from numbers in a table to a served number."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("sklearn")
from db.catalogue_queries import add_plot, catalogue
from db.data_set_queries import data_sets_of, taken_of
from db.engine import reading, writing
from db.novelty_queries import newest_novelties
from db.startup import upgrade
from db.training_records import images_of, training_of
from db.value_queries import give_value
from hydra_ioc.cli import cli
from hydra_ioc.record import open_record
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.vision.card import read_card
from pipeline.vision.serving import load

pytestmark = [pytest.mark.train, pytest.mark.timeout(120)]


def bar(height: int, rng: np.random.Generator) -> np.ndarray:
    image = np.full((240, 320, 3), 255, np.uint8)
    image[220 - height : 220, 60:260] = (30, 60, 200)
    return np.clip(image - rng.integers(0, 12, image.shape), 0, 255).astype(np.uint8)


def test_given_numbers_when_trained_activated_and_served_then_an_unseen_image_gets_its_number(
    tmp_path: Path,
) -> None:
    (tmp_path / "h.toml").write_text('state_dir = "var"\n')
    config = Config(state_dir=tmp_path / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, "bars")
    rng = np.random.default_rng(2)
    lines = ["plot,path,label,run,value"]
    cv2.imwrite(str(tmp_path / "without.png"), bar(50, rng)[..., ::-1])
    lines.append("bars,without.png,Good,99,")
    for index, height in enumerate(rng.integers(20, 200, 24)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), bar(height, rng)[..., ::-1])
        lines.append(f"bars,{index}.png,Good,{100 + index // 2},{height / 10}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))

    def call(*arguments: str) -> str:
        found = CliRunner().invoke(cli, ["--config", str(tmp_path / "h.toml"), *arguments])
        assert found.exit_code == 0, found.output + repr(found.exception)
        return found.output

    call("labels", "import", str(tmp_path / "labels.csv"))
    said = call("train-number", "bars", "--name", "height", "--unit", "cm", "--hihi", "18")
    digest = re.search(r"^model (\w+)$", said, re.MULTILINE)[1]
    assert "novelty: 24 images described" in said
    assert f"plots model bars {digest[:12]} --probation" in said
    shown = call("models", "show", digest[:12])
    assert "number height, root mean square error" in shown
    assert "limits hihi 18" in shown
    assert f"next: 'hydra-ioc models sign {digest[:12]} report-reviewed --why HOW'" in shown
    call("plots", "model", "bars", digest, "--probation")
    with reading(open_record(config)) as session:
        model = catalogue(session)[0].model
    assert (model.kind, model.quantity["unit"]) == ("regression", "cm")
    assert model.quantity["limits"]["hihi"] == 18
    folder = config.under_state(config.predict.models) / digest
    fresh = np.stack([bar(height, rng) for height in (40, 110, 180)])
    found = load(folder).run(fresh).probabilities[:, 0]
    assert np.abs(found - (4, 11, 18)).max() < 2.5, found
    assert read_card(folder).quantity.spread < 2.5
    _is_on_record(config, digest, call)


def _is_on_record(config: Config, digest: str, call: Callable[..., str]) -> None:
    """Its data set has the numbers, it tells novelty, and it can be made again after changes."""
    with reading(open_record(config)) as session:
        (row,) = data_sets_of(session, digest)
        items = taken_of(session, row).items
        training = training_of(session, digest)
        assert len(images_of(session, digest)) == 24
        assert newest_novelties(session)[training.model_id]
    assert (row.told, len(items)) == ("bars@1", 24)
    assert len({one.value for one in items}) > 12
    judged = training.judged[0]
    assert abs(judged["number"] - judged["given"]) < 5
    first = items[0]
    with writing(open_record(config)) as session:
        give_value(session, "bars", first.sha256, 99.0, "ann")
    assert digest in call("models", "remake", digest[:12])


@pytest.mark.parametrize("values", [[1.0] * 8, [1.0, 2.0]])
def test_given_numbers_that_teach_nothing_when_trained_then_it_is_refused(
    values: list[float],
) -> None:
    from pipeline.vision.backbone import shipped
    from pipeline.vision.regression import train_number

    images = np.zeros((len(values), 240, 320, 3), np.uint8)
    with pytest.raises(InputError, match="with different numbers"):
        train_number(shipped(), images, np.array(values), np.arange(len(values)))
