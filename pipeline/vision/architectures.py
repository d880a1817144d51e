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
from pipeline.vision.layers import Baseline, ClassMaps, Places, cbam, gelu

DOMAIN: Final = "domain-cbam"
SETTLING: Final = 0.9
"""Momentum of averages of batches: settled after some twenty steps of a training.

Source:
    S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015; their averages settle over thousands.
"""
VIT_PATCH: Final = 16
VIT_WIDTH: Final = 96
VIT_BLOCKS: Final = 4
VIT_HEADS: Final = 4
"""Sizes of ``vit-small``: below ViT-Ti (12 blocks of 192), which a few hundred images
cannot fill."""


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


def build(name: str, labels: int, input_shape: Shape, weights: str = "") -> Network:
    """Build an architecture with fresh weights.

    Args:
        name: One of ``names()``.
        labels: How many labels the output has.
        input_shape: Height, width and channels of the input, in pixels.
        weights: File of weights of the published network (Keras, without its
            top); its layers are frozen then. Empty for fresh weights.

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
    features = _pretrained(name, fields, weights) if weights else backbone(fields)
    body = keras.Model(fields, _head(features, labels), name="body")
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
    out = layers.BatchNormalization(momentum=SETTLING, name=f"{name}_norm")(out)
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


def _pretrained(name: str, fields: Any, weights: str) -> Any:
    if name not in _PUBLISHED:
        raise InputError(
            f"weights from a file are for {', '.join(_PUBLISHED)}; {name} has no published ones"
        )
    try:
        base = _PUBLISHED[name](include_top=False, weights=weights, input_tensor=fields)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{weights} does not hold the weights of {name}: {error}") from error
    base.trainable = False
    return base.output


def _inception(fields: Any) -> Any:
    base = keras.applications.InceptionV3(include_top=False, weights=None, input_tensor=fields)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # The usual 0.99 needs hundreds of steps before the averages that it judges with are
            # those of the images: after 60 it calls all of them alike.
            layer.momentum = SETTLING
    return base.output


def _vgg(fields: Any) -> Any:
    return keras.applications.VGG16(include_top=False, weights=None, input_tensor=fields).output


def _vit(fields: Any) -> Any:
    """A small vision transformer; its patch tokens, back in their places, are the maps.

    Source:
        Dosovitskiy et al. 2020, arXiv:2010.11929; the tokens are averaged
        instead of read from a class token, so that the maps are exact.
    """
    layers = keras.layers
    patches = layers.Conv2D(VIT_WIDTH, VIT_PATCH, VIT_PATCH, padding="same", name="patches")(fields)
    rows, columns = int(patches.shape[1]), int(patches.shape[2])
    tokens = layers.Reshape((rows * columns, VIT_WIDTH), name="tokens")(patches)
    tokens = Places(name="places")(tokens)
    for block in range(VIT_BLOCKS):
        name = f"block{block}"
        seen = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_before")(tokens)
        heads = layers.MultiHeadAttention(VIT_HEADS, VIT_WIDTH // VIT_HEADS, name=f"{name}_heads")
        tokens = layers.Add(name=f"{name}_look")([tokens, heads(seen, seen)])
        thought = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_between")(tokens)
        thought = layers.Dense(2 * VIT_WIDTH, activation=gelu, name=f"{name}_widen")(thought)
        thought = layers.Dense(VIT_WIDTH, name=f"{name}_narrow")(thought)
        tokens = layers.Add(name=f"{name}_think")([tokens, thought])
    tokens = layers.LayerNormalization(epsilon=1e-6, name="last")(tokens)
    return layers.Reshape((rows, columns, VIT_WIDTH), name="features")(tokens)


_ARCHITECTURES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    DOMAIN: (_departures, _domain),
    "inceptionv3-cbam": (_pixels, _inception),
    "vgg16-cbam": (_pixels, _vgg),
    "vit-small": (_pixels, _vit),
}
_PUBLISHED: dict[str, Any] = {
    "inceptionv3-cbam": keras.applications.InceptionV3,
    "vgg16-cbam": keras.applications.VGG16,
}
