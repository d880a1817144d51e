"""One update of one PV in one type, ready for the wire of any client."""

import struct
from typing import Any, Final

EVENT_ADD: Final = 1
NORMAL: Final = 1
SHORT_LIMIT: Final = 0xFFFF
"""Source: Channel Access protocol specification, ``CA_PROTO_EVENT_ADD`` and the
extended header for payloads and counts from 0xFFFF."""
_SHORT: Final = struct.Struct(">HHHHII")
_LONG: Final = struct.Struct(">HHHHIIII")


class Update:
    """Payload shared by all subscriptions that asked for the same type."""

    __slots__ = ("_metadata", "_payloads", "_type", "_values")

    def __init__(self, data_type: int, metadata: Any, values: Any) -> None:
        """Keep what is to be sent.

        Args:
            data_type: DBR type.
            metadata: Structure of that type, or empty bytes.
            values: What can be sliced and turned to bytes, one item an element.
        """
        self._type = data_type
        self._metadata = metadata
        self._values = values
        self._payloads: dict[int, tuple[int, bytes]] = {}

    def message(self, subscription: int, wanted: int) -> tuple[bytes, bytes]:
        """Give header and payload for one subscription.

        Args:
            subscription: The client's id of it.
            wanted: Number of elements it asked for; 0 for all there are.
        """
        if wanted not in self._payloads:
            self._payloads[wanted] = self._payload(wanted)
        count, payload = self._payloads[wanted]
        size = len(payload)
        if size < SHORT_LIMIT and count < SHORT_LIMIT:
            header = _SHORT.pack(EVENT_ADD, size, self._type, count, NORMAL, subscription)
        else:
            header = _LONG.pack(
                EVENT_ADD, SHORT_LIMIT, self._type, 0, NORMAL, subscription, size, count
            )
        return header, payload

    def _payload(self, wanted: int) -> tuple[int, bytes]:
        values = self._values[:wanted] if wanted else self._values
        data = values if isinstance(values, bytes) else values.tobytes()
        raw = bytes(self._metadata) + data
        return max(1, len(values)), raw + b"\0" * (-len(raw) % 8)
