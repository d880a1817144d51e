"""From files, runs or hashes to references in force."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from db.audit_queries import Actor
from db.catalogue import Plot
from db.catalogue_queries import PlotRow, catalogue, plot_type
from db.engine import reading, writing
from db.reference_queries import RIGHT, NewReferences, add_references
from hydra_ioc.record import permit
from hydra_ioc.training_extra import need_training
from pipeline.config import Config
from pipeline.errors import CommandError, FileError, InputError
from pipeline.feeder.grammar import NO_RUN, Names
from pipeline.keeper.imagestore import ImageStore
from pipeline.messages import Shape
from pipeline.vision.preprocess import decode, picture, prepare

if TYPE_CHECKING:
    from pipeline.vision.references import Compiled

DEFAULT_THRESHOLD = 0.002
"""One false alarm in 500 good images, as far as the references are like them."""


def collect(
    engine: Engine,
    config: Config,
    plot: str,
    files: Sequence[Path],
    *,
    run: int | None,
    hashes: Sequence[str],
) -> dict[str, int]:
    """Bring reference images into the image store.

    Args:
        engine: The database.
        config: The deployment.
        plot: Name of the plot type.
        files: Images to be copied into the store.
        run: All kept images of this run too.
        hashes: SHA-256 of images that are in the store, or the first digits.

    Returns:
        Run by SHA-256, -1 where it is not known.

    Raises:
        CommandError: An image cannot be found.
        FileError: An image cannot be read.
    """
    store = ImageStore(config.under_state(config.keeper.images))
    with reading(engine) as session:
        target = plot_type(session, plot)
        file_type = target.file_type
        kept = {
            row.sha256: row.run
            for row in session.scalars(select(Plot).where(Plot.plot_type_id == target.id))
        }
    found: dict[str, int] = {}
    if run is not None:
        found |= {key: where for key, where in kept.items() if where == run}
        if not found:
            raise CommandError(f"no image of plot {plot} and run {run} is kept")
    for digits in hashes:
        matching = [key for key in kept if key.startswith(digits)]
        if len(matching) != 1:
            raise CommandError(
                f"expected one kept image of plot {plot} whose SHA-256 begins with"
                f" {digits!r:.80}, found {len(matching)}"
            )
        found[matching[0]] = kept[matching[0]]
    names = Names(config)
    for file in files:
        data = file.read_bytes()
        if len(data) > config.input.max_bytes:
            raise CommandError(f"{file} is over the limit of {config.input.max_bytes} bytes")
        decode(data, config.input.max_pixels)
        key = hashlib.sha256(data).hexdigest()
        store.keep(file, key, file_type)
        found[key] = kept[key] if key in kept else _run_of(names, file)
    return found


def _run_of(names: Names, file: Path) -> int:
    try:
        return names.parse(file).run
    except FileError:
        # A reference from elsewhere need not be named as this deployment names its own.
        return NO_RUN


def add(
    engine: Engine,
    config: Config,
    who: Actor,
    plot: str,
    images: dict[str, int],
    *,
    run_type: str = "",
    threshold: float = DEFAULT_THRESHOLD,
    severity: int = 1,
    decides: bool = True,
) -> tuple[int, bool]:
    """Compile references and take them into force.

    Args:
        engine: The database.
        config: The deployment.
        who: Who, from where and why.
        plot: Name of the plot type.
        images: From ``collect``.
        run_type: Kind of run they are of; empty for all.
        threshold: Similarity below which an image is unlike them.
        severity: 1 MINOR or 2 MAJOR, of an image unlike them.
        decides: Whether the plot's verdict depends on them.

    Returns:
        The version, and whether a backbone had its look.

    Raises:
        CommandError: Something cannot be used.
        NotPermitted: The user may not set references.
        InputError: The training extra is missing.
    """
    permit(engine, who, RIGHT, plot)
    choices = {"threshold": threshold, "run_type": run_type, "severity": severity}
    new, with_backbone = compiled(engine, config, plot, images, decides=decides, **choices)
    with writing(engine) as session:
        return add_references(session, who, plot, new), with_backbone


def compiled(
    engine: Engine, config: Config, plot: str, images: dict[str, int], **choices: Any
) -> tuple[NewReferences, bool]:
    """Make a model folder of kept images, not in force yet.

    Args:
        engine: The database.
        config: The deployment.
        plot: Name of the plot type.
        images: Run by SHA-256, -1 where unknown.
        choices: Further fields of ``NewReferences``.

    Returns:
        What was made, and whether a backbone had its look.

    Raises:
        InputError: The training extra or an image is missing.
    """
    with need_training():
        from pipeline.vision.references import (
            INPUT_SHAPE,
            PREPROCESSING,
            backbone_for,
            compile_references,
        )
    with reading(engine) as session:
        row = next(row for row in catalogue(session) if row.name == plot)
    shape = row.model.input_shape if row.model else INPUT_SHAPE
    preprocessing = row.model.preprocessing if row.model else PREPROCESSING
    made = compile_references(
        _tensors(config, row, images, preprocessing, shape),
        images,
        config.under_state(config.predict.models),
        plot,
        preprocessing=preprocessing,
        backbone=backbone_for(shape),
        picture=lambda key: _picture(config, row, key),
    )
    return _new(made, images, **choices), made.with_backbone


def _new(made: "Compiled", images: dict[str, int], **choices: Any) -> NewReferences:
    return NewReferences(
        digest=made.digest,
        labels=made.labels,
        input_shape=made.input_shape,
        preprocessing=made.preprocessing,
        images=images,
        typical=made.typical,
        **choices,
    )


def _tensors(
    config: Config, row: PlotRow, images: dict[str, int], preprocessing: str, shape: Shape
) -> dict[str, NDArray[np.uint8]]:
    """Read and prepare the kept images."""
    store = ImageStore(config.under_state(config.keeper.images))
    tensors = {}
    for key in images:
        path = store.path(key, row.file_type)
        if not path.exists():
            raise InputError(f"the image {key[:12]} of plot {row.name} is not in the store: {path}")
        pixels = decode(path.read_bytes(), config.input.max_pixels)
        tensors[key] = prepare(pixels, preprocessing, shape)
    return tensors


def _picture(config: Config, row: PlotRow, key: str) -> bytes:
    """Give a kept image as the screens show it."""
    store = ImageStore(config.under_state(config.keeper.images))
    pixels = decode(store.path(key, row.file_type).read_bytes(), config.input.max_pixels)
    return picture(pixels, config.input.picture_width)
