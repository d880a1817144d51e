"""What emulation starts from: bases of every island of real embeddings, bases that are gone."""

import csv
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from db.catalogue import Plot
from db.catalogue_queries import add_plot
from db.embedding_queries import EmbeddingRow, note_embeddings
from db.emulations import EmulatedImage, EmulationRun
from db.engine import reading, writing
from db.startup import upgrade
from hydra_ioc.bench.emulated import write_map
from hydra_ioc.cli import cli
from hydra_ioc.emulation import read_kept
from hydra_ioc.record import open_record
from hydra_ioc.release import DEMO_MODELS, read_index
from pipeline.config import Config
from pipeline.errors import CommandError
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.channel_map import read_map
from pipeline.vision.emulation import Change, emulate
from pipeline.vision.preprocess import decode, prepare
from pipeline.vision.serving import load
from simulation.drawing import Conditions
from simulation.render import draw

PLOT = "FCAL_occupancy"
ISLANDS = {140_001 + 77 * index: 0.02 if index >= 7 else 2.0 for index in range(10)}
"""Statistics by run: seven runs with beam enough, three nearly without."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(state_dir=tmp_path / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, PLOT, group="FCAL")
    (tmp_path / "d.toml").write_text(f'state_dir = "{config.state_dir}"\n')
    return config


@pytest.fixture
def call(tmp_path: Path, config: Config):
    def invoke(*arguments: object):
        words = ["--config", str(tmp_path / "d.toml"), *map(str, arguments)]
        result = CliRunner().invoke(cli, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    file = tmp_path / "cells.csv"
    write_map(PLOT, file)
    return file


@pytest.fixture
def labelled(tmp_path: Path, call) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "plot", "label", "run", "chunk"])
        for chunk, (number, statistics) in enumerate(ISLANDS.items()):
            path = tmp_path / f"{number}.png"
            conditions = Conditions(number, chunk, statistics, True, 1.79e9)
            cv2.imwrite(str(path), draw(PLOT, conditions, [], chunk).pixels[..., ::-1])
            table.writerow([path, PLOT, "Good", number, chunk])
    call("labels", "import", tmp_path / "labels.csv")


def bases(config: Config) -> list[Plot]:
    with reading(open_record(config)) as session:
        rows = session.query(Plot).filter(~Plot.simulated).order_by(Plot.run).all()
        session.expunge_all()
    return rows


def test_given_islands_of_real_embeddings_when_clustered_then_bases_come_from_each(
    config, call, labelled, cells
):
    pytest.importorskip("sklearn")
    digest = read_index(DEMO_MODELS)[PLOT]
    model = load(DEMO_MODELS / digest)
    store = ImageStore(config.under_state(config.keeper.images))
    rows = []
    for image in bases(config):
        pixels = decode(read_kept(store, image.sha256), config.input.max_pixels)
        tensor = prepare(pixels, model.card.preprocessing, model.card.input_shape)
        vector = model.run(tensor[None]).embedding[0].astype("<f2").tobytes()
        rows.append(
            EmbeddingRow(
                plot_type_id=image.plot_type_id,
                source=digest,
                sha256=image.sha256,
                run=image.run,
                beam_current=None,
                label="Good",
                vector=vector,
                made_at=time.time(),
            )
        )
    engine = open_record(config)
    with writing(engine) as session:
        note_embeddings(session, rows)
    assert call("clusters", PLOT, "--k", 2).exit_code == 0
    done = call("emulate", "make", PLOT, "--map", cells, "--kind", "empty", "--bases", 2)
    assert done.exit_code == 0
    with reading(engine) as session:
        (made,) = session.query(EmulationRun).all()
        runs = {one.run for one in session.query(EmulatedImage)}
    assert sorted(made.settings["clusters"]) == [0, 1]
    assert {ISLANDS[run] for run in runs} == {2.0, 0.02}


def test_given_a_base_that_is_gone_or_spoilt_when_emulated_then_the_others_are_made_and_it_is_told(
    config, call, labelled, cells
):
    store = ImageStore(config.under_state(config.keeper.images))
    gone, spoilt, *left = bases(config)
    store.path(gone.sha256, "png").unlink()
    path = store.path(spoilt.sha256, "png")
    path.chmod(0o644)
    path.write_bytes(b"no image")
    done = call("emulate", "make", PLOT, "--map", cells, "--kind", "empty", "--bases", 10)
    assert done.exit_code == 0
    assert f"{len(left)} images of 10 bases" in done.output
    assert f"base {gone.sha256[:12]} was left out" in done.output
    assert f"base {spoilt.sha256[:12]} was left out" in done.output
    for image in left:
        store.path(image.sha256, "png").unlink()
    with pytest.raises(CommandError, match="no base could be used, 10 tried"):
        call("emulate", "make", PLOT, "--map", cells, "--kind", "empty", "--bases", 10)


def test_given_an_emulated_image_when_its_record_is_followed_then_the_same_bytes_come_out(
    config, call, labelled, cells
):
    call("emulate", "make", PLOT, "--map", cells, "--kind", "light-leak", "--bases", 1)
    store = ImageStore(config.under_state(config.keeper.images))
    with reading(open_record(config)) as session:
        row = session.query(EmulatedImage).first()
        image = session.get(Plot, row.plot_id)
        (series,) = session.query(EmulationRun).all()
        kept = read_kept(store, image.sha256)
        base = decode(read_kept(store, row.base_sha256), config.input.max_pixels)
        again = emulate(base, read_map(cells), Change(**row.parameters))
        assert series.channel_map == read_map(cells).digest
        assert series.user_name
        assert series.host
        assert row.base_sha256 in series.settings["bases"]
        assert np.array_equal(decode(kept, config.input.max_pixels), again.pixels)
        assert [tuple(box) for box in row.regions] == [tuple(box) for box in again.regions]
