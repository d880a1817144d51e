"""A mask put over Channel Access: what lies under it cannot change the verdict."""

import json

import cv2
import numpy as np
import pytest

from hydra_ioc.bench.stand import wait_for
from tests.system.rows import history

pytestmark = pytest.mark.timeout(240)
PLOT = "CDC_occupancy"
BOX = ((0.4, 0.45), (0.5, 0.6))


def spoilt(data: bytes, seed: int) -> bytes:
    """The plot with random pixels in the box, down to the last touched pixel."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    height, width = pixels.shape[:2]
    (left, top), (right, bottom) = BOX
    rows = slice(int(top * height), int(np.ceil(bottom * height)))
    columns = slice(int(left * width), int(np.ceil(right * width)))
    part = pixels[rows, columns]
    part[:] = np.random.default_rng(seed).integers(0, 256, part.shape, dtype=np.uint8)
    return bytes(cv2.imencode(".png", pixels)[1].data)


def test_given_a_mask_put_over_ca_when_random_content_lies_under_it_then_the_weights_stay(
    launch, good_files
):
    stand, client = launch()
    data = next(file for file in good_files if file.plot == PLOT).data

    def drop(chunk: int, content: bytes) -> None:
        stand.drop(f"{PLOT}_{chunk:04d}.png", content)
        wait_for(lambda: client.get(f"{PLOT}:Count")["value"] == chunk, f"image {chunk}", 20)

    drop(1, data)
    drop(2, spoilt(data, 1))
    put = {"do": "add", "name": "crate 5", "reason": "waits for a supply", "points": BOX}
    assert client.put(f"{PLOT}:MaskChange.VAL$", json.dumps(put))["ok"]
    wait_for(lambda: "crate 5" in client.get(f"{PLOT}:Masks.VAL$")["text"], "the mask", 10)
    for chunk in (3, 4, 5):
        drop(chunk, spoilt(data, chunk))
    drop(6, data)
    text = client.get(f"{PLOT}:Reason.VAL$")["text"]
    assert "judged with 1 mask (crate 5)" in text
    assert client.get(f"{PLOT}:Class")["text"] == "Good"
    weights = {row["chunk"]: row["weights"] for row in history(stand)}
    assert abs(weights[1]["Good"] - weights[2]["Good"]) > 0.5
    for chunk in (3, 4, 5):
        for label, weight in weights[6].items():
            assert weights[chunk][label] == pytest.approx(weight, abs=1e-6)

    client.put(f"{PLOT}:MaskChange.VAL$", '{"do": "remove", "name": "crate 5"}')
    assert client.get("Ioc:Refused")["value"] == 1
    assert client.put(f"{PLOT}:MaskChange.VAL$", '{"do": "disable", "name": "crate 5"}')["ok"]
    wait_for(lambda: client.get(f"{PLOT}:Masks.VAL$")["text"] == "[]", "it to go", 10)
    drop(7, spoilt(data, 1))
    assert "mask" not in client.get(f"{PLOT}:Reason.VAL$")["text"]
