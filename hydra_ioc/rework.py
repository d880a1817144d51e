"""Changing every model of a release, all of them or none."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hydra_ioc.demo_models import check_size, replace_release
from hydra_ioc.release import read_index, write_index


def rework_release(
    source: Path,
    into: Path,
    change: Callable[[Path, Path], str],
    progress: Callable[[str], None],
) -> dict[str, str]:
    """Put changed models of a release in the place of another.

    Args:
        source: Holds an index and its models.
        into: Where the models go; may be the same.
        change: Makes a model of a folder in a store; gives its digest.
        progress: Called with a line for each model.

    Returns:
        Digest by plot type.

    Raises:
        CommandError: The models together are larger than a release may carry.
        HydraError: Whatever the change refuses; nothing is replaced then.
    """
    with tempfile.TemporaryDirectory(prefix="hy") as name:
        fresh = Path(name)
        index = {}
        for plot, digest in read_index(source).items():
            index[plot] = change(source / digest, fresh)
            same = "was so already" if index[plot] == digest else f"now {index[plot][:12]}"
            progress(f"{plot}: {digest[:12]} {same}")
        write_index(fresh, index)
        check_size(fresh)
        replace_release(fresh, into)
    return index
