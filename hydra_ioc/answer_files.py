"""Files of answers as our pages save them: hostile until parsed."""

from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from pipeline.errors import InputError
from pipeline.messages import Digest

LARGEST: Final = 10_000_000
"""Largest file of answers read, in bytes."""
T = TypeVar("T", bound=msgspec.Struct)


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an expert says of one image."""

    sha256: Digest
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=25)]
    comment: Annotated[str, msgspec.Meta(max_length=500)] = ""


def read_answer_file(file: Path, kind: type[T], told: str) -> T:
    """Read a file of answers.

    Args:
        file: As a page saved it.
        kind: What it should hold.
        told: Which page saves such files, for the error.

    Raises:
        InputError: It is none; says what was expected.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file} is over the limit of {LARGEST} bytes for answers")
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} holds no answers as {told}: {error}") from error
