"""Where the maps of models from a few labels point: at the loss, not at what has long been dead."""

import dataclasses
import statistics

import numpy as np
import pytest

from hydra_ioc.known_dead import heat_on, known_dead
from hydra_ioc.simulated import EVALUATION, TRAINING, dataset, sample
from pipeline.vision import backbone as backbones
from pipeline.vision.fewshot_training import save_few, train_few
from pipeline.vision.maps import heat_inside
from pipeline.vision.serving import load
from simulation.drawing import Fault

pytestmark = pytest.mark.train
PLOT = "FCAL_occupancy"
LOSSES = ("dead-channel", "dead-slot", "dead-crate", "hv-off")
LABELS = ("Good", "Bad")


def drawn(purpose: int, kinds: list[str], seed: int):
    rng = np.random.default_rng(seed)
    samples = [
        sample(PLOT, purpose, 2 * index, rng, faults=(Fault(kind),) if kind else ())
        for index, kind in enumerate(kinds)
    ]
    made = dataset(samples, "area-rgb", backbones.shipped().card.input_shape, 2)
    return dataclasses.replace(made, labels=LABELS)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    if not (backbones.FOLDER / backbones.GRAPH_FILE).exists():
        pytest.skip("no backbone is shipped")
    store = tmp_path_factory.mktemp("store")
    few = train_few(backbones.shipped(), drawn(TRAINING, [""] * 10 + [*LOSSES, *LOSSES] * 1, 3))
    model = load(store / save_few(few, backbones.shipped(), store, (PLOT,)))
    fresh = drawn(EVALUATION, [*LOSSES] * 4, 4)
    out = model.run(fresh.images)
    bad = out.probabilities.argmax(axis=1) == 1
    return out.maps[bad, 1], fresh.regions[bad], np.array([*LOSSES] * 4)[bad]


def test_given_a_few_labels_when_a_loss_is_judged_bad_then_the_heat_lies_inside(judged):
    maps, regions, kinds = judged
    assert len(maps) >= 12
    for kind in LOSSES:
        chosen = np.flatnonzero(kinds == kind)
        assert len(chosen)
        assert statistics.median(heat_inside(maps[i], regions[i]) for i in chosen) >= 0.8, kind


def test_given_a_few_labels_when_a_loss_lies_beside_a_known_dead_channel_then_only_it_is_shown(
    judged,
):
    maps, regions, _ = judged
    dead = known_dead(PLOT, maps.shape[1:])
    assert dead.any()
    found = [heat_on(heat, dead, region) for heat, region in zip(maps, regions, strict=True)]
    shares = [one[0] for one in found if one is not None]
    assert len(shares) >= 10
    assert max(shares) < 0.05
    assert not any(one[1] for one in found if one is not None)
