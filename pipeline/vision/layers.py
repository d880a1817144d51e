"""Keras layers of our own: the baseline of a plot, attention, activation maps.

Needs the training extra (TensorFlow); serving never imports this module.
"""

from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

SPREAD_FLOOR: Final = 6.0
"""Added to the spread of a pixel, in grey levels.

A pixel that never changed in training has spread 0; a change of less than
this is the noise of the reduction and not worth a reaction.
"""
CLIP: Final = 6.0
"""Departures beyond this many allowances count as this many."""
VIEWS: Final = 5
"""Red, green, blue, darkest and brightest of 2 x 2 pixels."""
FIELD_CHANNELS: Final = VIEWS + 3
"""Channels the baseline makes of an RGB image."""


@keras.saving.register_keras_serializable(package="hydra")
class Baseline(keras.layers.Layer):
    """Compares an image with the Good images of its plot type.

    Known dead regions, axes, palettes and pad borders are the same in every
    Good image and vanish in the comparison; a region that died stands out.
    Every 2 x 2 pixels are seen in five views: their mean red, green and blue,
    their darkest and their brightest grey. The layer holds the mean of every
    view and the allowance (how far a Good image may depart: spread and
    floor), in whole grey levels so that a byte keeps either, and is fixed
    before training starts.

    Input: (N, H, W, 3), grey levels 0..255. Output: (N, H/2, W/2, 8) float32:
    the departures of the five views from their means in allowances, then red,
    green and blue themselves.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the two pictures, empty until ``adapt``."""
        height, width = (input_shape[1] or 0) // 2, (input_shape[2] or 0) // 2
        self.mean = self.add_weight(
            name="mean", shape=(height, width, VIEWS), initializer="zeros", trainable=False
        )
        self.allowance = self.add_weight(
            name="allowance", shape=(height, width, 1), initializer="ones", trainable=False
        )

    def adapt(self, images: NDArray[np.uint8], chosen: NDArray[np.int64]) -> None:
        """Learn mean and allowance of the Good images of the training runs.

        Args:
            images: (N, H, W, 3) uint8.
            chosen: Indices of the images that are shown, at least one.
        """
        total = np.zeros(self.mean.shape, np.float64)
        squares = np.zeros_like(total)
        for index in chosen:
            views = np.asarray(self.views(images[index : index + 1]), np.float64)[0]
            total += views
            squares += views * views
        mean = total / len(chosen)
        variance = np.maximum(squares / len(chosen) - mean * mean, 0.0)
        spread = np.sqrt(variance.max(axis=-1, keepdims=True))
        self.mean.assign(np.rint(mean))
        self.allowance.assign(np.clip(np.rint(spread + SPREAD_FLOOR), 1, 255))

    def views(self, image: Any) -> Any:
        """Give the five views (N, H/2, W/2, 5) in grey levels."""
        pixels = ops.cast(image, "float32")
        grey = ops.mean(pixels, axis=-1, keepdims=True)
        return ops.concatenate(
            [ops.average_pool(pixels, 2), -ops.max_pool(-grey, 2), ops.max_pool(grey, 2)], axis=-1
        )

    def call(self, image: Any) -> Any:
        """Compare; see the class."""
        views = self.views(image)
        departure = ops.clip((views - self.mean) / self.allowance, -CLIP, CLIP)
        return ops.concatenate([departure, views[..., :3] * (1.0 / 127.5) - 1.0], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Half the height and width, eight channels."""
        batch, height, width, _ = input_shape
        return (batch, (height or 0) // 2, (width or 0) // 2, FIELD_CHANNELS)


@keras.saving.register_keras_serializable(package="hydra")
class ClassMaps(keras.layers.Layer):
    """Class activation maps from the last feature map and the dense kernel.

    With global average pooling before a dense layer the gradient of a logit
    with respect to the feature map is the kernel over h x w, everywhere, so
    Grad-CAM is this product and needs no backward pass.

    Source:
        Zhou et al. 2016, arXiv:1512.04150 (CAM); Selvaraju et al. 2017,
        arXiv:1610.02391 section 3 (Grad-CAM generalises CAM).
    """

    def __init__(self, dense: keras.layers.Dense, **kwargs: Any) -> None:
        """Share the kernel of the layer that makes the logits."""
        super().__init__(**kwargs)
        self.dense = dense

    def call(self, features: Any) -> Any:
        """Give (N, C, h, w), at least 0, from features (N, h, w, K)."""
        cells = features.shape[1] * features.shape[2]
        maps = ops.matmul(features, self.dense.kernel) * (1.0 / cells)
        return ops.transpose(ops.relu(maps), (0, 3, 1, 2))

    def get_config(self) -> dict[str, Any]:
        """Describe the layer for saving."""
        return {**super().get_config(), "dense": keras.saving.serialize_keras_object(self.dense)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ClassMaps":
        """Make the layer again from its description."""
        dense = keras.saving.deserialize_keras_object(config.pop("dense"))
        return cls(dense, **config)


@keras.saving.register_keras_serializable(package="hydra")  # type: ignore[untyped-decorator]
def gelu(values: Any) -> Any:
    """Give the Gaussian error linear unit by its tangent form, of the shape of the input.

    The exact one becomes the complementary error function, which ONNX does not have.

    Source:
        Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.
    """
    return ops.gelu(values, approximate=True)


@keras.saving.register_keras_serializable(package="hydra")
class Places(keras.layers.Layer):
    """Adds to every token a learnt vector for its place. Input and output: (N, T, K)."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the vectors."""
        self.vectors = self.add_weight(
            name="vectors",
            shape=input_shape[1:],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )

    def call(self, tokens: Any) -> Any:
        """Add them."""
        return tokens + self.vectors


def cbam(features: Any, name: str, ratio: int = 8, kernel: int = 7) -> Any:
    """Weigh channels, then places, by what the feature map holds.

    Args:
        features: (N, h, w, K).
        name: Prefix of the layers' names.
        ratio: By how much the channel weights are squeezed.
        kernel: Width of the convolution over places, in cells.

    Returns:
        The weighed feature map, same shape.

    Source:
        Woo et al. 2018, arXiv:1807.06521.
    """
    layers = keras.layers
    channels = int(features.shape[-1])
    squeeze = layers.Dense(max(channels // ratio, 4), activation="relu", name=f"{name}_squeeze")
    excite = layers.Dense(channels, name=f"{name}_excite")
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(features)
    peak = layers.GlobalMaxPooling2D(keepdims=True, name=f"{name}_peak")(features)
    weight = layers.Add(name=f"{name}_sum")([excite(squeeze(mean)), excite(squeeze(peak))])
    weight = layers.Activation("sigmoid", name=f"{name}_channels")(weight)
    features = layers.Multiply(name=f"{name}_by_channel")([features, weight])
    places = layers.Concatenate(name=f"{name}_places_in")(
        [
            Reduce("mean", name=f"{name}_place_mean")(features),
            Reduce("max", name=f"{name}_place_max")(features),
        ]
    )
    places = layers.Conv2D(1, kernel, padding="same", activation="sigmoid", name=f"{name}_places")(
        places
    )
    return layers.Multiply(name=f"{name}_by_place")([features, places])


@keras.saving.register_keras_serializable(package="hydra")
class Reduce(keras.layers.Layer):
    """Mean or maximum over the channels."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        """Choose ``mean`` or ``max``."""
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, features: Any) -> Any:
        """Give (N, h, w, 1)."""
        reduce = {"mean": ops.mean, "max": ops.max}[self.kind]
        return reduce(features, axis=-1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        """Describe the layer for saving."""
        return {**super().get_config(), "kind": self.kind}
