"""Models of somebody else's: taken without touching code, refused when hostile."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from db.catalogue_queries import add_plot, catalogue  # noqa: E402
from db.engine import reading, writing  # noqa: E402
from db.palette_queries import LabelRow, define_label  # noqa: E402
from db.startup import upgrade  # noqa: E402
from hydra_ioc.cli import cli  # noqa: E402
from hydra_ioc.record import actor, open_record  # noqa: E402
from pipeline.config import Config  # noqa: E402
from pipeline.errors import HydraError, ModelError  # noqa: E402

pytestmark = pytest.mark.train
CARD = {
    "name": "pets",
    "plots": ["pets"],
    "labels": ["Dog", "Cat"],
    "input_shape": [16, 24, 3],
    "layout": "NCHW",
    "order": "BGR",
    "scale": 1 / 255,
    "mean": [0.5, 0.5, 0.5],
    "activation": "softmax",
}


def foreign(file: Path, *, domain="", value=1.0, outputs=2, external=False, where="body") -> Path:
    """Write a model that calls an image a dog when it is blue, a cat when it is red."""
    kernel = np.zeros((3, outputs), np.float32)
    kernel[0, 0] = kernel[2, 1] = 8 * value
    constant = numpy_helper.from_array(kernel, "kernel")
    if external:
        constant.ClearField("raw_data")
        constant.data_location = TensorProto.EXTERNAL
        entry = constant.external_data.add()
        entry.key, entry.value = "location", "../../../etc/passwd"
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "kernel"], ["y"], domain=domain),
        ],
        where,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 3, 16, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", outputs])],
        [constant],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    file.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    )
    return file


def take(tmp_path: Path, file: Path, **changes: object) -> str:
    from hydra_ioc.foreign import import_model
    from hydra_ioc.foreign_card import read_foreign_card

    card = tmp_path / "card.json"
    card.write_text(json.dumps({**CARD, **changes}))
    return import_model(file, read_foreign_card(card), tmp_path / "store")


def test_given_a_tiny_model_of_pets_when_imported_then_it_tells_a_dog_from_a_cat(
    tmp_path: Path,
) -> None:
    config_file = tmp_path / "h.toml"
    config_file.write_text('state_dir = "var"\n')
    config = Config(state_dir=tmp_path / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        for label in ("Dog", "Cat"):
            define_label(session, actor(), LabelRow(label, "#123456", 0, 0))
        add_plot(session, "pets", labels=("Dog", "Cat"))
    card = tmp_path / "card.json"
    card.write_text(json.dumps(CARD))
    file = foreign(tmp_path / "pets.onnx")

    def call(*arguments: str) -> str:
        found = CliRunner().invoke(cli, ["--config", str(config_file), *arguments])
        assert found.exit_code == 0, found.output + repr(found.exception)
        return found.output

    digest = call("model", "import", str(file), "--card", str(card)).split()[1]
    call("plots", "model", "pets", digest, "--probation")
    with reading(open_record(config)) as session:
        assert catalogue(session)[0].model.digest == digest
    from pipeline.vision.serving import load

    images = np.zeros((2, 16, 24, 3), np.uint8)
    images[0, ..., 2] = images[1, ..., 0] = 255  # blue, red
    outputs = load(config.under_state(config.predict.models) / digest).run(images)
    assert outputs.probabilities.argmax(axis=1).tolist() == [0, 1]
    assert outputs.maps.shape == (2, 2, 0, 0)
    assert outputs.embedding.shape == (2, 0)


@pytest.mark.parametrize(
    ("model", "card", "said"),
    [
        ({"domain": "evil.ops"}, {}, "not of the standard"),
        ({"external": True}, {}, "lie in other files"),
        ({"value": float("nan")}, {}, "not finite"),
        ({"outputs": 3}, {}, "does not fit its card"),
        ({}, {"activation": "none"}, "does not give probabilities"),
        ({}, {"maps": "heat"}, "there is no output 'heat'"),
        ({}, {"input_shape": [32, 32, 3]}, "does not run|does not fit"),
        ({}, {"std": [0, 1, 1]}, "std not 0"),
        ({}, {"labels": ["Dog"]}, "at least two labels"),
        ({}, {"code": "import os"}, "is not a card"),
    ],
)
def test_given_a_model_or_card_that_cannot_be_when_imported_then_it_is_refused_and_nothing_stays(
    tmp_path: Path, model: dict, card: dict, said: str
) -> None:
    file = foreign(tmp_path / "pets.onnx", **model)
    with pytest.raises(ModelError, match=said):
        take(tmp_path, file, **card)
    store = tmp_path / "store"
    assert not store.exists() or list(store.iterdir()) == []


@pytest.mark.parametrize("name", ["model.pkl", "model.h5", "model.onnx"])
def test_given_a_file_that_is_no_model_when_imported_then_it_is_refused(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(HydraError, match=r"expected a file|is not an ONNX model"):
        take(tmp_path, tmp_path / name)


def test_given_a_keras_file_when_imported_then_it_judges_as_it_did(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    from pipeline.vision.serving import load

    keras.utils.set_random_seed(3)
    theirs = keras.Sequential(
        [
            keras.Input((16, 24, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    file = tmp_path / "pets.keras"
    theirs.save(file)
    own = {"layout": "NHWC", "order": "RGB", "activation": "none", "mean": [0.0, 0.0, 0.0]}
    digest = take(tmp_path, file, **own)
    images = np.random.default_rng(1).integers(0, 256, (3, 16, 24, 3), np.uint8)
    found = load(tmp_path / "store" / digest).run(images).probabilities
    assert np.allclose(found, theirs(images.astype(np.float32) / 255).numpy(), atol=1e-4)


def test_given_a_keras_file_with_code_when_imported_then_it_is_refused(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    image = keras.Input((16, 24, 3))
    mean = keras.layers.Lambda(lambda x: x[:, 0, 0, :2])(image)
    keras.Model(image, mean).save(tmp_path / "pets.keras")
    with pytest.raises(ModelError, match="must hold no Lambda layer"):
        take(tmp_path, tmp_path / "pets.keras", layout="NHWC")
    assert not (tmp_path / "store").exists()
