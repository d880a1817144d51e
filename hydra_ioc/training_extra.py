"""The training extra: what is said when it is not installed."""

import contextlib
import logging
import os
from collections.abc import Iterator

from pipeline.errors import HydraError


class NoTraining(HydraError):  # noqa: N818 - the name is the sentence
    """The training extra is not installed."""


@contextlib.contextmanager
def need_training() -> Iterator[None]:
    """Import the libraries of the training extra within this context.

    Raises:
        NoTraining: One of them is missing; says how to install it.
    """
    # Remarks of TensorFlow and the converter on their own work, at every start.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    try:
        yield
    except ImportError as error:
        raise NoTraining(
            f"training needs {error.name}, which is not installed:"
            " 'make setup' installs it from the lock file"
        ) from error
