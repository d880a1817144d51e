"""Network architectures by name, each with the three outputs of the card.

Needs the training extra (TensorFlow); serving never imports this module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import keras

from pipeline.errors import InputError
from pipeline.messages import Shape
from pipeline.vision.card import INPUT, OUTPUTS
from pipeline.vision.layers import Baseline, ClassMaps, cbam

DOMAIN: Final = "domain-cbam"


@dataclass(frozen=True, slots=True)
class Network:
    """A network in two parts and as a whole.

    The front is fixed before training, so its output is computed once for all
    images; only the body learns.
    """

    model: keras.Model
    """``image`` uint8 (N, H, W, C) -> the three outputs by name."""
    front: keras.Model
    """``image`` -> fields; nothing in it learns by gradient."""
    body: keras.Model
    """Fields -> the three outputs by name."""

    @property
    def baseline(self) -> Baseline | None:
        """The layer that must be adapted to the Good images, if there is one."""
        found = [layer for layer in self.front.layers if isinstance(layer, Baseline)]
        return found[0] if found else None


def build(name: str, labels: int, input_shape: Shape) -> Network:
    """Build an architecture with fresh weights.

    Args:
        name: One of ``names()``.
        labels: How many labels the output has.
        input_shape: Height, width and channels of the input, in pixels.

    Returns:
        The network; seed Keras beforehand for weights that can be made again.

    Raises:
        InputError: No such architecture, or the shape does not suit it.
    """
    if name not in _ARCHITECTURES:
        raise InputError(f"expected an architecture of {', '.join(names())}, received {name!r}")
    height, width, channels = input_shape
    if channels != 3 or height % 8 or width % 8 or min(height, width) < 32:
        raise InputError(
            "expected an input shape (H, W, 3) with H and W multiples of 8 from 32 on,"
            f" received {tuple(input_shape)}"
        )
    front_layers, backbone = _ARCHITECTURES[name]
    image = keras.Input(input_shape, dtype="uint8", name=INPUT)
    front = keras.Model(image, front_layers(image), name="front")
    fields = keras.Input(front.output.shape[1:], name="fields")
    body = keras.Model(fields, _head(backbone(fields), labels), name="body")
    return Network(keras.Model(image, body(front(image)), name=name), front, body)


def names() -> tuple[str, ...]:
    """Give the names of all architectures."""
    return tuple(_ARCHITECTURES)


def _head(features: Any, labels: int) -> dict[str, Any]:
    features = cbam(features, "attention")
    embedding = keras.layers.GlobalAveragePooling2D(name="embedding")(features)
    dense = keras.layers.Dense(labels, name="logits")
    probabilities = keras.layers.Softmax(name="probabilities")(dense(embedding))
    maps = ClassMaps(dense, name="maps")(features)
    return dict(zip(OUTPUTS, (probabilities, maps, embedding), strict=True))


def _departures(image: Any) -> Any:
    return Baseline(name="baseline")(image)


def _pixels(image: Any) -> Any:
    return keras.layers.Rescaling(1.0 / 127.5, offset=-1.0, name="scale")(image)


def _block(features: Any, filters: int, name: str, stride: int = 1, dilation: int = 1) -> Any:
    layers = keras.layers
    out = layers.Conv2D(
        filters, 3, stride, padding="same", dilation_rate=dilation, use_bias=False, name=name
    )(features)
    out = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(out)
    return layers.ReLU(name=f"{name}_relu")(out)


def _domain(fields: Any) -> Any:
    """A net of four convolutions that keeps maps of 1/8 of the size.

    Depthwise separable blocks have fewer multiplications but take longer to
    train and to run on a CPU at these sizes.
    """
    out = _block(fields, 24, "stem", stride=2)
    out = _block(out, 32, "middle", stride=2)
    out = cbam(out, "middle_attention")
    out = _block(out, 48, "wide", dilation=2)
    return _block(out, 64, "last", dilation=2)


def _inception(fields: Any) -> Any:
    return keras.applications.InceptionV3(
        include_top=False, weights=None, input_tensor=fields
    ).output


def _vgg(fields: Any) -> Any:
    return keras.applications.VGG16(include_top=False, weights=None, input_tensor=fields).output


_ARCHITECTURES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    DOMAIN: (_departures, _domain),
    "inceptionv3-cbam": (_pixels, _inception),
    "vgg16-cbam": (_pixels, _vgg),
}
