"""What the command line says of itself."""

from collections.abc import Iterator

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
