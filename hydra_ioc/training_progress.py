"""How far a training is, on the terminal: a line an epoch and a bar below."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(epochs: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on the standard error while this context lasts.

    Args:
        epochs: How many there will be at most.

    Yields:
        Takes one line; a line of an epoch moves the bar.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("epochs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("epochs", total=epochs, visible=False)

        def say(line: str) -> None:
            bar.console.print(line, markup=False)
            if "epoch " in line.partition(":")[0]:
                bar.update(task, advance=1, visible=True)

        yield say
