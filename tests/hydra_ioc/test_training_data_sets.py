"""From a request for a training to a model, by the labels of a version and by those of now."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn")
from sqlalchemy import select

from db.catalogue_queries import plot_type
from db.data_set_queries import data_sets_of
from db.engine import reading, writing
from db.label_queries import NewLabel, add_label, keep_image
from db.models import ActiveModel
from db.retrain_queries import close_trained, open_request, requests
from db.signoff_queries import find, signatures
from db.signoffs import TRAINED
from db.startup import upgrade
from db.training_records import images_of
from tests.hydra_ioc.data_set_site import Site
from tests.hydra_ioc.test_data_set_files import call
from tests.pipeline.vision.toys import toy

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]
PLOT = "toy"


def show(site: Site, index: int, label: str) -> str:
    """Keep and label one toy plot of a run of its own."""
    image = toy(("Good", "Bad")[index % 2], np.random.default_rng(index))
    image = cv2.resize(image, (320, 240), interpolation=cv2.INTER_NEAREST)
    data = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    sha256 = hashlib.sha256(data).hexdigest()
    site.store.keep_bytes(data, sha256, "png")
    with writing(site.engine) as session:
        keep_image(
            session, PLOT, sha256=sha256, period="P", run=index * 977, chunk=index, image_time=1e9
        )
        add_label(session, NewLabel(plot=PLOT, sha256=sha256, label=label, user="ann"))
    return sha256


def digest_in(text: str) -> str:
    return next(line.split()[1] for line in text.splitlines() if line.startswith("model "))


def test_given_a_request_when_run_then_new_labels_enter_and_the_model_waits_for_its_signatures(
    tmp_path: Path,
) -> None:
    upgrade(f"sqlite:///{tmp_path / 'h.db'}")
    site = Site(tmp_path / "state", f"sqlite:///{tmp_path / 'h.db'}")
    site.add(PLOT)
    shown = [show(site, index, ("Good", "Bad")[index % 2]) for index in range(16)]
    first = digest_in(call(site, "train", PLOT, "--no-report"))
    with writing(site.engine) as session:
        open_request(session, plot_type(session, PLOT).id, "bad-labels", "10 new ones", 0.0)
    new = [show(site, index, ("Good", "Bad")[index % 2]) for index in (16, 17)]
    with writing(site.engine) as session:
        # The first image was labelled wrongly, it turns out, and the third shows nothing.
        add_label(session, NewLabel(plot=PLOT, sha256=shown[0], label="Bad", user="bob"))
        add_label(session, NewLabel(plot=PLOT, sha256=shown[2], label="Ignore", user="bob"))
    with reading(site.engine) as session:
        request = requests(session, PLOT)[0].id
    second = digest_in(call(site, "retrain", "run", str(request)))
    assert second != first
    with reading(site.engine) as session:
        found = {one.sha256: one.label for one in images_of(session, second)}
        assert found.keys() == {*shown, *new} - {shown[2]}
        assert found[shown[0]] == "Bad"
        assert [one.step for one in signatures(session, find(session, second))] == [TRAINED]
        assert session.scalars(select(ActiveModel)).all() == []
        assert [one.told for one in data_sets_of(session, second)] == [f"{PLOT}@2"]
        before = {one.sha256: one.label for one in images_of(session, first)}
        assert (before.keys(), before[shown[0]]) == (set(shown), "Good")
    with writing(site.engine) as session:
        # What the Keeper does in its next round.
        assert close_trained(session, plot_type(session, PLOT).id, 0.0) == 1
        assert requests(session, PLOT, closed=True)[0].close_reason == (
            f"model {second[:12]} was trained"
        )
    # Labels have changed since: version and record give the first model again.
    assert first in call(site, "train", PLOT, "--no-report", "--dataset", f"{PLOT}@1")
    assert first in call(site, "models", "remake", first[:12])
    assert f"received data sets of {PLOT}, {PLOT}" in call(
        site, "train", PLOT, "--dataset", f"{PLOT}@1", "--dataset", f"{PLOT}@2", code=1
    )
    listed = call(site, "datasets", "list")
    assert listed.count(" 1 models") == 2
