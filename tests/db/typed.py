"""Commands on a deployment of their own, as they are typed."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner, Result

from hydra_ioc.cli import cli
from pipeline.config import Config
from pipeline.vision.card import Metrics, ModelCard, file_digest, write_card
from tests.db.samples import digest


def run(config_file: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config_file), *words])


def done(config_file: Path, *words: str) -> str:
    result = run(config_file, *words)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def image(path: Path, shade: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.full((8, 8, 3), shade, np.uint8))[1].tobytes())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_folder(config: Config, plot: str, note: str = "") -> Path:
    store = config.under_state(config.predict.models)
    folder = store / "new"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    card = ModelCard(
        name="domain-cbam",
        plots=(plot,),
        architecture="domain-cbam",
        labels=("Good", "Bad"),
        input_shape=(300, 400, 3),
        preprocessing="area-rgb",
        map_shape=(4, 4),
        embedding_size=8,
        thresholds={"Good": 0.3, "Bad": 0.6},
        training_runs=(1,),
        validation_runs=(2,),
        training_counts={"Good": 5, "Bad": 5},
        training_set=digest("set"),
        metrics=Metrics(confusion=((5, 0), (0, 5)), loss=0.1, epochs=2),
        seed=1,
        created="2026-11-01T12:00:00+00:00",
        versions={},
        note=note,
        files={"model.onnx": file_digest(folder / "model.onnx")},
    )
    return folder.rename(store / write_card(folder, card))
