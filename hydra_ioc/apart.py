"""Work in a process of its own, whose memory is free when it ends.

TensorFlow keeps what it has allocated until its process ends, so a training and its
export in one process hold the memory of both.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from pipeline.errors import HydraError, InputError

Say = Callable[[str], None]
T = TypeVar("T")
LINE: Final = "line"
DONE: Final = "done"
REFUSED: Final = "refused"
FAILED: Final = "failed"


class Died(HydraError):  # noqa: N818 - the name is the sentence
    """A process that worked for us is gone without a word."""


def apart(what: str, work: Callable[..., T], *given: Any, say: Say) -> T:
    """Do some work in a fresh process and wait for it.

    The process ends with this one, however this one ends.

    Args:
        what: What it does, for messages, such as ``the training``.
        work: A function of a module; called with a function that takes one line for the
            user, then with what is given.
        given: What travels there.
        say: Takes the lines, in this process.

    Returns:
        What the work gave.

    Raises:
        InputError: The work refused what it was given.
        HydraError: The work failed, in its words.
        Died: The process was killed or crashed.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    level = logging.getLogger().level
    process = spawn.Process(target=_serve, args=(theirs, level, work, given), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            try:
                kind, told = ours.recv()
            except EOFError:
                process.join()
                raise Died(_epitaph(what, process.exitcode)) from None
            if kind == DONE:
                process.join()
                return told  # type: ignore[no-any-return]
            if kind == REFUSED:
                raise InputError(told)
            if kind == FAILED:
                raise HydraError(told)
            say(told)
    finally:
        process.kill()
        process.join()
        ours.close()


def _serve(pipe: Connection, level: int, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """Do the work and say what came of it."""
    # An interrupt from the keyboard reaches both; the parent says so and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A pipe that is broken is a parent that is gone: nobody is left to be told.
    with contextlib.suppress(BrokenPipeError):
        try:
            done = work(lambda line: pipe.send((LINE, line)), *given)
        except InputError as error:
            pipe.send((REFUSED, str(error)))
        except HydraError as error:
            pipe.send((FAILED, str(error)))
        except Exception:  # noqa: BLE001 - told where it can be seen
            pipe.send((FAILED, f"unexpectedly failed:\n{traceback.format_exc()}"))
        else:
            pipe.send((DONE, done))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _epitaph(what: str, code: int | None) -> str:
    """Say how a process ended that did not say so itself."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        memory = (
            "; the system does so when memory runs out" if -code == signal.SIGKILL.value else ""
        )
        how = f"its process was ended by {name}{memory}"
    else:
        how = f"its process ended with code {code}"
    return f"{what} came to no end: {how}; what it said last stands above"
