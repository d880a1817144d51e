"""Plot files for the benchmarks: drawn by the simulated experiment, kept as PNG bytes."""

import itertools
from dataclasses import dataclass, replace

import cv2

PNG_LEVEL = 6
"""zlib level of most producers' PNG files; ROOT writes with the default too."""


@dataclass(frozen=True, slots=True)
class PlotFile:
    """One plot as its producer would write it."""

    plot: str
    chunk: int
    data: bytes
    bad: bool

    @property
    def name(self) -> str:
        """File name by the GlueX grammar."""
        return f"{self.plot}_{self.chunk:04d}.png"


def draw_files(plots: list[str], *, bad: bool = False, seed: int = 1) -> list[PlotFile]:
    """Draw one image of each plot, 1600 x 1200 pixels.

    Args:
        plots: Names of simulated plots.
        bad: Whether to draw each with the first fault that suits it.
        seed: Different seeds give different images.

    Returns:
        A file per plot, chunk 1.
    """
    from hydra_ioc.bench.drawing import draw_pixels

    files = []
    for number, plot in enumerate(plots):
        pixels = draw_pixels(plot, bad=bad, seed=seed * 1000 + number)
        done, data = cv2.imencode(
            ".png",
            cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA),
            [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL],
        )
        if not done:
            raise OSError(f"cannot encode the drawing of {plot}")
        files.append(PlotFile(plot, 1, data.tobytes(), bad))
    return files


def repeated(files: list[PlotFile], count: int, first_chunk: int = 1) -> list[PlotFile]:
    """Repeat files with rising chunk numbers until there are enough.

    Args:
        files: One or more files per plot.
        count: How many are wanted.
        first_chunk: Chunk number of the first round.
    """
    rounds = (
        [replace(file, chunk=chunk) for file in files] for chunk in itertools.count(first_chunk)
    )
    return list(itertools.islice(itertools.chain.from_iterable(rounds), count))
