"""Labels as folders: every image lies in a folder that is named after its label."""

from pathlib import Path

from db.label_queries import NewLabel
from hydra_ioc.discovery import files_of
from hydra_ioc.label_files import Faults, Line, digest_of
from pipeline.errors import FileError, LabelError
from pipeline.feeder.grammar import FILE_TYPES, Names


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
    for number, path in enumerate(sorted(files_of(folder)), start=1):
        if path.suffix.lower() not in FILE_TYPES:
            continue
        with faults.of(str(path)):
            if len(path.parts) < 2:
                raise LabelError("expected a folder named after the label, such as Good/ or Bad/")
            try:
                seen = names.parse(path)
            except FileError as error:
                raise LabelError(str(error)) from error
            source = folder / path
            label = NewLabel(
                plot=seen.plot,
                sha256=digest_of("", source),
                label=path.parts[0],
                user=user,
                source="import",
            )
            lines.append(Line(number, label, source, {"path": str(path)}))
    faults.tell()
    if not lines:
        raise LabelError(
            f"{folder} holds no image: expected {folder}/LABEL/IMAGE, such as {folder}/Good/..."
        )
    return lines
