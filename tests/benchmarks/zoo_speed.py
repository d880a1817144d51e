"""How fast the zoo draws, one core: ``python tests/benchmarks/zoo_speed.py [SPECIES]``."""

import json
import sys
import time
from collections import defaultdict

import cv2

from simulation.zoo import species

GOOD = 10
FAULTY = 10


def main(count: int) -> None:
    """Draw so many species, ten good and ten faulty images of each, and say the times."""
    cv2.setNumThreads(1)
    spent: dict[str, float] = defaultdict(float)
    images: dict[str, int] = defaultdict(int)
    for seed in range(count):
        begin = time.process_time()
        kind = species(seed)
        born = time.process_time()
        for index in range(GOOD):
            kind.draw(index)
        middle = time.process_time()
        for index in range(FAULTY):
            kind.draw(index, kind.faults[index % len(kind.faults)])
        end = time.process_time()
        for name, seconds, number in (
            ("species", born - begin, 1),
            ("good", middle - born, GOOD),
            ("faulty", end - middle, FAULTY),
            ("all", end - begin, GOOD + FAULTY),
            (f"{kind.kind}, {'one pad' if len(kind.pads) == 1 else 'more'}", end - born, 20),
        ):
            spent[name] += seconds
            images[name] += number
    result = {name: round(spent[name] / images[name] * 1e3, 2) for name in sorted(spent)}
    json.dump({"cpu_ms": result, "images_per_cpu_s": round(1e3 / result["all"])}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
