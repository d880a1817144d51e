"""What decoding and inference alone allow on this machine: the bound of the throughput."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from hydra_ioc.bench.plots import PlotFile

PROCESSES = 2
MAX_PIXELS = 16_000_000


def bound_rate(
    files: list[PlotFile], models: Path, digests: dict[str, str], *, opencv: bool = False
) -> float:
    """Measure images per second of decode, reduction and inference, and nothing else.

    Args:
        files: The plots that the system under test gets as well.
        models: The model store.
        digests: Model of each plot.
        opencv: Decode with OpenCV, as most would, instead of with our own decoder.

    Returns:
        Images per second of two processes with one inference thread each.
    """
    shares = [files[number::PROCESSES] for number in range(PROCESSES)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        warm = [pool.submit(_judge, share[:2], models, digests, opencv) for share in shares]
        for future in warm:
            future.result()
        futures = [pool.submit(_judge, share, models, digests, opencv) for share in shares]
        return sum(future.result() for future in futures)


def _judge(files: list[PlotFile], models: Path, digests: dict[str, str], opencv: bool) -> float:
    import cv2
    import numpy as np

    from pipeline.vision.preprocess import decode, prepare
    from pipeline.vision.serving import load

    cv2.setNumThreads(1)
    served = {plot: load(models / digests[plot]) for plot in {file.plot for file in files}}
    for model in served.values():
        model.warm()
    begun = time.perf_counter()
    for file in files:
        model = served[file.plot]
        card = model.card
        if opencv:
            found = cv2.imdecode(np.frombuffer(file.data, np.uint8), cv2.IMREAD_COLOR_RGB)
            pixels = np.asarray(found, np.uint8)
        else:
            pixels = decode(file.data, MAX_PIXELS)
        model.run(prepare(pixels, card.preprocessing, card.input_shape)[None])
    return len(files) / (time.perf_counter() - begun)
