"""Novelty and the picture of references, from the command line to the PVs."""

import cv2
import numpy as np
import pytest
from p4p.client.thread import Context

from hydra_ioc.bench.plots import draw_files
from hydra_ioc.bench.stand import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.train]
PLOT = "TOF_occupancy"


def test_given_a_limit_for_novelty_when_images_come_then_only_what_is_quiet_becomes_unknown(
    launch,
):
    stand, client = launch()
    good = [draw_files([PLOT], seed=seed)[0].data for seed in range(3)]
    bad = draw_files([PLOT], bad=True, seed=40)[0].data

    def drop(chunk: int, content: bytes) -> None:
        stand.drop(f"{PLOT}_{chunk:04d}.png", content)
        wait_for(lambda: client.get(f"{PLOT}:Chunk")["value"] == chunk, f"image {chunk}", 30)

    text = stand.command("novelty", "fit", PLOT, "--simulated", "40", "--why", "first")
    assert "tells novelty: 28 images described, 12 calibrate it" in text
    wait_for(lambda: client.get(f"{PLOT}:Novelty")["connected"], "the novelty", 30)
    drop(1, good[0])
    found = client.get(f"{PLOT}:Novelty")
    assert 0.0 < found["value"] <= 1.0
    assert found["severity"] == 0
    assert client.get(f"{PLOT}:Class")["text"] == "Good"

    client.put(f"{PLOT}:Threshold:Novelty", 1.5)
    assert client.get(f"{PLOT}:Threshold:Novelty")["value"] == 0.0
    # With this limit every image is novel, the one on show too.
    stand.command("novelty", "limit", PLOT, "1", "--why", "try")
    wait_for(lambda: client.get(f"{PLOT}:Class")["text"] == "Unknown", "the new verdict", 20)
    assert client.get(f"{PLOT}:Class")["severity"] == 1
    low = client.get(f"{PLOT}:Novelty")
    assert (low["severity"], low["status"]) == (1, 6)
    drop(2, bad)
    verdict = client.get(f"{PLOT}:Class")
    assert (verdict["text"], verdict["severity"]) == ("Bad", 2)
    assert "novel: " in client.get(f"{PLOT}:Reason.VAL$")["text"]
    assert client.put(f"{PLOT}:Threshold:Novelty", 0.0)["ok"]
    drop(3, good[1])
    assert client.get(f"{PLOT}:Class")["text"] == "Good"
    assert client.get(f"{PLOT}:Novelty")["severity"] == 0


def test_given_references_when_added_then_the_most_typical_one_is_served_as_a_picture(
    launch, tmp_path
):
    stand, client = launch()
    files = []
    for seed in range(3):
        files.append(tmp_path / f"{seed}.png")
        files[-1].write_bytes(draw_files([PLOT], seed=seed)[0].data)
    stand.command("references", "add", PLOT, *map(str, files), "--run-type", "production")
    wait_for(lambda: client.get(f"{PLOT}:Similarity")["connected"], "the similarity", 30)
    assert client.get(f"{PLOT}:References:Drift")["value"] == 0.0
    assert client.put("RunType", "production")["ok"]
    wait_for(lambda: client.get("RunType")["text"] == "production", "the run type", 20)
    client.put("RunType", "helium")
    assert client.get("RunType")["text"] == "production"
    settings = {
        "EPICS_PVA_ADDR_LIST": f"127.0.0.1:{stand.config.ioc.pva_port + 1}",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    }
    with Context("pva", conf=settings, useenv=False, unwrap={}) as pva:
        name = f"{stand.config.prefix}{PLOT}:Reference"
        wait_for(lambda: pva.get(name)["codec.name"] and len(pva.get(name)["value"]), "it", 30)
        shown = pva.get(name)
    assert shown["codec.name"] == "jpeg"
    assert shown["alarm.severity"] == 0
    picture = cv2.imdecode(np.asarray(shown["value"], np.uint8), cv2.IMREAD_COLOR)
    drawn = [cv2.resize(cv2.imread(str(file)), picture.shape[1::-1]) for file in files]
    assert min(np.abs(picture.astype(int) - one).mean() for one in drawn) < 6
