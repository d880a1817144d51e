"""References that follow slow changes, and never into a fault."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import select

pytest.importorskip("onnx")
from db.adaptation_queries import proposals
from db.adaptations import ReferenceDecision
from db.audit import AuditLog
from db.audit_queries import Actor
from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.reference_queries import reference_images, references
from db.run_type_queries import set_run_type
from db.startup import upgrade
from db.user_queries import grant
from hydra_ioc.adaptation import drift_of
from hydra_ioc.cli import cli
from hydra_ioc.record import open_record
from hydra_ioc.simulated import EVALUATION, TRAINING, sample
from pipeline.config import Config
from pipeline.keeper.catalogue import read_plots
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.preprocess import decode
from pipeline.vision.serving import load
from simulation.drawing import Fault

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]
PLOT = "RF_time"
SIZE = (320, 240)


def drawn(kind: str, index: int, purpose: int = TRAINING) -> np.ndarray:
    faults = (Fault(kind),) if kind else ()
    one = sample(PLOT, purpose, index, np.random.default_rng([index, purpose]), faults=faults)
    return cv2.resize(one.draw().pixels, SIZE, interpolation=cv2.INTER_AREA)


class Site:
    """A deployment of one plot that has references of twenty runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 1000
        (folder / "h.toml").write_text('state_dir = "var"\n[sockets]\ntimeout_s = 0.2\n')
        self.config = Config(state_dir=folder / "var")
        upgrade(self.config.database_url())
        self.engine = open_record(self.config)
        with writing(self.engine) as session:
            add_plot(session, PLOT, labels=("Good", "Bad", "NoData"))
        self.label([drawn("", index) for index in range(20)], period="A", label="NoData")
        hashes = [part for key in self.known() for part in ("--sha256", key)]
        self.call("references", "add", PLOT, *hashes)

    def label(self, images: list[np.ndarray], period: str = "B", label: str = "Good") -> None:
        """Let somebody label images, each of a run of its own."""
        with (self.folder / "labels.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["plot", "path", "label", "run", "chunk", "period"])
            for image in images:
                self.runs += 7
                name = f"{self.runs}.png"
                cv2.imwrite(str(self.folder / name), image[..., ::-1])
                table.writerow([PLOT, name, label, self.runs, 1, period])
        self.call("labels", "import", str(self.folder / "labels.csv"))

    def known(self) -> list[str]:
        from db.label_queries import labels

        with reading(self.engine) as session:
            return [row.sha256 for row in labels(session, PLOT)]

    def call(self, *arguments: str, code: int = 0) -> str:
        found = CliRunner().invoke(cli, ["--config", str(self.folder / "h.toml"), *arguments])
        text = found.output + (str(found.exception) if found.exception else "")
        assert (found.exit_code == 0) == (code == 0), text
        return text

    def rows(self):
        with reading(self.engine) as session:
            return references(session, PLOT)

    def images(self, set_id: int) -> dict[str, np.ndarray]:
        store = ImageStore(self.config.under_state(self.config.keeper.images))
        with reading(self.engine) as session:
            keys = reference_images(session, set_id)
        return {key: decode(store.path(key, "png").read_bytes(), 1_000_000) for key in keys}

    def similar(self, digest: str, images: list[np.ndarray]) -> list[float]:
        served = load(self.config.under_state(self.config.predict.models) / digest)
        return [float(served.run(i[None], maps=False).probabilities[0, 0]) for i in images]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def between(share: float, first: int = 100) -> list[np.ndarray]:
    """Images on their way from Good to a fault."""
    pairs = [
        [drawn(kind, index, EVALUATION).astype(float) for kind in ("", "noise")]
        for index in range(first, first + 8)
    ]
    return [((1 - share) * good + share * bad).astype(np.uint8) for good, bad in pairs]


def test_given_similarities_when_measured_then_the_drift_counts_decades_from_the_middle():
    assert drift_of([0.5]) == drift_of([0.9, 0.8, 0.1]) == 0.0
    assert drift_of([0.05, 0.05, 0.9]) == pytest.approx(1.0)
    assert drift_of([0.0]) == pytest.approx(np.log10(0.5e12))


def test_given_good_images_of_this_period_when_adapted_then_an_expert_decides_and_it_is_on_record(
    site: Site,
):
    text = site.call("references", "adapt", PLOT, code=1)
    assert "expected at least 5 images of plot RF_time from 2 runs" in text
    site.label(between(0.015))
    text = site.call("references", "adapt", PLOT, "--why", "weekly")
    assert "proposal 1: 4 references go, 4 come; 8 images of B called Good" in text
    assert len(site.rows()) == 1
    with reading(site.engine) as session:
        (entry,) = read_plots(session).entries
    assert (entry.similarity.proposal, entry.similarity.original) == (1, 0)
    assert "proposal 1 of plot RF_time is open" in site.call("references", "adapt", PLOT, code=1)
    assert "nothing to propose" in site.call("references", "adapt")

    assert "version 2 in force" in site.call("references", "accept", "1", "--why", "looks right")
    old, new = site.rows()
    assert (new.active, new.count, new.original_version, old.drift) == (True, 20, 1, 0.0)
    assert 0.0 < new.drift < 1.0
    assert (new.threshold, new.decides, new.severity) == (old.threshold, old.decides, old.severity)
    assert len(site.images(old.set_id).keys() & site.images(new.set_id).keys()) == 16
    with reading(site.engine) as session:
        (entry,) = read_plots(session).entries
        (decision,) = session.scalars(select(ReferenceDecision))
        actions = session.scalars(select(AuditLog.action).order_by(AuditLog.id)).all()
    similarity = entry.similarity
    assert (similarity.version, similarity.original, similarity.proposal) == (2, 1, 0)
    assert similarity.drift == new.drift
    assert (decision.accepted, decision.why) == (True, "looks right")
    assert actions.count("propose-references") == 1
    assert "is accepted" in site.call("references", "accept", "1", code=1)
    assert "adapted from version 1" in site.call("references", "list")

    site.label(between(0.01))
    # Another one refused, and one that a person's choice overtook.
    assert "proposal 2" in site.call("references", "adapt", PLOT)
    assert "stay as they are" in site.call("references", "refuse", "2", "--why", "the gas")
    assert "proposal 3" in site.call("references", "adapt", PLOT)
    site.call("references", "use", PLOT, "1")
    assert "is void" in site.call("references", "accept", "3", code=1)
    with reading(site.engine) as session:
        assert [one.state for one in proposals(session)] == ["accepted", "refused", "void"]
    assert site.call("references", "proposals", "--images").count("comes") == 12


def test_given_a_fault_that_grows_slowly_when_all_is_called_good_and_accepted_then_it_is_not_learnt(
    site: Site,
):
    original = site.rows()[0]
    followed, share, refusal = 0, 0.0, ""
    while not refusal and share < 1.0:
        share += 0.01
        site.label(between(share, 200 + 8 * followed))
        found = CliRunner().invoke(
            cli, ["--config", str(site.folder / "h.toml"), "references", "adapt", PLOT]
        )
        if found.exit_code:
            refusal = str(found.exception)
            break
        followed += 1
        site.call("references", "accept", str(followed))
    assert followed >= 2
    assert "has drifted" in refusal or "are unlike the references" in refusal
    assert share < 0.3
    adapted = site.rows()[-1]
    assert adapted.original_version == 1
    known = site.images(original.set_id).keys()
    learnt = [one for key, one in site.images(adapted.set_id).items() if key not in known]
    # What the original references call unlike never becomes a reference ...
    assert min(site.similar(original.digest, learnt)) >= original.threshold
    # ... a slow change is followed, and the fault itself is told as before.
    before, after = (site.similar(row.digest, between(0.02)) for row in (original, adapted))
    assert np.median(after) > np.median(before)
    assert max(site.similar(adapted.digest, between(1.0))) < adapted.threshold


def test_given_a_jump_when_called_good_then_the_labels_are_doubted(site: Site):
    site.label(between(0.5))
    text = site.call("references", "adapt", PLOT, code=1)
    assert "8 of 8 images called Good are unlike the references of version 1" in text
    assert "references add RF_time" in text


def test_given_another_run_type_or_no_right_when_adapted_then_it_is_refused(site: Site):
    with writing(site.engine) as session:
        set_run_type(session, Actor("ann", "console"), "cosmic", measured=True)
    hashes = [part for key in site.known() for part in ("--sha256", key)]
    site.call("references", "add", PLOT, *hashes, "--run-type", "production")
    site.label(between(0.0))
    # They were taken while the run type was cosmic.
    with reading(site.engine) as session:
        assert references(session)[-1].run_type == "production"
    assert "found 0 of 0" in site.call("references", "adapt", PLOT, code=1)
    with writing(site.engine) as session:
        grant(session, Actor("root", "console"), "somebody", "Admin")
    assert "may not set-references" in site.call("references", "adapt", PLOT, code=1)
    # Without a plot as well: nothing to propose is no failure, no right is one.
    assert "may not set-references" in site.call("references", "adapt", code=1)
