"""Invented plot types: determinism, truth, and that every fault can be seen."""

import ast
from pathlib import Path

import numpy as np
import pytest

import simulation.zoo
from pipeline.errors import CommandError
from simulation.plots import PLOTS
from simulation.zoo import FAULTS, GRID, HARMLESS, Drawn, species, words
from simulation.zoo.breeds import KINDS
from simulation.zoo.drawn import HEIGHT, WIDTH
from simulation.zoo.species import SEEN

SEEDS = range(7000, 7040)
OWN_PLACE = ("dead-cells", "dead-block", "missing-pad")
"""Faults that only take away: axes that follow the highest content mostly stay."""


def gap(one: Drawn, other: Drawn) -> np.ndarray:
    """Change of each pixel, (240, 320)."""
    return np.abs(one.image.astype(int) - other.image).max(axis=2)


def spread(region: np.ndarray) -> np.ndarray:
    """A region and its neighbours in pixels, (240, 320)."""
    padded = np.pad(region, 1)
    wide = np.zeros(GRID, bool)
    for down in range(3):
        for across in range(3):
            wide |= padded[down : down + GRID[0], across : across + GRID[1]]
    return np.kron(wide, np.ones((8, 8), bool))


@pytest.mark.parametrize("seed", SEEDS)
def test_given_a_seed_when_drawn_twice_by_two_then_the_bytes_are_equal(seed: int) -> None:
    one, other = species(seed), species(seed)
    other.draw(99)
    assert one.faults == other.faults
    for fault in (None, "axis-range", one.faults[seed % len(one.faults)]):
        first, second = one.draw(5, fault), other.draw(5, fault)
        assert first.image.tobytes() == second.image.tobytes()
        assert (first.fault, first.run, first.contrast) == (
            second.fault,
            second.run,
            second.contrast,
        )
        assert np.array_equal(first.region, second.region)
        assert first.image.shape == (HEIGHT, WIDTH, 3)
        assert first.image.dtype == np.uint8
        assert first.region.shape == GRID
        assert first.region.dtype == bool


@pytest.mark.parametrize("seed", SEEDS)
def test_given_each_fault_when_drawn_then_it_can_be_seen_where_it_is_said_to_be(seed: int) -> None:
    kind = species(seed)
    good = kind.draw(3)
    for fault in kind.faults:
        drawn = kind.draw(3, fault)
        assert drawn.run == good.run
        if drawn.fault == "none":
            assert drawn.image.tobytes() == good.image.tobytes()
            continue
        assert drawn.fault == fault
        assert drawn.bad
        assert drawn.region.any()
        assert drawn.contrast >= SEEN
        inside = np.kron(drawn.region, np.ones((8, 8), bool))
        assert (gap(drawn, good) * inside).sum() / 255 == pytest.approx(drawn.contrast, rel=1e-6)


@pytest.mark.parametrize("fault", OWN_PLACE)
def test_given_a_fault_that_takes_away_when_drawn_then_its_region_covers_the_change(
    fault: str,
) -> None:
    shares = []
    for seed in range(7000, 7120):
        kind = species(seed)
        if fault not in kind.faults or kind.look.quality:
            continue
        drawn = kind.draw(2, fault, 0.3)
        change = gap(drawn, kind.draw(2))
        shares.append((change * spread(drawn.region)).sum() / max(change.sum(), 1))
    assert len(shares) >= 8
    assert np.median(shares) > 0.9


@pytest.mark.parametrize("harmless", HARMLESS)
def test_given_harmless_changes_when_drawn_then_no_fault_is_claimed(harmless: str) -> None:
    for seed in SEEDS:
        drawn = species(seed).draw(4, harmless)
        assert drawn.fault == harmless
        assert not drawn.bad
        assert not drawn.region.any()
        assert drawn.contrast == 0.0


def test_given_many_species_when_drawn_then_few_faults_go_unseen() -> None:
    asked = unseen = 0
    for seed in range(7100, 7140):
        kind = species(seed)
        for number, fault in enumerate(kind.faults):
            asked += 1
            unseen += kind.draw(number, fault).fault == "none"
    assert asked > 200
    assert unseen / asked < 0.03


def test_given_another_strength_when_drawn_then_the_contrast_follows() -> None:
    weak, strong = [], []
    for seed in range(7000, 7100):
        kind = species(seed)
        if kind.kind == "cells" and "hot-spot" in kind.faults:
            weak.append(kind.draw(1, "weak-block", 0.0).contrast)
            strong.append(kind.draw(1, "weak-block", 1.0).contrast)
    assert np.median(strong) > 3 * np.median(weak)


def test_given_good_images_when_drawn_then_runs_differ_and_shapes_are_as_promised() -> None:
    kind = species(7000)
    assert kind.good(5).shape == (5, HEIGHT, WIDTH, 3)
    assert kind.good(0).shape == (0, HEIGHT, WIDTH, 3)
    assert kind.good(2, 1).tobytes() == kind.good(2, 1).tobytes()
    assert len({kind.draw(seed).run for seed in range(20)}) > 15


def test_given_a_fault_of_another_species_when_asked_for_then_it_says_what_there_is() -> None:
    kind = next(one for one in map(species, range(7000, 7100)) if "outliers" not in one.faults)
    with pytest.raises(CommandError, match="expected a fault of none"):
        kind.draw(1, "outliers")


def test_given_many_species_when_counted_then_every_kind_and_family_occurs() -> None:
    many = [species(seed) for seed in range(400)]
    assert {one.kind for one in many} == set(KINDS)
    assert {fault for one in many for fault in one.faults} == set(FAULTS) - set(HARMLESS)
    assert {one.look.style for one in many} == {"root", "mpl", "dark", "web"}
    assert {len(one.pads) for one in many} >= {1, 2, 4, 6, 12}


def test_given_the_zoo_when_its_imports_are_read_then_it_knows_no_plot_of_the_demo() -> None:
    demo = {f"simulation.{name}" for name in ("gluex", "clas12", "gluex_detectors", "plots")}
    for path in Path(simulation.zoo.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in demo


def test_given_names_of_detectors_when_invented_then_none_is_of_the_demo() -> None:
    rng = np.random.default_rng(1)
    names = {words.acronym(rng).upper() for _ in range(5000)}
    assert not names & {kind.detector.name.upper() for kind in PLOTS.values()}
    assert not names & {name.split("_")[0].upper() for name in PLOTS}
