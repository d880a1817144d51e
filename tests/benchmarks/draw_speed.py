"""How long drawing takes, one core: ``python tests/benchmarks/draw_speed.py [COUNT]``."""

import json
import statistics
import sys
import time

import cv2

from simulation.drawing import Conditions
from simulation.plots import PLOTS
from simulation.record import encode_png
from simulation.render import draw


def main(count: int) -> None:
    """Draw every plot so often and say the median in milliseconds."""
    cv2.setNumThreads(1)
    result: dict[str, dict[str, float]] = {}
    for plot in PLOTS:
        drawn, packed = [], []
        draw(plot, Conditions(131_458), [], 0)
        for index in range(count):
            begin = time.perf_counter()
            pixels = draw(plot, Conditions(131_458, index), [], index).pixels
            middle = time.perf_counter()
            encode_png(pixels)
            drawn.append(middle - begin)
            packed.append(time.perf_counter() - middle)
        result[plot] = {
            "draw_ms": round(statistics.median(drawn) * 1e3, 2),
            "png_ms": round(statistics.median(packed) * 1e3, 2),
        }
    json.dump(result, sys.stdout, indent=1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
