"""From toy images to a served model that judges them."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.errors import InputError, LabelError, ModelError
from pipeline.vision.card import verify
from pipeline.vision.dataset import FREE, TRAINING, VALIDATION
from tests.pipeline.vision.toys import LABELS, SHAPE, toy, toys

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]
pytest.importorskip("tensorflow")


def fresh_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(77)
    truth = np.arange(count) % 3
    return np.stack([toy(LABELS[index], rng) for index in truth]), truth


def test_given_toy_plots_when_trained_exported_and_served_then_new_ones_are_judged_right(
    toy_store: tuple[Path, str],
) -> None:
    from pipeline.vision.serving import load

    store, digest = toy_store
    images, truth = fresh_images(30)
    outputs = load(store / digest).run(images)
    assert (outputs.probabilities.argmax(axis=1) == truth).mean() >= 0.95
    assert outputs.maps.shape == (30, 3, 8, 12)
    assert outputs.embedding.shape == (30, 64)


def test_given_an_export_when_compared_then_onnx_runtime_agrees_with_keras(
    trained_toy, toy_store: tuple[Path, str]
) -> None:
    from pipeline.vision.serving import load

    store, digest = toy_store
    images, _ = fresh_images(12)
    served = load(store / digest).run(images)
    expected = trained_toy[0].network.model(images, training=False)
    # The export compares maps itself, before it lets them count where an image departs.
    for name in ("probabilities", "embedding"):
        assert np.allclose(getattr(served, name), expected[name].numpy(), atol=1e-5), name
    assert served.maps.shape == expected["maps"].shape


def test_given_a_training_when_it_runs_then_every_epoch_is_told(trained_toy) -> None:
    lines = trained_toy[1]
    assert len(lines) == 10
    assert lines[0].startswith("epoch 1/10: loss ")
    assert "validation loss" in lines[-1]


def test_given_few_validation_images_when_trained_then_the_temperature_stays_near_one(
    trained_toy,
) -> None:
    found = trained_toy[0].calibration
    assert found.images < 40
    assert 0.5 < found.temperature < 2


def test_given_a_net_when_kept_for_another_process_then_its_export_is_the_same(
    trained_toy, toy_store: tuple[Path, str], tmp_path: Path
) -> None:
    import onnx

    from pipeline.vision.export import save
    from pipeline.vision.training import load_network, save_network

    kept = tmp_path / "kept" / "fitted.keras"
    save_network(trained_toy[0].network, kept)
    read = dataclasses.replace(trained_toy[0], network=load_network(kept))
    again = tmp_path / "m" / save(read, tmp_path / "m", ("toy",), kept=kept)

    store, digest = toy_store
    assert (again / "model.keras").read_bytes() == (store / digest / "model.keras").read_bytes()
    one, other = (onnx.load(folder / "model.onnx").graph for folder in (again, store / digest))
    # What the converter calls the number of images counts up within a process.
    assert list(one.node) == list(other.node)
    assert list(one.initializer) == list(other.initializer)


def test_given_a_card_when_read_then_it_tells_the_training(toy_store: tuple[Path, str]) -> None:
    store, digest = toy_store
    card = verify(store / digest)
    assert card.labels == LABELS
    assert card.input_shape == SHAPE
    assert card.plots == ("toy",)
    assert not set(card.training_runs) & set(card.validation_runs)
    assert sum(card.training_counts.values()) + sum(map(sum, card.metrics.confusion)) == 120
    assert set(card.files) == {"model.onnx", "model.keras", "normal.png", "judged.json"}
    assert {"keras", "onnx", "python"} <= set(card.versions)


def test_given_a_card_of_other_sizes_when_loaded_then_the_model_is_refused(
    toy_store: tuple[Path, str], tmp_path: Path
) -> None:
    from pipeline.vision.card import read_card, write_card
    from pipeline.vision.serving import load

    store, digest = toy_store
    folder = tmp_path / "fresh"
    folder.mkdir()
    for name in read_card(store / digest).files:
        (folder / name).write_bytes((store / digest / name).read_bytes())
    card = msgspec.structs.replace(read_card(store / digest), input_shape=(64, 104, 3))
    folder = folder.rename(tmp_path / write_card(folder, card))
    with pytest.raises(ModelError):
        load(folder)


@pytest.mark.parametrize("label", range(3))
def test_given_a_label_when_mapped_by_gradients_then_the_map_output_is_the_same(
    trained_toy, label: int
) -> None:
    from pipeline.vision.examples import front_fields
    from pipeline.vision.maps import grad_cam

    network = trained_toy[0].network
    fields = front_fields(network.front, fresh_images(6)[0]).astype(np.float32)
    by_gradients = grad_cam(network.body, fields, label)
    by_product = network.body(fields, training=False)["maps"].numpy()[:, label]
    assert by_gradients.max() > 0
    assert np.abs(by_gradients - by_product).max() <= 1e-5 * by_gradients.max()


def test_given_a_region_dead_in_training_when_mapped_then_the_heat_is_on_the_new_one(
    toy_store: tuple[Path, str],
) -> None:
    from pipeline.vision.serving import load

    store, digest = toy_store
    rng = np.random.default_rng(4)
    image = toy("Good", rng)
    image[32:48, 16:36] = 255
    heat = load(store / digest).run(image[None]).maps[0, 1]
    known = heat[2:3, 7:9].sum()  # rows 18..28, columns 58..78 of 64 x 96 are always dead
    new = heat[3:7, 1:6].sum()
    assert new > 0.5 * heat.sum()
    assert known < 0.1 * heat.sum()


def test_given_the_same_seed_when_trained_twice_then_the_weights_are_the_same() -> None:
    from pipeline.vision.fitting import Settings
    from pipeline.vision.training import train

    settings = Settings(input_shape=SHAPE, epochs=1, batch=16)
    first, again = (train(toys(48), settings, lambda _: None) for _ in range(2))
    for one, other in zip(first.network.model.weights, again.network.model.weights, strict=True):
        assert np.array_equal(one.numpy(), other.numpy()), one.name


def test_given_images_of_one_run_pinned_to_both_sides_when_trained_then_the_run_is_not_held_out():
    from pipeline.vision.fitting import Settings
    from pipeline.vision.training import train

    dataset = toys(48)
    pinned = np.full(len(dataset), FREE, np.int8)
    one = np.flatnonzero(dataset.runs == dataset.runs[0])
    pinned[one[0]], pinned[one[1:]] = VALIDATION, TRAINING
    settings = Settings(input_shape=SHAPE, epochs=1, batch=16)
    trained = train(replace(dataset, pinned=pinned), settings, lambda _: None)
    assert one[0] in trained.held_out
    assert not set(trained.training_runs) & set(trained.validation_runs)
    assert dataset.runs[0] in trained.training_runs


def test_given_an_export_that_is_interrupted_when_the_store_is_read_then_nothing_is_there(
    trained_toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.vision import export, packing

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(packing, "write_card", stop)
    with pytest.raises(KeyboardInterrupt):
        export.save(trained_toy[0], tmp_path, ("toy",))
    assert list(tmp_path.iterdir()) == []


def test_given_an_export_that_computes_something_else_when_saved_then_it_is_refused(
    trained_toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.vision import export

    write = export.to_onnx

    def of_another_model(model, file: Path) -> None:
        from pipeline.vision.architectures import build

        write(build("domain-cbam", 3, SHAPE).model, file)

    monkeypatch.setattr(export, "to_onnx", of_another_model)
    with pytest.raises(ModelError, match="disagrees with Keras"):
        export.save(trained_toy[0], tmp_path, ("toy",))
    assert list(tmp_path.iterdir()) == []


def test_given_a_trained_model_when_continued_then_its_weights_are_the_start(
    toy_store: tuple[Path, str],
) -> None:
    from pipeline.vision.architectures import build
    from pipeline.vision.training import copy_weights, load_body

    store, digest = toy_store
    body = load_body(store / digest / "model.keras")
    network = build("domain-cbam", 3, SHAPE)
    copy_weights(body, network.body)
    assert np.array_equal(
        body.get_layer("logits").kernel.numpy(), network.body.get_layer("logits").kernel.numpy()
    )
    with pytest.raises(InputError, match="another architecture or number of labels"):
        copy_weights(body, build("domain-cbam", 2, SHAPE).body)


def test_given_no_keras_file_when_continued_then_it_says_why(tmp_path: Path) -> None:
    from pipeline.vision.training import load_body

    with pytest.raises(ModelError, match="only where it was trained"):
        load_body(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 not a model")
    with pytest.raises(ModelError, match="is not a model of ours"):
        load_body(tmp_path / "model.keras")


def test_given_two_plot_types_when_trained_together_then_each_gets_its_own_baseline() -> None:
    from pipeline.vision.fitting import Settings
    from pipeline.vision.merged import train_merged

    settings = Settings(input_shape=SHAPE, epochs=2, batch=16)
    polish = Settings(input_shape=SHAPE, epochs=1, batch=16, learning_rate=5e-4)
    sets = {"one": toys(48, seed=1), "two": toys(48, seed=2)}
    lines: list[str] = []
    found = train_merged(sets, settings, polish, lines.append)
    means = [found[plot].network.baseline.mean.numpy() for plot in sets]
    assert not np.array_equal(*means)
    assert [line.split(":")[0] for line in lines[1:]] == ["epoch 1/2", "epoch 2/2", "one", "two"]
    assert found["one"].settings.epochs == 3


def test_given_other_labels_when_trained_together_then_it_is_refused() -> None:
    from pipeline.vision.dataset import Dataset
    from pipeline.vision.fitting import Settings
    from pipeline.vision.merged import train_merged

    one = toys(24)
    other = Dataset(one.images, one.truth, one.runs, ("Good", "Bad", "LED"), one.names)
    with pytest.raises(LabelError, match="same labels"):
        train_merged({"a": one, "b": other}, Settings(), Settings(), lambda _: None)


@pytest.mark.parametrize(
    ("name", "shape", "maps"),
    [
        ("domain-cbam", (240, 320, 3), (30, 40)),
        ("inceptionv3-cbam", (96, 96, 3), (1, 1)),
        ("vgg16-cbam", (64, 64, 3), (2, 2)),
    ],
)
def test_given_a_name_when_built_then_the_three_outputs_are_there(
    name: str, shape: tuple[int, int, int], maps: tuple[int, int]
) -> None:
    from pipeline.vision.architectures import build

    outputs = build(name, 4, shape).model(np.zeros((1, *shape), np.uint8))
    assert list(outputs) == ["probabilities", "maps", "embedding"]
    assert outputs["probabilities"].shape == (1, 4)
    assert outputs["maps"].shape == (1, 4, *maps)
    assert float(outputs["probabilities"].numpy().sum()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("name", "side"), [("domain-cbam", 64), ("inceptionv3-cbam", 80)])
def test_given_fifty_steps_when_a_net_judges_then_its_averages_are_those_of_what_it_saw(
    name: str, side: int
) -> None:
    import keras

    from pipeline.vision.architectures import build

    body = build(name, 2, (side, side, 3)).body
    layers = [
        one for one in body._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)
    ]
    assert layers
    assert all(one.momentum**50 < 0.01 for one in layers)


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        ("resnet", (240, 320, 3), "expected an architecture of domain-cbam"),
        ("domain-cbam", (241, 320, 3), "multiples of 8"),
        ("domain-cbam", (240, 320, 1), r"\(H, W, 3\)"),
    ],
)
def test_given_what_cannot_be_built_when_asked_then_it_says_what_can(
    name: str, shape: tuple[int, int, int], reason: str
) -> None:
    from pipeline.vision.architectures import build

    with pytest.raises(InputError, match=reason):
        build(name, 3, shape)


def test_given_a_model_when_the_cost_of_its_maps_is_measured_then_it_is_a_ratio(
    toy_store: tuple[Path, str],
) -> None:
    from pipeline.vision.maps import map_overhead

    store, digest = toy_store
    found = map_overhead(store / digest, rounds=10)
    assert found.with_map_ms > 0
    assert found.without_map_ms > 0
    assert -0.9 < found.ratio < 9.0


def test_given_maps_when_their_heat_is_weighed_then_cold_costs_most_and_inside_least() -> None:
    from pipeline.vision.fitting import heat_outside

    regions = np.zeros((4, 2, 4, 4), np.float32)
    regions[:3, 1, :2] = 1.0  # the fourth image has no known region
    maps = np.zeros_like(regions)
    maps[0, 1, :2] = 1.0
    maps[1, 1, 2:] = 1.0
    inside, outside, cold, unknown = np.asarray(heat_outside(regions, maps))
    assert inside == pytest.approx(0.0, abs=0.02)
    assert cold == outside > 5.0
    assert unknown == 0.0


def test_given_odds_when_good_is_favoured_then_the_probabilities_follow_bayes(trained_toy) -> None:
    from pipeline.vision.architectures import build
    from pipeline.vision.training import favour_good

    network = build("domain-cbam", 3, SHAPE)
    images, _ = fresh_images(5)
    before = network.model(images, training=False)["probabilities"].numpy()
    favour_good(network.body, LABELS, 5.0)
    after = network.model(images, training=False)["probabilities"].numpy()
    expected = before * np.array([5.0, 1.0, 1.0])
    assert np.allclose(after, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)
