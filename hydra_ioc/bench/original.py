"""The original's way of working, as the seed documents describe it.

Pillow decodes and resizes, InceptionV3 with CBAM judges one image at a time
through ``keras.Model.predict``, and every result is one insert and one commit.
Needs the training libraries.
"""

import io
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from hydra_ioc.bench.plots import PlotFile

INPUT_SHAPE = (296, 296, 3)
"""The original takes 299 x 299 (Szegedy et al., Rethinking the Inception
Architecture, 2015); ours takes multiples of 8, and the next smaller one
flatters the original, not us."""
LABELS = 3


def original_rate(files: list[PlotFile], count: int = 12) -> float:
    """Measure images per second of the original's way.

    Args:
        files: The plots that the system under test gets as well.
        count: How many of them to judge; two more warm the network up.

    Returns:
        Images per second, from the median time of one image.
    """
    import numpy as np
    from PIL import Image

    from pipeline.vision.architectures import build

    model = build("inceptionv3-cbam", LABELS, INPUT_SHAPE).model
    durations = []
    with tempfile.TemporaryDirectory() as folder:
        base = sqlite3.connect(Path(folder) / "record.db")
        base.execute("CREATE TABLE RunHistory (plot TEXT, chunk INTEGER, output TEXT)")
        for file in files[: count + 2]:
            begun = time.perf_counter()
            image = Image.open(io.BytesIO(file.data)).convert("RGB").resize(INPUT_SHAPE[:2])
            output = model.predict(np.asarray(image)[None], verbose=0)
            row = (file.plot, file.chunk, str(output["probabilities"][0].tolist()))
            base.execute("INSERT INTO RunHistory VALUES (?, ?, ?)", row)
            base.commit()
            durations.append(time.perf_counter() - begun)
        base.close()
    return 1.0 / statistics.median(durations[2:])
