"""A tiny model, trained once for all tests of the room."""

import os
from pathlib import Path

import pytest

from tests.pipeline.vision.toys import SHAPE, toys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def toy_settings():
    """Settings under which the toy plots are learnt in seconds."""
    fitting = pytest.importorskip("pipeline.vision.fitting")
    return fitting.Settings(input_shape=SHAPE, epochs=10, batch=16, threads=2)


@pytest.fixture(scope="session")
def trained_toy(toy_settings):
    """A network trained on toy plots, with the lines it told on the way."""
    from pipeline.vision.training import train

    lines: list[str] = []
    return train(toys(), toy_settings, lines.append), lines


@pytest.fixture(scope="session")
def toy_store(trained_toy, tmp_path_factory) -> tuple[Path, str]:
    """A model store with the trained network, and its digest."""
    from pipeline.vision.export import save

    store = tmp_path_factory.mktemp("store")
    return store, save(trained_toy[0], store, ("toy",))
