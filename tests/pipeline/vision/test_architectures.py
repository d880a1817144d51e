"""Architectures by name: one step of a training, exported, served, continued."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.vision.card import verify
from tests.pipeline.vision.toys import toys

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]
pytest.importorskip("tensorflow")


def resized(shape: tuple[int, int, int], count: int = 12):
    """Toy plots of the size of a network."""
    import dataclasses

    import cv2

    found = toys(count)
    images = np.stack([cv2.resize(image, (shape[1], shape[0])) for image in found.images])
    return dataclasses.replace(found, images=images, regions=None)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("vit-small", (32, 48, 3)),
        ("vgg16-cbam", (32, 32, 3)),
    ],
)
def test_given_an_architecture_when_trained_for_a_step_then_it_is_served_and_calibrated(
    name: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    from pipeline.vision.export import save
    from pipeline.vision.fitting import Settings
    from pipeline.vision.serving import load
    from pipeline.vision.training import load_body, predict, train

    dataset = resized(shape)
    settings = Settings(architecture=name, input_shape=shape, epochs=1, batch=6, validation=0.5)
    trained = train(dataset, settings, lambda _: None)
    digest = save(trained, tmp_path, ("toy",))
    served = load(tmp_path / digest).run(dataset.images)
    expected = predict(trained.network.model, dataset.images)
    assert np.allclose(served.probabilities, expected, atol=1e-4)
    card = verify(tmp_path / digest)
    assert card.architecture == name
    assert card.temperature == trained.calibration.temperature
    assert card.calibration_images == sum(map(sum, card.metrics.confusion))
    body = load_body(tmp_path / digest / "model.keras")
    assert [tuple(one.shape) for one in body.weights] == [
        tuple(one.shape) for one in trained.network.body.weights
    ]


def test_given_published_weights_when_trained_then_they_stay_until_the_anneal_epochs(
    tmp_path: Path,
) -> None:
    import keras

    from pipeline.vision.architectures import build
    from pipeline.vision.fitting import Settings
    from pipeline.vision.training import train

    shape = (32, 32, 3)
    theirs = keras.applications.VGG16(include_top=False, weights=None, input_shape=shape)
    file = tmp_path / "vgg16_notop.weights.h5"
    theirs.save_weights(file)
    kernel = theirs.get_layer("block1_conv1").kernel.numpy()
    settings = Settings(
        architecture="vgg16-cbam",
        input_shape=shape,
        epochs=1,
        batch=6,
        validation=0.5,
        weights=str(file),
    )
    network = train(resized(shape), settings, lambda _: None).network
    kept = network.body.get_layer("block1_conv1").kernel.numpy()
    assert np.array_equal(kept, kernel)
    with pytest.raises(InputError, match="does not hold the weights of inceptionv3-cbam"):
        build("inceptionv3-cbam", 3, (80, 80, 3), str(file))
    with pytest.raises(InputError, match="has no published ones"):
        build("vit-small", 3, (32, 48, 3), str(file))
