"""What the command line says of itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from hydra_ioc.cli import cli


def pages(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give the help of a command and of all below it, by its words."""
    context = click.Context(command, info_name=words[-1])
    yield " ".join(words), " ".join(command.get_help(context).split())
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from pages(below, (*words, name))


def test_given_the_command_line_when_help_is_asked_for_then_every_page_shows_an_example():
    found = dict(pages(cli, ("hydra-ioc",)))

    assert "hydra-ioc models shadow" in found
    assert [words for words, page in found.items() if "Example: hydra-ioc" not in page] == []


WORD = r"([a-z]+(?:-[a-z]+)*)(?![\w-])"


def named(text: str) -> set[tuple[str, str]]:
    """Give the first two words of every command that a page names."""
    found = re.findall(f"hydra-ioc(?: --config \\S+)? {WORD}(?: {WORD})?", text)
    return {(first, second) for first, second in found}


def test_given_the_documentation_when_it_names_a_command_then_the_command_is_there():
    root = Path(__file__).parents[2]
    files = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    words = set().union(*(named(page.read_text()) for page in files))
    there = dict(pages(cli, ("hydra-ioc",)))
    groups = {line.rsplit(" ", 1)[0] for line in there}
    missing = []
    for first, second in sorted(words):
        command = f"hydra-ioc {first}"
        # Behind a command that is no group stands an argument.
        whole = f"{command} {second}" if second and command in groups else command
        if whole not in there:
            missing.append(whole)

    assert {("models", "install"), ("models", "make-demo"), ("train", "")} <= words
    assert missing == []
