"""Reading a configuration file and reporting all its faults together."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from pipeline.config.model import Config
from pipeline.errors import ConfigError


def load(path: Path | None) -> Config:
    """Read the configuration of a deployment.

    Args:
        path: The TOML file, or None for the embedded defaults, whose
            ``state_dir`` is ``var`` in the current folder.

    Returns:
        The configuration; ``state_dir`` is absolute.

    Raises:
        ConfigError: The file cannot be read or has faults; the text lists
            all of them, each with file and line.
    """
    if path is None:
        return Config(state_dir=Path("var").absolute())
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    state_dir = values.get("state_dir", "var")
    if isinstance(state_dir, str):
        values["state_dir"] = str(path.absolute().parent / state_dir)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [
            f"{path}:{line_of(text, fault['loc'])}: {'.'.join(map(str, fault['loc']))}:"
            f" {_sentence(fault['type'], fault['msg'])}"
            for fault in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from error


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key; see 'hydra-ioc config schema' for the keys there are"
    return message


def line_of(text: str, location: Sequence[int | str]) -> int:
    """Find the line of a key in TOML text.

    Args:
        text: The whole file.
        location: Keys from the top, as pydantic reports them.

    Returns:
        The line, counted from 1, of the deepest key found; 1 if none is.
    """
    keys = [part for part in location if isinstance(part, str)]
    best, depth, table = 1, 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([\w.\-]+)\s*\]+", line)
        if header:
            table = header[1]
            path = table.split(".")
        else:
            key = re.match(r"\s*([\w\-.]+)\s*=", line)
            if not key:
                continue
            path = [*(table.split(".") if table else []), *key[1].split(".")]
        if keys[: len(path)] == path and len(path) > depth:
            best, depth = number, len(path)
    return best
