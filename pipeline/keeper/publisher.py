"""The socket on which the Keeper tells everybody what is so."""

from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.keeper.board import Publication
from pipeline.messages import Catalogue, Done, Message, Performance, SiteState, encode
from pipeline.stage_socket import StageSocket

TOPICS: Final[dict[type[Message], bytes]] = {
    Catalogue: b"catalogue",
    Done: b"done",
    Performance: b"performance",
    SiteState: b"site",
}
STATE: Final = b"state"
Parts = list[bytes | memoryview]


class Publisher:
    """Publishes; what a slow subscriber cannot take, it asks for again."""

    def __init__(self, socket: StageSocket) -> None:
        """Begin.

        Args:
            socket: PUB, bound.
        """
        self._socket = socket

    async def tell(self, message: Catalogue | Done | SiteState | Performance) -> None:
        """Publish a message without frames under its topic."""
        await self._socket.send_multipart([TOPICS[type(message)], *encode(message)])

    async def show(self, publications: Iterable[Publication]) -> None:
        """Publish states of plots."""
        for publication in publications:
            await self._socket.send_multipart([STATE, *state_parts(publication)])


def state_parts(publication: Publication) -> Parts:
    """Give the parts of a state with its two frames."""
    frames: Sequence[bytes] = (publication.picture, publication.heat)
    return encode(publication.state, frames)
