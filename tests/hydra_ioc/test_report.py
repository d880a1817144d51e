"""The page of a training report, and the answers that come back."""

import hashlib
import json

import cv2
import numpy as np
import pytest

from db.engine import make_engine, reading, writing
from db.label_queries import labels
from db.signoff_queries import find
from db.startup import upgrade
from hydra_ioc import report_cells
from hydra_ioc.report_answers import (
    check_reviewed,
    open_report,
    read_answers,
    take_answers,
)
from hydra_ioc.report_page import Cell, Mistake, Report, Shown, page
from pipeline.config import Config
from pipeline.errors import CommandError, InputError, LabelError
from pipeline.keeper.imagestore import ImageStore
from pipeline.vision.card import Metrics, ModelCard
from pipeline.vision.judged import JudgedImage
from tests.db.samples import WHO, digest, judged_plot, kept

HOSTILE = '</script><img src=x onerror="alert(1)">&'
PLOT = "CDC_occupancy"


def mistake(name: str = digest(1), **changes) -> Mistake:
    values = {
        "name": name,
        "run": 7,
        "label": "Good",
        "given": "Bad",
        "weight": 0.9,
        "picture": "",
        "answerable": True,
    }
    return Mistake(**(values | changes))


def report(*mistakes: Mistake, **changes) -> Report:
    values = {
        "digest": digest(PLOT),
        "title": "Training report",
        "facts": (("note", "none"),),
        "labels": ("Good", "Bad"),
        "cells": tuple(
            Cell(label, given, 0, 1, "", (Shown(digest(1), 7, 0.9, held_out=True),))
            for label in ("Good", "Bad")
            for given in ("Good", "Bad")
        ),
        "mistakes": mistakes,
    }
    return Report(**(values | changes))


@pytest.fixture
def engine(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    upgrade(url)
    engine = make_engine(url)
    with writing(engine) as session:
        plot, _ = judged_plot(session)
        session.add_all(kept(plot, chunk) for chunk in (1, 2))
    return engine


def answers(tmp_path, *rows, **changes):
    file = tmp_path / "answers.json"
    file.write_text(json.dumps({"v": 1, "model": digest(PLOT), "answers": list(rows), **changes}))
    return file


def test_given_hostile_texts_when_a_page_is_made_then_none_becomes_markup():
    text = page(
        report(
            mistake(HOSTILE, label=HOSTILE, given=HOSTILE),
            title=HOSTILE,
            facts=((HOSTILE, HOSTILE),),
            cells=(Cell(HOSTILE, HOSTILE, 1, 1, "", (Shown(HOSTILE, 1, 0.5, held_out=True),)),) * 4,
        )
    )
    assert "<img src=x" not in text
    assert text.count("</script>") == 2
    assert "default-src 'none'" in text


def test_given_a_report_when_answered_then_labels_change_and_nothing_is_open(engine, tmp_path):
    with writing(engine) as session:
        assert open_report(session, report(mistake(), mistake(digest(2))), (PLOT,), "r.html") == 2
        assert open_report(session, report(), (PLOT,), "r.html") == 2, "a report is made once"
    with pytest.raises(CommandError, match="2 images of the report"), reading(engine) as session:
        check_reviewed(session, find(session, digest(PLOT)))
    file = answers(
        tmp_path,
        {"sha256": digest(1), "label": "Bad", "comment": "dead slot"},
        {"sha256": digest(2), "label": "Good"},
    )
    with writing(engine) as session:
        taken = take_answers(session, WHO, read_answers(file))
    assert (taken.answered, taken.changed, taken.open) == (2, 2, 0)
    with reading(engine) as session:
        found = {one.sha256: (one.label, one.comment, one.source) for one in labels(session)}
        check_reviewed(session, find(session, digest(PLOT)))
    assert found[digest(1)] == ("Bad", "dead slot", "report")
    assert found[digest(2)] == ("Good", "", "report")


def test_given_no_report_when_called_reviewed_then_the_command_is_told(engine):
    with pytest.raises(CommandError, match="hydra-ioc models report"), reading(engine) as session:
        check_reviewed(session, find(session, digest(PLOT)))


def test_given_one_label_outside_the_palette_when_answered_then_nothing_is_taken(engine, tmp_path):
    with writing(engine) as session:
        open_report(session, report(mistake(), mistake(digest(2))), (PLOT,), "r.html")
    file = answers(
        tmp_path, {"sha256": digest(1), "label": "Bad"}, {"sha256": digest(2), "label": "Nice"}
    )
    with pytest.raises(LabelError, match="received Nice"), writing(engine) as session:
        take_answers(session, WHO, read_answers(file))
    with reading(engine) as session:
        assert labels(session) == ()


def test_given_an_image_of_no_report_when_answered_then_it_is_refused(engine, tmp_path):
    file = answers(tmp_path, {"sha256": digest(1), "label": "Bad"})
    with pytest.raises(InputError, match="make the report first"), writing(engine) as session:
        take_answers(session, WHO, read_answers(file))


OTHER_VERSION = json.dumps({"v": 2, "model": "a" * 64, "answers": []})
NO_MODEL = json.dumps({"v": 1, "model": "x", "answers": []})


@pytest.mark.parametrize("text", ["", "{}", "[1]", NO_MODEL, OTHER_VERSION, "\xff"])
def test_given_no_answers_when_read_then_it_is_said_what_was_expected(tmp_path, text):
    file = tmp_path / "answers.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match="holds no answers"):
        read_answers(file)


def test_given_a_model_of_two_plot_types_when_answered_then_each_image_gets_its_label(
    engine, tmp_path
):
    second = "BCAL_timing"
    with writing(engine) as session:
        plot, _ = judged_plot(session, second)
        session.add(kept(plot, 3))
        made = report(mistake(), mistake(digest(3)))
        assert open_report(session, made, (PLOT, second), "r.html") == 2
    file = answers(
        tmp_path,
        {"sha256": digest(1), "label": "Bad"},
        {"sha256": digest(3), "label": "Bad"},
    )
    with writing(engine) as session:
        taken = take_answers(session, WHO, read_answers(file))
    assert (taken.answered, taken.changed, taken.open) == (2, 2, 0)
    with reading(engine) as session:
        found = {(one.plot, one.sha256): one.label for one in labels(session)}
    assert found == {(PLOT, digest(1)): "Bad", (second, digest(3)): "Bad"}


def test_given_more_images_than_are_pictured_when_laid_out_then_the_rest_is_named(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(report_cells, "PICTURES", 2)
    config = Config(state_dir=tmp_path)
    store = ImageStore(config.under_state(config.keeper.images))
    done, data = cv2.imencode(".png", np.full((60, 80, 3), 200, np.uint8))
    names = [hashlib.sha256(bytes([n])).hexdigest() for n in range(4)]
    for name in names:
        store.path(name, "png").parent.mkdir(parents=True, exist_ok=True)
        store.path(name, "png").write_bytes(data.tobytes())
    store.path(names[0], "png").write_bytes(b"no image")
    weights = (0.9, 0.6, 0.7, 0.8)
    images = [
        JudgedImage(name, 1, "Good", (weight, 1 - weight), "validate")
        for name, weight in zip(names, weights, strict=True)
    ]
    card = ModelCard(
        name="a", plots=("a",), architecture="a", labels=("Good", "Bad"), input_shape=(8, 8, 3),
        preprocessing="area-rgb", map_shape=(1, 1), embedding_size=1,
        thresholds={"Good": 0.5, "Bad": 0.5}, training_runs=(1,), validation_runs=(2,),
        training_counts={"Good": 1, "Bad": 1}, training_set="0" * 64,
        metrics=Metrics(confusion=((1, 0), (0, 1)), loss=0.1, epochs=1), seed=1, versions={},
        files={},
    )  # fmt: skip
    cells = report_cells.cells_of(config, card, images, ("png",))
    assert done
    assert [one.name for one in cells[0].images] == [names[1], names[2], names[3], names[0]]
    assert [bool(one.picture) for one in cells[0].images] == [True, True, False, False]
    assert [len(cell.images) for cell in cells] == [4, 0, 0, 0]
