"""A shadow beside the real pipeline: it disagrees on a bad image, and nothing else does."""

import io

import numpy as np
import pytest
from PIL import Image

from db.audit_queries import Actor
from db.engine import make_engine
from hydra_ioc.bench.plots import draw_files
from hydra_ioc.bench.stand import wait_for
from hydra_ioc.registry import enter_model
from pipeline.vision.card import read_card
from tests.pipeline.models import make_model_folder, rewrite_card

pytestmark = [pytest.mark.timeout(240)]
PLOT = "TOF_occupancy"


def shadow_that_says_good(stand, data):
    """Put a model into store and registry that calls an image Good, whatever it shows."""
    store = stand.config.under_state(stand.config.predict.models)
    (active,) = [
        card for card in map(read_card, filter(real, store.iterdir())) if PLOT in card.plots
    ]
    channel = int(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).mean((0, 1)).argmax())
    labels = [label for label in active.labels if label != "Good"]
    labels.insert(channel, "Good")
    digest = make_model_folder(store, tuple(labels), active.input_shape, name="shadow")
    digest = rewrite_card(store / digest, plots=(PLOT,), preprocessing=active.preprocessing)
    engine = make_engine(stand.config.database_url())
    enter_model(engine, store / digest, [PLOT], Actor("ann", "console", "test"))
    engine.dispose()
    return digest


def real(path):
    return len(path.name) == 64


def test_given_a_shadow_that_disagrees_when_an_image_is_bad_then_it_is_bad_and_counted(launch):
    stand, client = launch()
    bad = draw_files([PLOT], bad=True, seed=40)[0].data
    digest = shadow_that_says_good(stand, bad)
    assert digest in stand.command("models", "shadow", PLOT, digest[:12], "--why", "is it better")
    wait_for(lambda: client.get(f"{PLOT}:Shadow:Class")["connected"], "the shadow", 20)

    chunk = 0

    def compared():
        nonlocal chunk
        if client.get(f"{PLOT}:Chunk")["value"] == chunk or not chunk:
            if client.get(f"{PLOT}:Shadow:Count")["value"]:
                return True
            chunk += 1
            stand.drop(f"{PLOT}_{chunk:04d}.png", draw_files([PLOT], bad=True, seed=40)[0].data)
        return False

    wait_for(compared, "an image that both saw", 60)
    shown = client.get(f"{PLOT}:Class")
    assert (shown["text"], shown["severity"]) == ("Bad", 2)
    word = client.get(f"{PLOT}:Shadow:Class")
    assert (word["text"], word["severity"]) == ("Good", 0)
    assert client.get(f"{PLOT}:Shadow:Disagreed")["value"] == 1
    assert client.get(f"{PLOT}:Shadow:Disagreement")["value"] == 1.0
    told = stand.command("models", "compare", PLOT)
    assert "disagreement 100.00%" in told
    assert "judges Bad, shadow Good" in told
    assert "no shadow any more" in stand.command("models", "shadow", PLOT, "--end")
    wait_for(lambda: client.get(f"{PLOT}:Shadow:Model")["text"] == "", "the end", 20)
    assert client.get(f"{PLOT}:Class")["severity"] == 2
