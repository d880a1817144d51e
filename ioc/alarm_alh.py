"""The configuration of the alarm handler ALH.

Source:
    Rules measured with ALH 1.2.35, in ``docs/alarms.md``.
"""

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from ioc.alarm_tree import Alarm, AlarmGroup
from pipeline.errors import InputError

LINE_LIMIT: Final = 499
GROUP_LIMIT: Final = 64
CHANNEL_LIMIT: Final = 65
GUIDANCE_LINES: Final = 198
WRAP: Final = 100
HEARTBEAT_S: Final = 10
MASKED: Final = "-D---"
"""Disabled: neither shown nor heard, and back by itself."""


def export_alh(tree: AlarmGroup, prefix: str, *, count: int = 1, seconds: int = 3) -> str:
    """Write the ``.alhConfig`` of a deployment.

    Args:
        tree: The alarms.
        prefix: The deployment's prefix.
        count: How often a plot must go into alarm within ``seconds`` to be shown.
        seconds: Time of ``$ALARMCOUNTFILTER``.

    Returns:
        ASCII text of lines that end with LF.

    Raises:
        InputError: A name is too long for ALH.
    """
    lines: list[str] = []
    header = [
        "$BEEPSEVERITY MINOR",
        f"$HEARTBEATPV {prefix}AlarmHandler:Heartbeat {HEARTBEAT_S} 1",
    ]
    lines += _group(tree, "NULL", header, (count, seconds))
    text = "".join(f"{line}\n" for line in lines)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LINE_LIMIT:
            raise InputError(f"line {number} has {len(line)} characters, ALH takes {LINE_LIMIT}")
    return text


def _group(
    group: AlarmGroup, parent: str, header: Iterable[str], count_filter: tuple[int, int]
) -> Iterator[str]:
    """Write a group depth-first: a channel under an ancestor would make that current."""
    name = _word(group.name, GROUP_LIMIT)
    yield f"GROUP {parent} {name}"
    yield f"$ALIAS {_ascii(group.alias)}"
    yield from header
    if group.masked_by:
        yield f"$FORCEPV {group.masked_by} {MASKED} 1 0"
    yield from _guidance(group.guidance)
    for alarm in group.alarms:
        yield from _channel(alarm, name, count_filter)
    for below in group.groups:
        yield from _group(below, name, (), count_filter)


def _channel(alarm: Alarm, parent: str, count_filter: tuple[int, int]) -> Iterator[str]:
    yield f"CHANNEL {parent} {_word(alarm.pv, CHANNEL_LIMIT)}"
    yield f"$ALIAS {_ascii(alarm.alias)}"
    yield "$ALARMCOUNTFILTER {} {}".format(*count_filter)
    yield from _guidance(alarm.guidance)


def _guidance(text: Iterable[str]) -> Iterator[str]:
    """Write guidance; a line that begins with ``$`` would end it."""
    lines: list[str] = []
    for paragraph in text:
        plain = _ascii(paragraph, limit=10_000)
        lines += [
            f" {line}" if line.startswith("$") else line
            for line in textwrap.wrap(plain, WRAP, break_long_words=True)
        ]
    if not lines:
        return
    if len(lines) > GUIDANCE_LINES:
        lines = [*lines[: GUIDANCE_LINES - 1], "(cut: the whole text is in the PV :Guidance)"]
    yield "$GUIDANCE"
    yield from lines
    yield "$END"


def _word(name: str, limit: int) -> str:
    if not re.fullmatch(r"[!-~]+", name):
        raise InputError(f"expected one ASCII word, received {name!r}; rename it")
    if len(name) > limit:
        raise InputError(f"{name!r} has {len(name)} characters, ALH takes {limit}; shorten it")
    return name


def _ascii(text: str, limit: int = 200) -> str:
    """Give a text in one ASCII line: without accents, other letters as ``?``."""
    flat = unicodedata.normalize("NFKD", " ".join(text.split()))
    letters = (letter for letter in flat if not unicodedata.combining(letter))
    plain = "".join(letters).encode("ascii", "replace").decode()
    return "".join(letter for letter in plain if letter.isprintable())[:limit]
