"""Novelty, embeddings and clusters of drawn plots, from the command line on."""

import csv
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("sklearn")
from msgspec.structs import replace
from sqlalchemy import func, select

from db.catalogue import Plot
from db.catalogue_queries import add_plot, catalogue
from db.embedding_queries import count_embeddings, embeddings_of, prune_embeddings
from db.embeddings import Embedding
from db.engine import reading, writing
from db.queue_queries import candidates
from db.startup import upgrade
from hydra_ioc import embedding
from hydra_ioc.cli import cli
from hydra_ioc.record import actor, open_record
from hydra_ioc.simulated import EVALUATION, TRAINING, sample
from pipeline.config import Config
from pipeline.keeper.catalogue import read_plots
from pipeline.messages import Order, Report
from pipeline.predict.novelty import Novelties
from pipeline.vision.backbone import shipped
from pipeline.vision.serving import load
from simulation.drawing import Fault

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]
PLOT = "RF_time"
KNOWN = ("", "noise")
UNSEEN = "double-peak"


def drawn(kind: str, index: int, purpose: int = TRAINING) -> np.ndarray:
    faults = (Fault(kind),) if kind else ()
    one = sample(PLOT, purpose, index, np.random.default_rng([index, purpose]), faults=faults)
    return cv2.resize(one.draw().pixels, (320, 240), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with 12 Good and 12 Bad images of 12 runs, and a model trained with them."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "h.toml").write_text('state_dir = "var"\n[sockets]\ntimeout_s = 0.2\n')
    config = Config(state_dir=folder / "var")
    upgrade(config.database_url())
    with writing(open_record(config)) as session:
        add_plot(session, PLOT, labels=("Good", "Bad", "NoData"))
        add_plot(session, "Empty_plot", labels=("Good", "Bad", "NoData"))
    lines = ["plot,path,label,run,chunk"]
    for index in range(24):
        kind = KNOWN[index % 2]
        cv2.imwrite(str(folder / f"{index}.png"), drawn(kind, index)[..., ::-1])
        label = "Bad" if kind else "Good"
        lines.append(f"{PLOT},{index}.png,{label},{7919 * (index // 2) + 100},{31 * index}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    call(folder, "labels", "import", str(folder / "labels.csv"))
    return folder


@pytest.fixture(scope="module")
def model(site: Path) -> str:
    text = call(site, "train", PLOT)
    assert "novelty: 24 images described, 24 calibrate it" in text
    digest = re.search(r"^model (\w+)$", text, re.MULTILINE)[1]
    call(site, "plots", "model", PLOT, digest, "--probation")
    return digest


def call(folder: Path, *arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(cli, ["--config", str(folder / "h.toml"), *arguments])
    text = found.output + (str(found.exception) if found.exception else "")
    assert (found.exit_code == 0) == (code == 0), text
    return text


def engine_of(folder: Path):
    return open_record(Config(state_dir=folder / "var"))


def entry_of(folder: Path):
    with reading(engine_of(folder)) as session:
        return next(one for one in read_plots(session).entries if one.name == PLOT)


def told(folder: Path, images: list[np.ndarray], entry=None) -> list[float | None]:
    """What Predict tells of images."""
    entry = entry or entry_of(folder)
    store = folder / "var" / "models"
    order = Order(
        order_id="1",
        plot=entry,
        run=1,
        period="NA",
        chunk=1,
        image_time=1.0,
        closed_time=1.0,
        sha256="0" * 64,
        path="x",
    )
    embeddings = load(store / entry.model.digest).run(np.stack(images), maps=False).embedding
    novelties = Novelties(store)
    report = Report(order=order, worker="Predict0")
    pairs = zip(embeddings, images, strict=True)
    return [novelties.told((report, []), one, image)[0].novelty for one, image in pairs]


def test_given_a_trained_model_when_a_fault_of_no_known_kind_comes_then_it_is_more_novel(
    site: Path, model: str
) -> None:
    known = told(site, [drawn(KNOWN[i % 2], 100 + i, EVALUATION) for i in range(8)])
    unseen = told(site, [drawn(UNSEEN, 200 + i, EVALUATION) for i in range(6)])
    assert all(0.0 <= value <= 1.0 for value in (*known, *unseen))
    assert np.median(unseen) < np.median(known) / 3
    assert np.median(known) > 0.05
    assert entry_of(site).model.digest == model


def test_given_a_changed_description_when_read_then_the_verdict_stands_without_novelty(
    site: Path, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_of(site)
    file = next((site / "var" / "models" / model).glob("novelty-*.bin"))
    good = file.read_bytes()
    image = drawn("", 300)
    try:
        file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        assert told(site, [image, image]) == [None, None]
        assert caplog.text.count("event=no-novelty") == 1
        assert "was changed" in caplog.text
    finally:
        file.write_bytes(good)
    missing = replace(entry, model=replace(entry.model, novelty="f" * 64))
    assert told(site, [image], missing) == [None]
    without = replace(entry, model=replace(entry.model, novelty=""))
    assert told(site, [image], without) == [None]


def test_given_a_model_of_an_earlier_release_when_fitted_by_command_then_it_tells_the_same(
    site: Path, model: str
) -> None:
    images = [drawn("", 400), drawn(UNSEEN, 401)]
    before = told(site, images)
    text = call(site, "novelty", "fit", PLOT, "--why", "taken over")
    assert "24 images described" in text
    assert told(site, images) == pytest.approx(before, rel=1e-3)
    assert "24 images described" in call(site, "novelty", "fit", PLOT, "--labelled")
    assert "tells" in call(site, "novelty", "list")
    assert "has no model" in call(site, "novelty", "fit", "Empty_plot", code=1)


def test_given_a_limit_when_set_then_it_is_in_the_catalogue_and_on_record(
    site: Path, model: str
) -> None:
    assert entry_of(site).novel_below == 0.0
    call(site, "novelty", "limit", PLOT, "0.01", "--why", "new target")
    assert entry_of(site).novel_below == 0.01
    audited = call(site, "novelty", "list")
    assert "Unknown below 0.01" in audited
    assert "before 0.01" in call(site, "novelty", "limit", PLOT, "0")
    assert entry_of(site).novel_below == 0.0
    call(site, "novelty", "limit", PLOT, "1.5", code=1)
    assert "no novelty yet" in call(site, "novelty", "limit", "Empty_plot", "0.1")


def test_given_kept_images_when_embedded_then_interruption_and_model_changes_do_no_harm(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, config = engine_of(site), Config(state_dir=site / "var")
    monkeypatch.setattr(embedding, "COMMIT", 8)

    def stop(done: int, _total: int) -> None:
        if done == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedding.compute(engine, config, shipped(), PLOT, actor(), step=stop)
    text = call(site, "embeddings", "compute", PLOT)
    assert "8 images embedded" in text
    assert "0 images embedded" in call(site, "embeddings", "compute", PLOT)
    with reading(engine) as session:
        kept = session.scalar(select(func.count()).select_from(Plot))
        source, rows = embeddings_of(session, PLOT)
        count = next(one for one in count_embeddings(session) if one.space)
        assert (kept, len(rows), count.images, count.source) == (24, 24, 24, source)
        assert {row[4] for row in rows} == {"Good", "Bad"}
        assert all(one.vector for one in candidates(session, PLOT, 100))
    assert "left out" in call(site, "embeddings", "compute")
    assert "nothing tells" in call(site, "embeddings", "compute", "Empty_plot", code=1)


def test_given_embeddings_of_plots_when_clustered_then_kinds_come_apart(
    site: Path, tmp_path: Path
) -> None:
    call(site, "embeddings", "compute", PLOT)
    picture, table = tmp_path / "map.png", tmp_path / "table.csv"
    for colour in ("label", "run", "beam", "cluster"):
        text = call(
            *(site, "clusters", PLOT, "--k", "2", "--colour", colour),
            *("--picture", str(picture), "--table", str(table)),
        )
        assert "24 images of RF_time in 2 clusters" in text
        assert cv2.imread(str(picture)).shape[0] > 300
    with table.open() as file:
        rows = list(csv.DictReader(file))
    of = {
        label: [row["cluster"] for row in rows if row["label"] == label]
        for label in ("Good", "Bad")
    }
    most = {label: max(set(found), key=found.count) for label, found in of.items()}
    assert most["Good"] != most["Bad"]
    assert min(found.count(most[label]) for label, found in of.items()) >= 10
    assert "clusters, silhouette" in call(site, "clusters", PLOT)


def test_given_many_embeddings_of_models_when_pruned_then_those_of_the_space_stay(
    site: Path,
) -> None:
    call(site, "embeddings", "compute", PLOT)
    with writing(engine_of(site)) as session:
        target = next(row for row in catalogue(session) if row.name == PLOT)
        for number in range(30):
            session.add(
                Embedding(
                    plot_type_id=target.plot_type_id,
                    source="a" * 64,
                    sha256=f"{number:064x}",
                    run=number,
                    label="Good",
                    vector=b"\0\0",
                    made_at=float(number),
                )
            )
        session.flush()
        assert prune_embeddings(session, 24) == 6
        counts = {one.space: one.images for one in count_embeddings(session)}
    assert counts == {True: 24, False: 24}


def test_given_an_unreadable_image_when_embedded_then_it_is_told_and_the_others_are_done(
    site: Path,
) -> None:
    with reading(engine_of(site)) as session:
        bad = session.scalars(select(Plot.sha256).order_by(Plot.id)).all()[1]
    file = site / "var" / "images" / bad[:2] / f"{bad[2:]}.png"
    content = file.read_bytes()
    with writing(engine_of(site)) as session:
        for row in session.scalars(select(Embedding).where(Embedding.sha256 == bad)):
            session.delete(row)
    try:
        file.write_bytes(b"no image")
        text = call(site, "embeddings", "compute", PLOT, code=1)
        assert "1 images cannot be read" in text
        assert bad[:16] in text
    finally:
        file.write_bytes(content)
    assert "1 images embedded" in call(site, "embeddings", "compute", PLOT)
