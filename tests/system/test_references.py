"""References from the command line to the PVs: with a model, and without any."""

import sqlite3

import pytest

from hydra_ioc.bench.plots import draw_files
from hydra_ioc.bench.stand import wait_for

pytestmark = [pytest.mark.timeout(240), pytest.mark.train]
PLOT = "TOF_occupancy"
BARE = "TOF_copy"


def test_given_references_only_when_images_come_then_similarity_alone_judges(launch, tmp_path):
    stand, client = launch()
    good = [draw_files([PLOT], seed=seed)[0].data for seed in range(9)]
    bad = draw_files([PLOT], bad=True, seed=40)[0].data
    files = []
    for number, data in enumerate(good[:6]):
        files.append(tmp_path / f"{number}.png")
        files[-1].write_bytes(data)
    stand.command("plots", "add", BARE)
    wait_for(lambda: client.get(f"{BARE}:Class")["connected"], "the plot", 20)
    text = stand.command("references", "add", BARE, *map(str, files), "--why", "first light")
    assert "version 1, 6 images" in text
    wait_for(lambda: client.get(f"{BARE}:Similarity")["connected"], "the similarity", 20)

    def drop(chunk: int, content: bytes) -> None:
        stand.drop(f"{BARE}_{chunk:04d}.png", content)
        wait_for(lambda: client.get(f"{BARE}:Chunk")["value"] == chunk, f"image {chunk}", 30)

    drop(1, good[6])
    shown = client.get(f"{BARE}:Similarity")
    assert shown["value"] >= 0.002
    assert shown["severity"] == 0
    assert client.get(f"{BARE}:Class")["text"] == "Good"
    assert "similarity" in client.get(f"{BARE}:Reason.VAL$")["text"]
    assert client.get(f"{BARE}:References")["text"] == "version 1: 6 images"
    drop(2, bad)
    low = client.get(f"{BARE}:Similarity")
    assert low["value"] < 0.002
    assert (low["severity"], low["status"]) == (1, 6)
    verdict = client.get(f"{BARE}:Class")
    assert (verdict["text"], verdict["severity"]) == ("Unknown", 1)

    # A lower threshold takes effect on the image on show, and is on record.
    assert client.put(f"{BARE}:Threshold:Similarity", 0.0)["ok"]
    wait_for(lambda: client.get(f"{BARE}:Class")["text"] == "Good", "the new verdict", 10)
    assert client.get(f"{BARE}:Similarity")["severity"] == 0
    client.put(f"{BARE}:Threshold:Similarity", 1.5)
    assert client.get("Ioc:Refused")["value"] == 1
    assert client.get(f"{BARE}:Threshold:Similarity")["value"] == 0.0
    history = stand.command("references", "history", BARE)
    assert "first light" in history
    assert "threshold 0 " in history
    with sqlite3.connect(stand.config.state_dir / "hydra.db") as record:
        rows = record.execute(
            "SELECT label, similarity FROM run_history WHERE similarity IS NOT NULL ORDER BY id"
        ).fetchall()
    assert [row[0] for row in rows] == ["Good", "Unknown"]
    assert rows[1][1] < 0.002 <= rows[0][1]

    stand.command("references", "retire", BARE)
    wait_for(lambda: client.get(f"{BARE}:References")["text"] == "", "them to go", 20)


def test_given_a_model_and_references_when_an_image_comes_then_both_are_in_the_reason(
    launch, tmp_path
):
    stand, client = launch()
    good = [draw_files([PLOT], seed=seed)[0].data for seed in range(5)]
    files = []
    for number, data in enumerate(good[:4]):
        files.append(tmp_path / f"{number}.png")
        files[-1].write_bytes(data)
    stand.command("references", "add", PLOT, *map(str, files))
    wait_for(lambda: client.get(f"{PLOT}:Similarity")["connected"], "the similarity", 20)
    stand.drop(f"{PLOT}_0001.png", good[4])
    wait_for(lambda: client.get(f"{PLOT}:Count")["value"] == 1, "the image", 30)
    reason = client.get(f"{PLOT}:Reason.VAL$")["text"]
    assert client.get(f"{PLOT}:Class")["text"] == "Good"
    assert "similarity" in reason
    assert ">= threshold" in reason
