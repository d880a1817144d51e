"""Fixtures of the IOC's tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ioc.rig import Rig


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """A short folder: ipc paths have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hy"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def rig(session_folder: Path) -> Iterator[Rig]:
    """An IOC that lives for all tests; a test takes a plot of its own."""
    rig = Rig(session_folder)
    yield rig
    rig.close()
