"""What is true of every command of the record."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("history",), 1),
        (("history", "--limit", "0"), 2),
        (("plots", "frobnicate"), 2),
        (("plots", "add"), 2),
        (("db", "downgrade"), 2),
    ],
)
def test_given_a_faulty_call_when_typed_then_the_exit_code_tells_the_kind(config_file, words, code):
    result = subprocess.run(
        [str(Path(sys.executable).parent / "hydra-ioc"), "--config", str(config_file), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == code
    assert result.stderr
    assert "Traceback" not in result.stderr
