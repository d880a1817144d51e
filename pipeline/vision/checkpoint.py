"""An interrupted training on disk: written whole after every epoch, or not at all."""

import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

FILE: Final = "checkpoint.npz"
FITTED: Final = "fitted.keras"
Arrays = list[NDArray[Any]]


@dataclass(slots=True)
class Progressed:
    """How far a training has come, but for its arrays."""

    phase: int = 0
    """0: the epochs; 1: the anneal epochs."""
    epoch: int = 0
    """Epochs of the phase that are done."""
    best_loss: float = float("inf")
    waited: int = 0
    """Epochs without a better validation loss."""
    ended: bool = False
    """Whether the phase was stopped early."""
    curves: dict[str, list[float]] = field(default_factory=dict)


class Checkpoint:
    """The folder of one training."""

    def __init__(self, folder: Path, key: str) -> None:
        """Use a folder.

        Args:
            folder: Made if need be.
            key: Names the training: same images and settings, same key.
        """
        self._file = folder / FILE
        self.fitted = folder / FITTED
        """Where a net that is fitted lies until it is exported."""
        self._key = key

    def write(self, done: Progressed, model: Any, best: Arrays) -> None:
        """Write how far a training is.

        Raises:
            InputError: The disk refuses; what was written before stays.
        """
        arrays: dict[str, Any] = {
            **{f"w{n}": np.asarray(value) for n, value in enumerate(model.get_weights())},
            **{f"o{n}": np.asarray(value) for n, value in enumerate(model.optimizer.variables)},
            **{f"b{n}": value for n, value in enumerate(best)},
        }
        told = json.dumps({"key": self._key, "done": asdict(done)})
        draft = self._file.with_suffix(".draft")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as out:
                np.savez(out, told=np.frombuffer(told.encode(), np.uint8), **arrays)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise InputError(
                f"cannot write {self._file}: {error.strerror}; make room and go on with --resume"
            ) from error

    def read(self) -> tuple[Progressed, dict[str, NDArray[Any]]]:
        """Read how far the interrupted training came.

        Raises:
            InputError: There is none, it cannot be read, or it was another training.
        """
        try:
            with np.load(self._file, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            told = json.loads(arrays.pop("told").tobytes())
            if told["key"] != self._key:
                raise InputError(
                    f"{self._file} is of another training: images or settings have changed;"
                    " train without --resume"
                )
            return Progressed(**told["done"]), arrays
        except FileNotFoundError as error:
            raise InputError(
                "there is no interrupted training with these images and settings to resume;"
                " train without --resume"
            ) from error
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self._file} cannot be read: {error}; train without --resume"
            ) from error

    def remove(self) -> None:
        """Forget the training: it is done, or begins anew."""
        self._file.unlink(missing_ok=True)
        self._file.with_suffix(".draft").unlink(missing_ok=True)
        self.fitted.unlink(missing_ok=True)


def restore(model: Any, arrays: dict[str, NDArray[Any]]) -> Arrays:
    """Put a compiled model and its optimizer back to where they were.

    Args:
        model: Compiled.
        arrays: From ``Checkpoint.read``.

    Returns:
        The weights of the best epoch.
    """
    model.set_weights(_numbered(arrays, "w"))
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, _numbered(arrays, "o"), strict=True):
        variable.assign(value)
    return _numbered(arrays, "b")


def _numbered(arrays: dict[str, NDArray[Any]], letter: str) -> Arrays:
    count = sum(name.startswith(letter) for name in arrays)
    return [arrays[f"{letter}{index}"] for index in range(count)]
