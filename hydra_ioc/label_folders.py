"""Labels as folders: every image lies in a folder that is named after its label."""

from pathlib import Path, PurePath

from db.label_queries import NewLabel
from hydra_ioc.discovery import files_of
from hydra_ioc.label_files import Faults, Line, digest_of
from pipeline.config import Config
from pipeline.errors import FileError, LabelError
from pipeline.feeder.grammar import FILE_TYPES, Names, Sighting
from pipeline.vision.dataset import Row, read_table

TABLE = "labels.csv"
"""Table of a folder that holds one; others are taken as folders of labels."""


def read_folder(folder: Path, names: Names, user: str) -> list[Line]:
    """Read the labels of images from the folders that they lie in.

    Args:
        folder: Holds a folder of every label, with images at any depth; further
            folders between may tell period and run, as the grammar says.
        names: The grammar of the deployment, which tells the plot type.
        user: Who labelled.

    Returns:
        A line for each image, in the order of their paths.

    Raises:
        LabelError: Lists every file that tells no plot or no label; there is no image.
    """
    faults = Faults(folder)
    lines: list[Line] = []
    for number, path in enumerate(_images(folder), start=1):
        with faults.of(str(path)):
            source = folder / path
            label = NewLabel(
                plot=_sighting(path, names).plot,
                sha256=digest_of("", source),
                label=path.parts[0],
                user=user,
                source="import",
            )
            lines.append(Line(number, label, source, {"path": str(path)}))
    faults.tell()
    return lines


def rows_of(config: Config, folder: Path, table: Path | None) -> list[Row]:
    """Give file, label and run of the images of a folder.

    Args:
        config: The deployment: its grammar tells the runs of a folder without a table.
        folder: Where the images lie.
        table: Of the labels; None for ``labels.csv`` in the folder, and without one
            for folders named after the labels.

    Returns:
        One row an image.

    Raises:
        InputError: Lists what is wrong with the table or the folder.
    """
    table = table or folder / TABLE
    if table.exists() or table.parent != folder:
        return read_table(folder, table, config.input.run)
    names, faults, rows = Names(config), Faults(folder), []
    for path in _images(folder):
        with faults.of(str(path)):
            rows.append(Row(folder / path, path.parts[0], _sighting(path, names).run))
    faults.tell()
    return rows


def _images(folder: Path) -> list[PurePath]:
    found = sorted(path for path in files_of(folder) if path.suffix.lower() in FILE_TYPES)
    if not found:
        raise LabelError(
            f"{folder} holds no image: expected {folder}/LABEL/IMAGE, such as {folder}/Good/..."
        )
    return found


def _sighting(path: PurePath, names: Names) -> Sighting:
    if len(path.parts) < 2:
        raise LabelError("expected a folder named after the label, such as Good/ or Bad/")
    try:
        return names.parse(path)
    except FileError as error:
        raise LabelError(str(error)) from error
