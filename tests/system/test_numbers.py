"""A regression model from its file to the PVs: value, limits, alarm, record."""

import io
import sqlite3

import numpy as np
import onnx
import pytest
from PIL import Image

from hydra_ioc.bench.stand import wait_for
from pipeline.vision.card import MODEL_FILE, Limits, Quantity, file_digest
from tests.pipeline.models import make_model_folder, rewrite_card

pytestmark = pytest.mark.timeout(240)
PLOT = "Red_level"
HIHI, HIGH = 3, 4


def make_meter(store) -> str:
    """A model that gives 0.05 times the mean of the red channel."""
    folder = store / make_model_folder(store, labels=("red",), name="meter")
    model = onnx.load(folder / MODEL_FILE)
    for node in model.graph.node:
        if node.op_type == "Softmax":
            node.op_type = "Identity"
            del node.attribute[:]
    onnx.save(model, folder / MODEL_FILE)
    return rewrite_card(
        folder,
        kind="regression",
        quantity=Quantity(name="red", unit="mV", limits=Limits(high=5.0, hihi=8.0)),
        plots=(PLOT,),
        files={MODEL_FILE: file_digest(folder / MODEL_FILE)},
    )


def red(level: int, chunk: int) -> bytes:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[..., 0] = level
    pixels[0, 0, 1] = chunk
    with io.BytesIO() as data:
        Image.fromarray(pixels).save(data, "PNG")
        return data.getvalue()


def test_given_a_regression_model_when_images_come_then_its_number_alarms_over_libca(launch):
    stand, client = launch()
    store = stand.config.under_state(stand.config.predict.models)
    digest = make_meter(store)
    stand.command("plots", "add", PLOT)
    stand.command("plots", "model", PLOT, digest, "--probation")
    wait_for(lambda: client.get(f"{PLOT}:Value")["connected"], "the number's PV", 20)

    def drop(chunk: int, level: int) -> None:
        stand.drop(f"{PLOT}_{chunk:04d}.png", red(level, chunk))
        wait_for(lambda: client.get(f"{PLOT}:Chunk")["value"] == chunk, f"image {chunk}", 30)

    drop(1, 40)
    shown = client.get(f"{PLOT}:Value")
    assert shown["value"] == pytest.approx(2.0, abs=0.05)
    assert shown["severity"] == 0
    assert client.get(f"{PLOT}:Class")["text"] == "InRange"
    drop(2, 200)
    shown = client.get(f"{PLOT}:Value")
    assert shown["value"] == pytest.approx(10.0, abs=0.05)
    # On probation nothing is above MINOR.
    assert (shown["severity"], shown["status"]) == (1, HIHI)
    assert client.get(f"{PLOT}:Class")["text"] == "OutOfRange"
    assert ">= HIHI 8" in client.get(f"{PLOT}:Reason.VAL$")["text"]
    assert client.put(f"{PLOT}:Limit:HIHI", 20.0)["ok"]
    wait_for(lambda: client.get(f"{PLOT}:Value")["status"] == HIGH, "the new limit", 10)
    client.put(f"{PLOT}:Limit:HIHI", 1.0)
    assert client.get(f"{PLOT}:Value")["status"] == HIGH
    with sqlite3.connect(stand.config.state_dir / "hydra.db") as record:
        rows = record.execute("SELECT label, value FROM run_history ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["InRange", "OutOfRange"]
    assert rows[1][1] == pytest.approx(10.0, abs=0.05)
