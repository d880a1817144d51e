"""Emulated images on record: kept, labelled, with their origin, in the run of their base."""

import csv
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from db.catalogue import Plot
from db.catalogue_queries import add_plot
from db.embeddings import ClusterMember, ClusterRun
from db.emulation_queries import Base
from db.emulations import EmulatedImage, EmulationRun
from db.engine import reading, writing
from db.label_queries import labels
from db.startup import upgrade
from db.user_queries import grant
from hydra_ioc.bench.emulated import write_map
from hydra_ioc.cli import cli
from hydra_ioc.emulation import choose
from hydra_ioc.record import actor, open_record
from pipeline.config import Config
from pipeline.errors import CommandError, NotPermitted, StoreError
from pipeline.keeper.imagestore import ImageStore
from simulation.drawing import Conditions
from simulation.render import draw

PLOT = "FCAL_occupancy"
RUNS = (140_001, 140_077, 151_234)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(state_dir=tmp_path / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, PLOT, group="FCAL")
        add_plot(session, "CDC_occupancy", group="CDC")
    (tmp_path / "d.toml").write_text(f'state_dir = "{config.state_dir}"\n')
    return config


@pytest.fixture
def run(tmp_path: Path, config: Config):
    def call(*arguments: object) -> str:
        words = ["--config", str(tmp_path / "d.toml"), *map(str, arguments)]
        result = CliRunner().invoke(cli, words)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return call


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    file = tmp_path / "cells.csv"
    write_map(PLOT, file)
    return file


@pytest.fixture
def labelled(tmp_path: Path, run) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "plot", "label", "run", "chunk"])
        for chunk, number in enumerate(RUNS):
            path = tmp_path / f"{number}.png"
            pixels = draw(PLOT, Conditions(number, chunk, 1.0, True, 1.79e9), [], chunk).pixels
            cv2.imwrite(str(path), pixels[..., ::-1])
            table.writerow([path, PLOT, "Good", number, chunk])
    run("labels", "import", tmp_path / "labels.csv")


def test_given_good_images_when_emulated_then_each_image_knows_where_it_comes_from(
    config, run, labelled, cells
):
    text = run("emulate", "make", PLOT, "--map", cells, "--kind", "dead-crate", "--kind", "empty")
    assert "dead-crate     12 images" in text
    assert "15 images of 3 bases in 3 runs, 0 were there, 0 would not show" in text
    engine = open_record(config)
    store = ImageStore(config.under_state(config.keeper.images))
    with reading(engine) as session:
        (series,) = session.query(EmulationRun).all()
        assert series.channel_map == hashlib.sha256(cells.read_bytes()).hexdigest()
        rows = session.query(EmulatedImage).all()
        assert {row.crate for row in rows if row.kind == "dead-crate"} == {1, 2, 3, 4}
        for row in rows:
            image, base = session.get(Plot, row.plot_id), session.get(Plot, row.base_plot_id)
            assert image.simulated
            assert not base.simulated
            assert (image.run, image.chunk, image.period) == (base.run, base.chunk, base.period)
            assert (row.run, row.base_sha256) == (base.run, base.sha256)
            assert row.parameters["kind"] == row.kind
            assert row.regions
            data = store.path(image.sha256, "png").read_bytes()
            assert hashlib.sha256(data).hexdigest() == image.sha256
        given = {one.sha256: one for one in labels(session, PLOT)}
    simulated = [one for one in given.values() if one.source == "simulated"]
    assert len(simulated) == 15
    assert {one.label for one in simulated} == {"Bad", "NoData"}
    assert {one.run for one in simulated} == set(RUNS)


def test_given_the_same_wish_again_when_emulated_then_nothing_is_there_twice(
    config, run, labelled, cells
):
    words = ("emulate", "make", PLOT, "--map", cells, "--kind", "dead-slot", "--most", 3)
    run(*words)
    again = run(*words)
    assert "0 images of 3 bases in 3 runs, 9 were there" in again
    assert "dead-slot      0 images" in again
    with reading(open_record(config)) as session:
        assert session.query(EmulatedImage).count() == 9
        assert session.query(EmulationRun).count() == 2
    with pytest.raises(StoreError, match="never changed"), writing(open_record(config)) as session:
        session.query(EmulatedImage).delete()


def test_given_emulated_images_when_split_by_run_then_they_go_where_their_base_goes(
    config, run, labelled, cells
):
    from pipeline.vision.dataset import Dataset, split_by_run

    run("emulate", "make", PLOT, "--map", cells, "--kind", "dead-crate")
    with reading(open_record(config)) as session:
        rows = labels(session, PLOT)
    names = ("Good", "Bad")
    data = Dataset(
        np.zeros((len(rows), 8, 8, 3), np.uint8),
        np.array([names.index(row.label) for row in rows]),
        np.array([row.run for row in rows]),
        names,
        tuple(row.sha256 for row in rows),
    )
    for seed in range(5):
        training, validation = split_by_run(data, 0.3, seed)
        assert not set(data.runs[training]) & set(data.runs[validation])


def test_given_emulations_when_covered_then_the_table_says_what_is_missing(run, labelled, cells):
    run("emulate", "make", PLOT, "--map", cells, "--kind", "dead-crate", "--bases", 1)
    rows = {row["plot"]: row for row in json.loads(run("emulate", "coverage", "--json"))}
    assert rows[PLOT] == {
        "plot": PLOT,
        "group": "FCAL",
        "model": False,
        "good": 3,
        "bad": 0,
        "kinds": {"dead-crate": 4},
    }
    assert rows["CDC_occupancy"]["kinds"] == {}
    assert "| FCAL_occupancy | FCAL | no | 3 | 0 | 4 | - |" in run("emulate", "coverage")


def test_given_nothing_to_start_from_when_emulated_then_it_is_told(config, run, cells, labelled):
    with pytest.raises(CommandError, match="expected Good images of CDC_occupancy"):
        run("emulate", "make", "CDC_occupancy", "--map", cells)
    with pytest.raises(CommandError, match="knows nothing that shift"):
        run("emulate", "make", PLOT, "--map", cells, "--kind", "shift")
    with writing(open_record(config)) as session:
        grant(session, actor(), "somebody", "Admin")
    with pytest.raises(NotPermitted):
        run("emulate", "make", PLOT, "--map", cells)


def test_given_a_clustering_on_record_when_emulated_then_bases_come_from_every_cluster(
    config, run, labelled, cells
):
    engine = open_record(config)
    with writing(engine) as session:
        images = session.query(Plot).order_by(Plot.run).all()
        series = ClusterRun(
            plot_type_id=images[0].plot_type_id,
            source="0" * 64,
            made_at=1.0,
            clusters=2,
            silhouette=0.5,
            seed=1,
            user_name="ann",
        )
        session.add(series)
        session.flush()
        for number, image in enumerate(images):
            session.add(
                ClusterMember(
                    cluster_run_id=series.id,
                    embedding_id=number,
                    sha256=image.sha256,
                    cluster=int(number == 2),
                )
            )
    run("emulate", "make", PLOT, "--map", cells, "--kind", "empty", "--bases", 2)
    with reading(engine) as session:
        (made,) = session.query(EmulationRun).all()
    assert sorted(made.settings["clusters"]) == [0, 1]


def test_given_clusters_and_runs_when_bases_are_chosen_then_every_one_has_its_turn():
    bases = [Base(number, f"{number}", "P", number % 7, 0, 0.0) for number in range(70)]
    clusters = {base.sha256: base.run % 3 for base in bases}
    chosen = choose(bases, 6, 1, clusters)
    assert sorted(clusters[base.sha256] for base in chosen) == [0, 0, 1, 1, 2, 2]
    assert len({base.run for base in choose(bases, 7, 1)}) == 7
    assert choose(bases, 5, 1) == choose(bases, 5, 1) != choose(bases, 5, 2)
