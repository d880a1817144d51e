"""Reads an EPICS access security file.

The grammar is that of EPICS Base 7 ``asLib.y``, less ``INPx`` and ``CALC``: a
rule that depends on another PV is refused, not ignored.

::

    UAG(experts) { anna, ben }
    HAG(counting_house) { ws1, 10.0.0.7 }
    ASG(DEFAULT) { RULE(1, READ) }
    ASG(THRESHOLDS) {
        RULE(1, READ)
        RULE(1, WRITE) { UAG(experts) HAG(counting_house) }
    }
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ioc.access import AccessRules, Rule, built_in_rules, resolve
from ioc.description import AccessGroup
from pipeline.config import Config
from pipeline.errors import ConfigError

logger = logging.getLogger(__name__)

_TOKEN: Final = re.compile(
    r'\s+|#[^\n]*|"(?P<quoted>[^"\n]*)"|(?P<word>[\w.:\-/]+)|(?P<mark>[(){},])'
)
PERMISSIONS: Final = ("NONE", "READ", "WRITE")
SIZE_LIMIT: Final = 1_000_000
"""Larger than any access file, in bytes."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark of the file."""

    text: str
    line: int


@dataclass(slots=True)
class _File:
    """What was read so far."""

    users: dict[str, frozenset[str]] = field(default_factory=dict)
    hosts: dict[str, frozenset[str]] = field(default_factory=dict)
    groups: dict[str, tuple[Rule, ...]] = field(default_factory=dict)


def load_rules(config: Config) -> AccessRules:
    """Give the rules of a deployment: of its access file, or the built-in ones.

    Args:
        config: The deployment.

    Raises:
        ConfigError: The file cannot be used; says the line and what was expected.
    """
    if config.ioc.access_file is None:
        return built_in_rules()
    path = config.under_state(config.ioc.access_file)
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise ConfigError(f"{path}: larger than {SIZE_LIMIT} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"access file {path}: {error}") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> AccessRules:
    """Read the text of an access file.

    Args:
        text: The file.
        name: What to call it in errors.

    Raises:
        ConfigError: Says the line, what was expected and what was received.
    """
    return _Parser(_tokens(text, name), name).file()


def _tokens(text: str, name: str) -> list[Token]:
    tokens: list[Token] = []
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConfigError(f"{name}:{line}: did not expect {text[at]!r}")
        word = match["quoted"] if match["quoted"] is not None else match["word"] or match["mark"]
        if word is not None:
            tokens.append(Token(word, line))
        line += match[0].count("\n")
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent; one method a rule of the grammar."""

    def __init__(self, tokens: list[Token], name: str) -> None:
        self._tokens = tokens
        self._name = name
        self._at = 0
        self._read = _File()

    def file(self) -> AccessRules:
        """file: (UAG | HAG | ASG)*."""
        while self._at < len(self._tokens):
            match self._word("UAG, HAG or ASG"):
                case "UAG":
                    name, members = self._members()
                    self._read.users[name] = frozenset(members)
                case "HAG":
                    name, members = self._members()
                    self._read.hosts[name] = self._addresses(members)
                case "ASG":
                    self._group()
                case other:
                    self._fail("UAG, HAG or ASG", other)
        for name in self._read.groups.keys() - set(AccessGroup):
            logger.warning("file=%s event=unused-group group=%s", self._name, name)
        return AccessRules(self._read.groups)

    def _members(self) -> tuple[str, list[str]]:
        name = self._bracketed()
        self._mark("{")
        members = []
        while not self._is("}"):
            members.append(self._word("a name or '}'"))
            if not self._is(","):
                break
            self._mark(",")
        self._mark("}")
        return name, members

    def _addresses(self, members: Iterable[str]) -> frozenset[str]:
        found: set[str] = set()
        for host in members:
            try:
                found |= resolve(host)
            except OSError as error:
                # As in a C IOC: a host that is away now must not stop the IOC.
                logger.warning(
                    "file=%s event=unresolved host=%s reason=%r", self._name, host, str(error)
                )
        return frozenset(found)

    def _group(self) -> None:
        name = self._bracketed()
        rules: list[Rule] = []
        if self._is("{"):
            self._mark("{")
            while not self._is("}"):
                rules.append(self._rule())
            self._mark("}")
        self._read.groups[name] = tuple(rules)

    def _rule(self) -> Rule:
        word = self._word("RULE or '}'")
        if word.startswith("INP"):
            self._fail("RULE (INPx and CALC are not supported)", word)
        if word != "RULE":
            self._fail("RULE or '}'", word)
        self._mark("(")
        if (level := self._word("0 or 1")) not in ("0", "1"):
            self._fail("0 or 1", level)
        self._mark(",")
        if (permission := self._word("NONE, READ or WRITE")) not in PERMISSIONS:
            self._fail("NONE, READ or WRITE", permission)
        if self._is(","):
            self._mark(",")
            if (trap := self._word("TRAPWRITE")) not in ("TRAPWRITE", "NOTRAPWRITE"):
                self._fail("TRAPWRITE", trap)
        self._mark(")")
        users, addresses = self._conditions()
        return Rule(permission == "WRITE", users, addresses)

    def _conditions(self) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        users: frozenset[str] | None = None
        addresses: frozenset[str] | None = None
        if not self._is("{"):
            return users, addresses
        self._mark("{")
        while not self._is("}"):
            match self._word("UAG, HAG or '}'"):
                case "UAG":
                    users = (users or frozenset()) | self._named(self._read.users, "UAG")
                case "HAG":
                    addresses = (addresses or frozenset()) | self._named(self._read.hosts, "HAG")
                case "CALC":
                    self._fail("UAG or HAG (INPx and CALC are not supported)", "CALC")
                case other:
                    self._fail("UAG, HAG or '}'", other)
        self._mark("}")
        return users, addresses

    def _named(self, known: Mapping[str, frozenset[str]], what: str) -> frozenset[str]:
        self._mark("(")
        found: frozenset[str] = frozenset()
        while True:
            name = self._word(f"the name of a {what}")
            if name not in known:
                self._fail(f"a {what} defined above", name)
            found |= known[name]
            if not self._is(","):
                break
            self._mark(",")
        self._mark(")")
        return found

    def _bracketed(self) -> str:
        self._mark("(")
        name = self._word("a name")
        self._mark(")")
        return name

    def _is(self, mark: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text == mark

    def _mark(self, mark: str) -> None:
        received = self._next(f"{mark!r}")
        if received != mark:
            self._fail(f"{mark!r}", received)

    def _word(self, expected: str) -> str:
        word = self._next(expected)
        if word in set("(){},"):
            self._fail(expected, word)
        return word

    def _next(self, expected: str) -> str:
        if self._at >= len(self._tokens):
            line = self._tokens[-1].line if self._tokens else 1
            raise ConfigError(f"{self._name}:{line}: expected {expected}, received the end")
        self._at += 1
        return self._tokens[self._at - 1].text

    def _fail(self, expected: str, received: str) -> None:
        line = self._tokens[self._at - 1].line
        raise ConfigError(f"{self._name}:{line}: expected {expected}, received {received!r}")
