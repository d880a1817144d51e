"""The running experiment as a process: plays, listens, and remembers its run number."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec
import zmq
import zmq.asyncio

from pipeline.errors import CommandError, TransportError
from simulation.control import SOCKET, Reply, parse
from simulation.experiment import Experiment

FIRST_RUN: Final = 131_458
"""Number of the first run that is ever played."""


async def serve(experiment: Experiment, folder: Path) -> None:
    """Play the experiment and answer requests.

    Args:
        experiment: What is played; ends when it ends.
        folder: Socket folder of the deployment.

    Raises:
        TransportError: The socket cannot be bound.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / SOCKET
    context = zmq.asyncio.Context()
    socket = context.socket(zmq.REP)
    socket.setsockopt(zmq.LINGER, 200)
    try:
        socket.bind(f"ipc://{path}")
    except zmq.ZMQError as error:
        socket.close(0)
        context.term()
        raise TransportError(f"cannot listen at {path}: {error}") from error
    tasks: set[asyncio.Task[None]] = set()
    try:
        if experiment.beam is not None:
            await experiment.beam.start()
        tasks.add(asyncio.create_task(experiment.play()))
        tasks.add(asyncio.create_task(_answer(experiment, socket)))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if experiment.beam is not None:
            await experiment.beam.stop()
        socket.close()
        context.term()
        path.unlink(missing_ok=True)


async def _answer(experiment: Experiment, socket: zmq.asyncio.Socket) -> None:
    while True:
        parts = await socket.recv_multipart()
        try:
            reply = Reply(True, experiment.answer(parse(b"".join(parts))))
        except CommandError as error:
            reply = Reply(False, str(error))
        await socket.send(msgspec.json.encode(reply))


def next_run(file: Path, wanted: int | None) -> int:
    """Choose the number of the first run: after the last one that was played.

    Args:
        file: Where the last number is kept.
        wanted: A number to begin with, None for the next.

    Returns:
        The number; it is kept in the file.

    Raises:
        CommandError: The file holds no number or cannot be written.
    """
    try:
        last = int(file.read_text())
    except FileNotFoundError:
        last = FIRST_RUN - 1
    except ValueError as error:
        raise CommandError(f"expected a run number in {file}; remove the file") from error
    number = last + 1 if wanted is None else wanted
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{number}\n")
    except OSError as error:
        raise CommandError(f"cannot keep the run number in {file}: {error}") from error
    return number
