"""The process that runs shadows, apart from the worker: what crashes here, crashes alone.

``python -m pipeline.predict.shadow_process STORE THREADS`` reads questions on its
standard input and answers on its standard output, each a message of msgpack behind
its length (4 bytes, big-endian).
"""

import os
import struct
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from pipeline.errors import ModelError
from pipeline.messages import Companion, CompanionResult, Order
from pipeline.predict.companions import companion_failed, companion_result, companion_tensor
from pipeline.predict.masking import masked
from pipeline.vision.serving import ServedModel, load

LENGTH: Final = struct.Struct(">I")
ORPHAN_S: Final = 1.0
"""How often it looks whether its worker is still there."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An image for a shadow; without an order the shadow is only loaded and warmed."""

    companion: Companion
    order: Order | None = None
    tensor: bytes = b""
    """uint8, H x W x C of the companion's model."""


def framed(message: object) -> bytes:
    """Give a message with its length in front."""
    data = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(data)) + data


def answer(
    store: Path, threads: int, models: dict[str, ServedModel], question: Question
) -> CompanionResult:
    """Answer one question.

    Args:
        store: The model store.
        threads: Inference threads.
        models: Those that are loaded, by digest; grows.
        question: From the worker.

    Returns:
        What the shadow says; why it says nothing, where it cannot be loaded or
        gives what its card does not promise. Loading alone gives no labels.
    """
    companion = question.companion
    digest = companion.model.digest
    try:
        model = models.get(digest)
        if model is None:
            model = load(store / digest, threads)
            model.warm()
            models[digest] = model
        if question.order is None:
            return companion_failed(companion, "")
        tensor = companion_tensor(companion, question.tensor, model.card)
        batch = masked(question.order, tensor, model)[None]
        return companion_result(companion, model.run(batch, maps=False))
    except ModelError as error:
        return companion_failed(companion, str(error))


def main() -> None:
    """Answer until the standard input ends."""
    store, threads = Path(sys.argv[1]), int(sys.argv[2])
    # Whatever a library writes to the standard output must not be taken for an answer.
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    models: dict[str, ServedModel] = {}
    while (data := _read(sys.stdin.buffer)) is not None:
        question = msgspec.msgpack.decode(data, type=Question)
        replies.write(framed(answer(store, threads, models, question)))


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return stream.read(LENGTH.unpack(head)[0])


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHAN_S)
    os._exit(1)


if __name__ == "__main__":
    main()
