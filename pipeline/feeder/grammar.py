"""What a file's name and path say: plot, chunk, time, run and period.

The rules are a table; the first one that fits a file name wins. Names come
from outside and end up in PV names, database rows and paths, so only names of
a narrow alphabet pass.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Final

from pipeline.config import Config
from pipeline.errors import ConfigError, FileError

PLOT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
"""Names fit for a PV: 40 characters leave 20 for prefix and attribute.

Source: EPICS Base ``dbCommon.dbd.pod``: a record name has at most 60 characters.
"""
FILE_TYPES: Final = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg"}
"""File type of the catalogue by suffix, in lower case."""
NO_RUN: Final = -1
NO_PERIOD: Final = "NA"
DIGITS: Final = 9
"""Most digits of a run or chunk: what a 32-bit integer column holds."""
PERIOD_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a hall names its files.

    Attributes:
        name: What the configuration calls it.
        pattern: Over the whole file name, with the groups ``plot`` and
            optionally ``part``, ``pad``, ``chunk``, ``time`` and ``run``. A part is put
            behind the plot's name, a pad is dropped; a run in the name goes before one
            in the folders.
        time_format: ``strptime`` format of the group ``time``, local time.
        folder: Over a whole path part; its first group is the run number.
            Tried after the configured ``input.run``.
    """

    name: str
    pattern: re.Pattern[str]
    time_format: str | None = None
    folder: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the path of a file says of the plot in it.

    Attributes:
        plot: Name of the plot type.
        file_type: ``png`` or ``jpg``.
        chunk: Chunk number, None for an un-chunked plot.
        time: Seconds since the epoch when the name tells it.
        run: Run number, -1 when the path names none.
        period: Run period, ``NA`` when the path names none.
    """

    plot: str
    file_type: str
    chunk: int | None
    time: float | None
    run: int
    period: str

    @property
    def kind(self) -> tuple[str, str, bool]:
        """The plot type's identity: name, file type, chunked."""
        return self.plot, self.file_type, self.chunk is not None


BUILT_IN: Final = {
    "gluex": Rule(
        name="gluex",
        # Digits behind a dash are a pad of the canvas; anything else behind a
        # dash (Kinematics-PSEnergy) is part of the name. mon12's canvases are
        # left to the next rule.
        pattern=re.compile(
            r"(?!\w+_canvas\d+_\d\d-)"
            r"(?P<plot>[A-Za-z0-9_-]+?)(?:-(?P<pad>\d+))?(?:_(?P<chunk>\d{1,9}))?"
            r"\.(?i:png|jpe?g)",
            re.ASCII,
        ),
    ),
    "clas12": Rule(
        name="clas12",
        pattern=re.compile(
            r"(?P<plot>[A-Za-z0-9_-]+_canvas\d+)"
            r"_(?P<time>\d\d-\d\d-\d{4}_\d\d\.\d\d\.\d\d_(?:AM|PM))"
            r"\.(?i:png|jpe?g)",
            re.ASCII,
        ),
        time_format="%m-%d-%Y_%I.%M.%S_%p",
        folder=re.compile(r"clas12mon_0*(\d{1,9})_.+", re.ASCII),
    ),
}
"""Rules by name.

Source:
    gluex: RootSpy ``RSAI.cc``, ``<base>_<chunk:04d>.png`` and
    ``<base>-<pad>_<chunk:04d>.png``. clas12: mon12 ``DetectorMonitor.printCanvas``
    and ``EventViewer.saveAllImages``, ``<detector>_canvas<tab>_<time>.png`` in
    ``clas12mon_<run>_<time>/`` with the time as ``MM-dd-yyyy_hh.mm.ss_aa``.
"""


class Names:
    """The file-name grammar of one deployment."""

    def __init__(self, config: Config) -> None:
        """Compile the rules.

        Raises:
            ConfigError: A named rule does not exist, or a pattern is faulty.
        """
        self._rules: list[Rule] = []
        for entry in config.input.grammars:
            if not isinstance(entry, str):
                self._rules.append(
                    Rule(entry.name, re.compile(entry.pattern, re.ASCII), entry.time_format)
                )
            elif entry in BUILT_IN:
                self._rules.append(BUILT_IN[entry])
            else:
                raise ConfigError(
                    f"input.grammars: expected one of {', '.join(BUILT_IN)} or a table, got {entry}"
                )
        self._run = _compile("input.run", config.input.run)
        self._period = _compile("input.period", config.input.period)
        if self._run.groups < 1:
            raise ConfigError(f"input.run: expected a group around the number: {config.input.run}")

    def parse(self, path: PurePath) -> Sighting:
        """Read the path of a file.

        Args:
            path: Path relative to the watched tree.

        Returns:
            What the path says.

        Raises:
            FileError: ``unknown-name``: no rule fits, or the plot's name, chunk
                or time is not fit for use.
        """
        for rule in self._rules:
            found = rule.pattern.fullmatch(path.name)
            if found:
                run, period = self._place(path.parts[:-1], rule)
                named = _group(found, "run")
                return Sighting(
                    plot=_plot(_whole(found["plot"], _group(found, "part")), path.name),
                    file_type=_file_type(path),
                    chunk=_chunk(_group(found, "chunk"), path.name),
                    time=_time(_group(found, "time"), rule.time_format, path.name),
                    run=int(named) if named and _is_number(named) else run,
                    period=period,
                )
        names = ", ".join(rule.name for rule in self._rules)
        raise FileError("unknown-name", f"{path.name!r} fits none of the rules {names}")

    def _place(self, folders: Sequence[str], rule: Rule) -> tuple[int, str]:
        """Find run and period; the folder nearest to the file decides."""
        run, period = NO_RUN, NO_PERIOD
        for folder in reversed(folders):
            found = self._run.fullmatch(folder) or (rule.folder and rule.folder.fullmatch(folder))
            if run == NO_RUN and found and _is_number(found[1]):
                run = int(found[1])
            elif (
                period == NO_PERIOD
                and len(folder) <= PERIOD_LIMIT
                and self._period.fullmatch(folder)
            ):
                period = folder
        return run, period


def _compile(key: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as error:
        raise ConfigError(f"{key}: not a regular expression: {error}") from error


def _is_number(text: str | None) -> bool:
    return bool(text) and len(text or "") <= DIGITS and (text or "").isdecimal()


def _group(found: re.Match[str], name: str) -> str | None:
    return found[name] if name in found.re.groupindex else None


def _whole(name: str | None, part: str | None) -> str | None:
    return f"{name}_{part}" if name and part else name


def _plot(name: str | None, file_name: str) -> str:
    if name is None or not PLOT_NAME.fullmatch(name):
        raise FileError(
            "unknown-name",
            f"{file_name!r}: plot name {name!r} is not fit for a PV; expected at most 40 of"
            " A-Z a-z 0-9 _ -, beginning with a letter or digit",
        )
    return name


def _file_type(path: PurePath) -> str:
    kind = FILE_TYPES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(FILE_TYPES)
        raise FileError("unknown-name", f"{path.name!r}: expected a file of type {known}")
    return kind


def _chunk(text: str | None, file_name: str) -> int | None:
    if text is None:
        return None
    if not _is_number(text):
        raise FileError(
            "unknown-name", f"{file_name!r}: expected a chunk of 1 to {DIGITS} digits, got {text!r}"
        )
    return int(text)


def _time(text: str | None, time_format: str | None, file_name: str) -> float | None:
    if text is None or time_format is None:
        return None
    try:
        return datetime.strptime(text, time_format).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise FileError(
            "unknown-name", f"{file_name!r}: time {text!r} does not fit {time_format!r}"
        ) from error
