"""What Balancer and Predict cost; run by hand, one JSON object a line.

Without arguments it measures the way of an order, with model folders inference.

Example: python -m tests.pipeline.predict.measure [MODEL_FOLDER ...]
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from pipeline.messages import Finished, Order, Ready, decode, encode
from pipeline.vision.serving import load
from tests.pipeline.models import make_model_folder
from tests.pipeline.predict.stand import Stand

PICTURE = bytes(80_000)


def say(**figures):
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def through_the_balancer(side, count=2000):
    """Orders per second from a DEALER through the Balancer to a DEALER."""
    stand = Stand(balancer={"silence_s": 3600.0})
    try:
        stand.plot("plot", make_model_folder(stand.store, shape=(side, side, 3)))
        stand.start("balancer")
        worker = stand.dealer("workers")
        worker.send_multipart(encode(Ready(worker="sink", host="here", pid=1, credits=8)))
        stand.wait_workers(1)
        orders = [stand.order("plot", picture=PICTURE) for _ in range(count)]
        messages = [encode(order, stand.orders[order.order_id][1:]) for order in orders]
        begun, done, sent = time.perf_counter(), 0, 0
        while done < count:
            while sent < count and sent - done < 64:
                stand.feeder.send_multipart(messages[sent], copy=False)
                sent += 1
            parts = worker.recv_multipart()
            message, _ = decode(parts)
            if isinstance(message, Order):
                done += 1
                finished = Finished(worker="sink", order_id=message.order_id)
                worker.send_multipart(encode(finished))
        duration = time.perf_counter() - begun
        size = side * side * 3
        say(what="through the Balancer", tensor_kB=size // 1000, orders_per_s=count / duration)
    finally:
        stand.close()


def order_to_report(model, count=300):
    """Latency from sending an order to its report at the Keeper, one at a time."""
    stand = Stand()
    try:
        shape = (224, 224, 3)
        stand.plot("plot", make_model_folder(stand.store, shape=shape) if model else None)
        stand.start("balancer")
        stand.start_worker(0)
        stand.wait_workers(1)
        times = []
        for number in range(count):
            order = stand.order("plot", picture=PICTURE)
            begun = time.perf_counter()
            stand.send(order)
            while len(stand.reports) <= number:
                stand.pump(1)
            times.append(time.perf_counter() - begun)
        inference = statistics.median(report.infer_s for report in stand.reports)
        times.sort()
        say(
            what="order to report",
            model="tiny 224x224" if model else "none",
            p50_ms=1e3 * times[count // 2],
            p99_ms=1e3 * times[int(count * 0.99)],
            inference_p50_ms=1e3 * inference,
        )
    finally:
        stand.close()


def cost(folder, repeats=200):
    """CPU milliseconds per image, on one thread: with and without maps, and in batches."""
    model = load(folder)
    noise = np.random.default_rng(1)
    batches = {
        size: noise.integers(0, 255, (size, *model.card.input_shape), np.uint8)
        for size in (1, 2, 4, 8)
    }
    for batch in batches.values():
        model.run(batch)
        model.run(batch, maps=False)
    times = {}
    for turn in range(repeats):
        for size, batch in batches.items():
            # In turn, so that neither always finds the caches warm.
            for maps in (True, False) if turn % 2 else (False, True):
                begun = time.thread_time()
                model.run(batch, maps=maps)
                duration = (time.thread_time() - begun) / size
                times.setdefault((size, maps), []).append(duration)
    per_image = {key: 1e3 * statistics.median(value) for key, value in times.items()}
    ratios = [a / b for a, b in zip(times[1, True], times[1, False], strict=True)]
    say(
        what="inference",
        model=model.card.name,
        shape=model.card.input_shape,
        ms_per_image={size: per_image[size, True] for size in batches},
        maps_extra=statistics.median(ratios) - 1,
    )


def main():
    for folder in sys.argv[1:]:
        cost(Path(folder))
    if sys.argv[1:]:
        return
    for side in (224, 276):
        through_the_balancer(side)
    for model in (False, True):
        order_to_report(model)


if __name__ == "__main__":
    main()
