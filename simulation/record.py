"""Writing plots where Hydra finds them, and the ground truth beside them."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import cv2

from simulation.drawing import Conditions, Drawing, Pixels

PERIOD: Final = "RunPeriod-2026-11"
PNG: Final = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT),
)
"""Three times as fast as trying all filters, and no larger, since plots repeat their rows."""
TRUTH_BYTES: Final = 50_000_000
"""The record of truths is put aside as ``truth.old.jsonl`` when it is this long."""


def encode_png(pixels: Pixels) -> bytes:
    """Compress a canvas quickly.

    Args:
        pixels: uint8, (height, width, 3), RGB.

    Returns:
        The bytes of a PNG file.
    """
    swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", swapped, PNG)
    return data.tobytes()


def place(tree: Path, plot: str, conditions: Conditions) -> Path:
    """Give the path of a plot file below an input tree."""
    folder = tree / PERIOD / f"Run{conditions.run:06d}"
    return folder / f"{plot}_{conditions.chunk:04d}.png"


def truth_line(file: str, data: bytes, drawing: Drawing, conditions: Conditions) -> str:
    """Put the truth of an image in one line of JSON.

    Args:
        file: How the file is named in the record.
        data: Its bytes.
        drawing: What was drawn.
        conditions: Under which conditions.

    Returns:
        The line, without its end.
    """
    truth = drawing.truth
    faults = [
        {key: value for key, value in asdict(one.fault).items() if value not in (None, ())}
        | {"regions": one.regions}
        for one in truth.faults
    ]
    fields: dict[str, Any] = {
        "file": file,
        "plot": truth.plot,
        "run": conditions.run,
        "chunk": conditions.chunk,
        "label": truth.label,
        "faults": faults,
        "regions": truth.regions,
        "beam_on": conditions.beam_on,
        "statistics": round(conditions.statistics, 4),
        "time": round(conditions.time, 3),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return json.dumps(fields)


class Recorder:
    """Writes plot files and their truths; the truth is there before the file."""

    def __init__(self, tree: Path, truth: Path) -> None:
        """Name the places.

        Args:
            tree: Input tree below which the plots go.
            truth: File to which truths are appended.
        """
        self.tree = tree
        self.truth = truth

    def write(self, drawing: Drawing, conditions: Conditions) -> Path:
        """Write one plot so that nobody sees half of it.

        Args:
            drawing: What was drawn.
            conditions: Under which conditions.

        Returns:
            Where the file is.

        Raises:
            OSError: The disk is full or a folder cannot be written; nothing of
                the file is left behind.
        """
        path = place(self.tree, drawing.truth.plot, conditions)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = encode_png(drawing.pixels)
        hidden = path.with_name(f".{path.name}.part")
        try:
            hidden.write_bytes(data)
            self._note(truth_line(str(path.relative_to(self.tree)), data, drawing, conditions))
            hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)
        return path

    def _note(self, line: str) -> None:
        self.truth.parent.mkdir(parents=True, exist_ok=True)
        if self.truth.exists() and self.truth.stat().st_size > TRUTH_BYTES:
            self.truth.replace(self.truth.with_name("truth.old.jsonl"))
        handle = os.open(self.truth, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)
