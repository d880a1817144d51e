"""Which images are kept at random: chosen before the verdict, the same at every try."""

import hashlib
from typing import Final

_SCALE: Final = 2.0**-64


def is_chosen(sha256: str, plot: str, salt: str, fraction: float) -> bool:
    """Choose images without bias.

    The choice depends on the image's own bytes and on nothing the model says,
    and an image that is sent again is chosen again.

    Args:
        sha256: Hash of the file's bytes, hexadecimal.
        plot: Name of the plot type.
        salt: Same for a whole deployment, so that two deployments that see the
            same images choose independently.
        fraction: Share of images to choose, 0..1; 0 chooses none, 1 all.

    Returns:
        Whether the image belongs to the sample.
    """
    text = "\0".join((salt, plot, sha256)).encode()
    drawn = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") * _SCALE
    return drawn < fraction
