"""Finding the plot types that a folder of plots holds."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from pipeline.config import Config
from pipeline.errors import FileError
from pipeline.feeder.grammar import Names


@dataclass(frozen=True, slots=True)
class Found:
    """A plot type seen in a tree."""

    plot: str
    file_type: str
    chunked: bool
    files: int


def discover(config: Config, tree: Path) -> tuple[list[Found], list[str]]:
    """List the plot types of a tree by the deployment's grammar.

    Args:
        config: The deployment.
        tree: A folder with plots, at any depth.

    Returns:
        The plot types with the number of files of each, and the paths that no
        rule of the grammar fits.
    """
    names = Names(config)
    kinds: Counter[tuple[str, str, bool]] = Counter()
    strangers: list[str] = []
    for path in files_of(tree):
        try:
            kinds[names.parse(path).kind] += 1
        except FileError:
            strangers.append(str(path))
    return [Found(*kind, files) for kind, files in sorted(kinds.items())], strangers


def files_of(tree: Path) -> Iterable[PurePath]:
    """Give the files of a tree that are complete, relative to it.

    Args:
        tree: A folder; links to other folders are not followed.
    """
    for folder, _, files in os.walk(tree):
        for name in sorted(files):
            # Producers write to a dot-file and rename it when it is complete.
            if not name.startswith("."):
                yield Path(folder, name).relative_to(tree)
