"""The pictures of references that a snapshot carries."""

import pytest
from msgspec.structs import replace

from pipeline.keeper import references
from pipeline.keeper.references import reference_pictures
from pipeline.messages import ReferencePicture, SimilarityRef, decode
from tests.pipeline.keeper.deployment import make_config
from tests.pipeline.keeper.test_judge import ENTRY

DIGEST = "ab" * 32
REFERENCES = SimilarityRef(
    set_id=3, version=1, count=5, threshold=0.01, typical="cd" * 32, digest=DIGEST
)
WITH = replace(ENTRY, similarity=REFERENCES)


def sent(config, *entries):
    return [
        decode([bytes(part) for part in parts]) for parts in reference_pictures(config, entries)
    ]


@pytest.fixture
def config(tmp_path):
    made = make_config(tmp_path)
    (made.under_state(made.predict.models) / DIGEST).mkdir(parents=True)
    return made


def test_given_references_when_asked_for_then_only_plots_that_have_some_are_told(config):
    folder = config.under_state(config.predict.models) / DIGEST
    (folder / references.FILE).write_bytes(b"\xff\xd8 picture")
    [(message, frames)] = sent(config, ENTRY, WITH)
    assert message == ReferencePicture(plot=ENTRY.name, set_id=3)
    assert frames == [b"\xff\xd8 picture"]


@pytest.mark.parametrize("content", [None, b"", b"GIF89a", b"\xff\xd8" + bytes(100)])
def test_given_a_picture_that_cannot_be_used_when_asked_for_then_the_frame_is_empty_and_it_is_told(
    config, content, monkeypatch, caplog
):
    monkeypatch.setattr(references, "LIMIT", 50)
    if content is not None:
        folder = config.under_state(config.predict.models) / DIGEST
        (folder / references.FILE).write_bytes(content)
    [(message, frames)] = sent(config, WITH)
    assert (message.set_id, frames) == (3, [b""])
    assert "event=no-reference-picture" in caplog.text


def test_given_references_of_an_earlier_release_when_asked_for_then_the_frame_is_empty(
    config, caplog
):
    old = replace(WITH, similarity=replace(REFERENCES, typical=""))
    assert sent(config, old)[0][1] == [b""]
    assert not caplog.text
