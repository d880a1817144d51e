"""The house rules that no linter knows."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("ioc", "pipeline", "displays", "db", "simulation", "hydra_ioc")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_given_a_module_when_measured_then_it_and_its_functions_fit_the_eye(path):
    text = path.read_text()
    assert text.count("\n") <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("kind", ["run", "dev"])
def test_given_a_lock_file_when_read_then_it_has_hashes_and_no_addresses(kind):
    text = (ROOT / "requirements" / f"{kind}.lock").read_text()
    assert "://" not in text
    assert text.count("==") == sum(
        "--hash" not in line and "==" in line for line in text.split("\n")
    )
    assert "--hash=sha256:" in text


def test_given_the_run_lock_when_read_then_it_holds_no_training_library():
    text = (ROOT / "requirements" / "run.lock").read_text()
    assert "tensorflow" not in text


def test_given_the_project_file_when_read_then_every_room_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for room in (*ROOMS, "migrations")
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert listed == there


def test_given_the_tests_when_collected_then_every_folder_is_a_package():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
