"""Finding a rule for the names of a folder's plots, so that nobody has to write one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

from hydra_ioc.discovery import files_of
from pipeline.config import Config
from pipeline.config.model import Grammar
from pipeline.errors import FileError, InputError
from pipeline.feeder.grammar import FILE_TYPES, NO_RUN, Names

WORD: Final = r"[A-Za-z0-9_-]+"
ENDING: Final = r"\.(?i:png|jpe?g)"
RULES: Final = (
    (
        "run-word",
        rf"(?P<plot>{WORD}?)[_.-](?i:run)[_-]?(?P<run>\d{{1,9}})(?:[_.-](?P<part>{WORD}))?",
    ),
    ("run-chunk", rf"(?P<plot>{WORD}?)[_.-](?P<run>\d{{3,9}})[_.-](?P<chunk>\d{{1,9}})"),
    ("run-last", rf"(?P<plot>{WORD}?)[_.-](?P<run>\d{{1,9}})"),
    ("run-first", rf"(?i:run)?[_-]?(?P<run>\d{{1,9}})[_.-](?P<plot>{WORD})"),
    ("run-within", rf"(?P<plot>{WORD}?)[_.-](?P<run>\d{{3,9}})[_.-](?P<part>{WORD})"),
)
"""Where names of runs stand; the first is taken before all others, since it says so itself."""
FEWEST_FITTING: Final = 0.5
"""Share of the names that a proposal must fit; a rule for fewer helps nobody."""
MOST: Final = 20_000
"""Files that are looked at; a tree of years has the names of its first days."""


@dataclass(frozen=True, slots=True)
class PlotOfNames:
    """What a rule makes of some names."""

    plot: str
    files: int
    runs: int
    """Different run numbers."""
    example: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule for file names, and what it makes of those that are there."""

    grammar: Grammar | None
    """None where the rules of the project fit."""
    plots: tuple[PlotOfNames, ...]
    strangers: tuple[str, ...]
    """Names that it does not fit."""
    shared: int
    """Files that another file shares plot, run and chunk with."""


def propose(folder: Path) -> Proposal:
    """Find a rule that tells plot and run of the images in a folder.

    The rules of the project go first, where they find runs and fewer plots than
    files. Of the others, one that fits more files is better, then one under which
    fewer files share plot, run and chunk, then one that finds fewer plots.

    Args:
        folder: Holds plots, at any depth.

    Returns:
        The rule, or none where the built-in ones do, with what it makes of the files.

    Raises:
        InputError: There are no images, or no rule fits half of them.
    """
    images = (path for path in files_of(folder) if path.suffix.lower() in FILE_TYPES)
    paths = list(islice(images, MOST))
    if not paths:
        raise InputError(
            f"{folder} holds no file of type {', '.join(FILE_TYPES)}: name the folder of the plots"
        )
    usual = _tried(None, paths)
    runs = max((plot.runs for plot in usual.plots), default=0)
    if not usual.strangers and not usual.shared and runs and 2 * len(usual.plots) <= len(paths):
        return usual
    named = [_tried(Grammar(name=name, pattern=rule + ENDING), paths) for name, rule in RULES]
    best = min(named, key=lambda one: _cost(one, one is named[0]))
    if len(best.strangers) > (1 - FEWEST_FITTING) * len(paths):
        raise InputError(
            f"no rule fits the names in {folder}, such as {best.strangers[0]!r}: write one as"
            " docs/feeder.md tells, a regular expression with the groups plot and run"
        )
    return best


def _cost(found: Proposal, says_run: bool) -> tuple[int, bool, int, int]:
    return len(found.strangers), not says_run, found.shared, len(found.plots)


def _tried(grammar: Grammar | None, paths: Sequence[PurePath]) -> Proposal:
    config = Config()
    if grammar is not None:
        section = config.input.model_copy(update={"grammars": [grammar]})
        config = config.model_copy(update={"input": section})
    names = Names(config)
    strangers: list[str] = []
    seen: dict[str, list[tuple[int, int | None]]] = {}
    examples: dict[str, str] = {}
    for path in paths:
        try:
            one = names.parse(path)
        except FileError:
            strangers.append(str(path))
            continue
        seen.setdefault(one.plot, []).append((one.run, one.chunk))
        examples.setdefault(one.plot, path.name)
    plots = tuple(_plot(name, seen[name], example) for name, example in sorted(examples.items()))
    shared = sum(len(places) - _single(places) for places in seen.values())
    return Proposal(grammar, plots, tuple(strangers), shared)


def _single(places: Sequence[tuple[int, int | None]]) -> int:
    """Count the places that only one file has."""
    return sum(count == 1 for count in Counter(places).values())


def _plot(name: str, places: Sequence[tuple[int, int | None]], example: str) -> PlotOfNames:
    runs = {run for run, _ in places if run != NO_RUN}
    return PlotOfNames(name, len(places), len(runs), example)
