"""Pictures and heat maps on show, kept over a restart of the Keeper.

One file a plot in a folder of the deployment. The file's name tells which
image it belongs to, so that a picture is never shown with another image's
verdict, whenever the process ends.
"""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import msgspec

from pipeline.errors import FolderUnavailable
from pipeline.keeper.shown import Shown

logger = logging.getLogger(__name__)

_PREFIX: Final = ".new-"
_SUFFIX: Final = ".frames"


class Frames(msgspec.Struct, frozen=True):
    """What such a file holds."""

    picture: bytes
    heat: bytes
    heat_shape: tuple[
        Annotated[int, msgspec.Meta(ge=0, le=4096)], Annotated[int, msgspec.Meta(ge=0, le=4096)]
    ]


class LiveFrames:
    """The folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when the first picture comes."""
        self._folder = folder

    def save(self, plot_type_id: int, image: Shown) -> None:
        """Store the frames of an image that is about to be shown.

        Raises:
            FolderUnavailable: The folder takes nothing, such as on a full disk.
        """
        data = msgspec.msgpack.encode(Frames(image.picture, image.heat, image.heat_shape))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(name).replace(self._path(plot_type_id, image))
            except OSError:
                with contextlib.suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise FolderUnavailable(
                f"the folder {self._folder} takes nothing: {error.strerror}"
            ) from error

    def prune(self, plot_type_id: int, images: Iterable[Shown]) -> None:
        """Remove the frames of a plot type but for those of some images."""
        keep = {self._path(plot_type_id, image) for image in images}
        for path in self._folder.glob(f"{plot_type_id}_*{_SUFFIX}"):
            if path not in keep:
                path.unlink(missing_ok=True)

    def load(self, plot_type_id: int, image: Shown) -> Frames:
        """Read the frames of an image; empty ones where there are none to be used."""
        path = self._path(plot_type_id, image)
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=Frames)
        except FileNotFoundError:
            return Frames(b"", b"", (0, 0))
        except (OSError, msgspec.DecodeError) as error:
            logger.warning("stage=Keeper event=picture-lost path=%s text='%s'", path, error)
            return Frames(b"", b"", (0, 0))

    def _path(self, plot_type_id: int, image: Shown) -> Path:
        time, run, chunk = image.order
        return self._folder / f"{plot_type_id}_{run}_{chunk}_{time!r}{_SUFFIX}"
