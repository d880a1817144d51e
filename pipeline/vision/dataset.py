"""Labelled images for training: a folder with a table, split by run."""

import csv
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FileError, InputError, LabelError
from pipeline.messages import Shape
from pipeline.vision.preprocess import decode, prepare

FAULTS_SHOWN: Final = 10
"""How many faults of a table an error lists; a wrong table has one a line."""
FREE: Final = 0
TRAINING: Final = 1
VALIDATION: Final = -1
SPLITS_TRIED: Final = 500
"""Random splits tried before a set counts as impossible to split."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images of one plot type with their labels and runs."""

    images: NDArray[np.uint8]
    """(N, H, W, C), prepared for the model."""
    truth: NDArray[np.int64]
    """(N,) index into ``labels``."""
    runs: NDArray[np.int64]
    """(N,) run of each image."""
    labels: tuple[str, ...]
    names: tuple[str, ...]
    """Where each image comes from: file name, or seed of the simulation."""
    regions: NDArray[np.bool_] | None = None
    """(N, H / 8, W / 8), True where a fault shows; None when nobody knows."""
    pinned: NDArray[np.int8] | None = None
    """(N,) ``TRAINING`` or ``VALIDATION`` for images that a person pinned there,
    ``FREE`` for the others; None when all are free."""
    weights: NDArray[np.float32] | None = None
    """(N,) how much each image counts in training; None when all count the same."""

    def __len__(self) -> int:
        """How many images."""
        return len(self.truth)

    def take(self, chosen: NDArray[np.int64]) -> "Dataset":
        """Give the images of the given indices."""
        names = tuple(self.names[index] for index in chosen)
        regions = None if self.regions is None else self.regions[chosen]
        pinned = None if self.pinned is None else self.pinned[chosen]
        weights = None if self.weights is None else self.weights[chosen]
        return Dataset(
            self.images[chosen],
            self.truth[chosen],
            self.runs[chosen],
            self.labels,
            names,
            regions,
            pinned,
            weights,
        )

    def counts(self) -> dict[str, int]:
        """Count the images of each label."""
        found = Counter(self.truth.tolist())
        return {label: found[index] for index, label in enumerate(self.labels)}

    def digest(self) -> str:
        """Give the SHA-256 over the sorted names, runs and labels."""
        rows = sorted(
            f"{name}\t{run}\t{self.labels[index]}\n"
            for name, run, index in zip(self.names, self.runs, self.truth, strict=True)
        )
        return hashlib.sha256("".join(rows).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a label table."""

    file: Path
    label: str
    run: int


def read_table(folder: Path, table: Path, run_pattern: str) -> list[Row]:
    """Read a label table: CSV with the columns ``file``, ``label``, ``run``.

    Args:
        folder: Where the files of the table lie.
        table: The CSV file; further columns are ignored.
        run_pattern: Regular expression of the folder name that holds the run
            number, used when the table has no column ``run``.

    Returns:
        One row a line, in the table's order.

    Raises:
        InputError: Lists the faults of the table with their lines.
    """
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            columns = set(reader.fieldnames or ())
            if missing := {"file", "label"} - columns:
                raise InputError(
                    f"{table}: expected the columns file, label and run in the first line,"
                    f" {' and '.join(sorted(missing))} missing"
                )
            rows, faults = [], []
            for line in reader:
                try:
                    rows.append(_row(line, folder, run_pattern, "run" in columns))
                except InputError as error:
                    faults.append(f"line {reader.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read the label table {table}: {error}") from error
    repeated = [str(file) for file, times in Counter(r.file for r in rows).items() if times > 1]
    faults += [f"{name} is listed more than once" for name in repeated]
    if faults:
        raise InputError(_listed(f"{table} has {len(faults)} faults", faults))
    if not rows:
        raise InputError(f"{table} lists no image")
    return rows


def load_labelled(
    rows: list[Row],
    preprocessing: str,
    input_shape: Shape,
    max_pixels: int,
    labels: tuple[str, ...] = (),
) -> Dataset:
    """Decode and prepare the images of a label table.

    Args:
        rows: From ``read_table``.
        preprocessing: Name in ``pipeline.vision.preprocess``.
        input_shape: Height, width and channels for the model.
        max_pixels: Largest image accepted.
        labels: Labels of a model that knows all of the rows' labels; by
            default those of the rows, sorted, with Good first.

    Returns:
        The data set.

    Raises:
        FileError: Lists the images that cannot be read.
        LabelError: All images have one label.
    """
    if not labels:
        found = {row.label for row in rows}
        labels = tuple(sorted(found, key=lambda label: (label != "Good", label)))
    if len(labels) < 2:
        raise LabelError(
            f"expected images of at least 2 labels, all {len(rows)} are {labels[0]!r};"
            " a model that knows one label cannot judge: label examples of another"
        )
    # Not a list, which a stack would hold twice.
    images, faults = np.empty((len(rows), *input_shape), np.uint8), []
    for place, row in enumerate(rows):
        try:
            pixels = decode(row.file.read_bytes(), max_pixels)
            images[place] = prepare(pixels, preprocessing, input_shape)
        except OSError as error:
            faults.append(f"{row.file}: {error.strerror}")
        except FileError as error:
            faults.append(f"{row.file}: {error}")
    if faults:
        text = f"{len(faults)} of {len(rows)} images cannot be read; mend or unlist them"
        raise FileError("unreadable", _listed(text, faults))
    return Dataset(
        images,
        np.array([labels.index(row.label) for row in rows], np.int64),
        np.array([row.run for row in rows], np.int64),
        labels,
        tuple(row.file.name for row in rows),
    )


def split_by_run(
    dataset: Dataset, validation: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the images into training and validation, whole runs only.

    Two images of one run are alike in everything but the chunk; a split by
    image would test the model on what it has seen. Pinned images go where
    they are pinned, whatever becomes of their run.

    Args:
        dataset: The images.
        validation: Share of the runs for validation, between 0 and 1.
        seed: Makes the same split again.

    Returns:
        Indices of the training and of the validation images.

    Raises:
        InputError: No split has every label on both sides.
    """
    runs = np.unique(dataset.runs)
    size = max(1, round(validation * len(runs)))
    generator = np.random.default_rng(seed)
    everything = set(range(len(dataset.labels)))
    for _ in range(SPLITS_TRIED):
        chosen = generator.permutation(runs)[:size]
        held_out = np.isin(dataset.runs, chosen)
        if dataset.pinned is not None:
            held_out = np.where(dataset.pinned == FREE, held_out, dataset.pinned == VALIDATION)
        if everything == set(dataset.truth[held_out]) == set(dataset.truth[~held_out]):
            return np.flatnonzero(~held_out), np.flatnonzero(held_out)
    spread = {
        label: len(np.unique(dataset.runs[dataset.truth == index]))
        for index, label in enumerate(dataset.labels)
    }
    listed = ", ".join(f"{label}: {count}" for label, count in spread.items())
    raise InputError(
        "expected every label in at least one training run and one other validation run,"
        f" found no such split of {len(runs)} runs (runs by label: {listed});"
        " label images of more runs, or leave out the rare label"
    )


def _row(line: dict[str, str | None], folder: Path, run_pattern: str, has_run: bool) -> Row:
    name, label = (line["file"] or "").strip(), (line["label"] or "").strip()
    if not name or not label:
        raise InputError("expected a file and a label, one is empty")
    if len(label) > 25:
        raise InputError(f"label {label!r} is longer than the 25 characters of an EPICS state")
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"file {name!r} lies outside {folder}")
    if has_run:
        text = (line["run"] or "").strip()
        if not text.isdecimal() or len(text) > 18:
            raise InputError(f"expected a run number, received {text!r}")
        return Row(file, label, int(text))
    for part in reversed(file.parts[:-1]):
        if match := re.fullmatch(run_pattern, part):
            return Row(file, label, int(match[1]))
    raise InputError(f"no run number: add a column run, or put {name!r} into a folder of its run")


def _listed(text: str, faults: list[str]) -> str:
    shown = faults[:FAULTS_SHOWN]
    rest = len(faults) - len(shown)
    return "\n  ".join([f"{text}:", *shown, *([f"and {rest} more"] if rest else [])])
