"""What a Channel Access client put: decoded, never trusted."""

from typing import Any

from caproto import ChannelType
from caproto._dbr import native_type

from pipeline.errors import CommandError


def decode_put(data: Any, data_type: Any, *, text_limit: int) -> object:
    """Decode the payload of a put.

    Args:
        data: Sequence of numbers or byte strings, as caproto unpacked it.
        data_type: ``ChannelType`` of the payload.
        text_limit: Longest text in bytes that the channel takes; 0 for no text.

    Returns:
        A number or a text.

    Raises:
        CommandError: More than one element, too long, or not UTF-8.
    """
    native = native_type(data_type)
    if native is ChannelType.CHAR and text_limit:
        if len(data) > text_limit:
            raise CommandError(f"expected at most {text_limit} bytes, received {len(data)}")
        return _text(bytes(data))
    if len(data) != 1:
        raise CommandError(f"expected one element, received {len(data)}")
    if native is ChannelType.STRING:
        return _text(bytes(data[0]))
    return data[0].item()


def _text(raw: bytes) -> str:
    try:
        return raw.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError:
        raise CommandError("expected text in UTF-8") from None
