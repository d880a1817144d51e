"""The pvAccess face of the board."""

from typing import Any

from p4p.server import StaticProvider
from p4p.server.asyncio import SharedPV

from ioc.access import Client
from ioc.description import Kind, PvDescription
from ioc.puts import Clerk
from ioc.pva_types import initial, update
from ioc.value import PvValue, undefined
from pipeline.errors import CommandError


class PvaFace:
    """Serves every PV."""

    def __init__(self, clerk: Clerk) -> None:
        """Begin without PVs.

        Args:
            clerk: Takes puts.
        """
        self.provider = StaticProvider("hydra")
        self._clerk = clerk
        self._served: dict[str, tuple[PvDescription, SharedPV]] = {}
        self._pictures: dict[str, PvValue] = {}

    def add(self, description: PvDescription, value: PvValue) -> None:
        """Begin to serve a PV."""
        shared = SharedPV(
            handler=Putter(self, description.name), initial=initial(description, value)
        )
        self._served[description.name] = description, shared
        self.provider.add(description.name, shared)

    def describe(self, description: PvDescription, value: PvValue) -> None:
        """Serve a PV by a new description."""
        _, shared = self._served[description.name]
        self._served[description.name] = description, shared
        shared.post(initial(description, value))

    def show(self, name: str, value: PvValue) -> None:
        """Show a new value."""
        description, shared = self._served[name]
        previous = self._pictures.get(name, value)
        if description.kind is Kind.IMAGE:
            previous = self._pictures.get(name, undefined(b""))
            self._pictures[name] = value
        shared.post(update(description, value, previous))

    def remove(self, name: str) -> None:
        """Serve a PV no longer; its clients are disconnected."""
        self.provider.remove(name)
        self._pictures.pop(name, None)
        _, shared = self._served.pop(name)
        shared.close()

    async def put(self, name: str, operation: Any) -> None:
        """Take a put and answer it."""
        description, _ = self._served[name]
        address = operation.peer().rsplit(":", 1)[0].strip("[]")
        client = Client(operation.account(), address, address)
        try:
            content = _content(description, operation.value())
            await self._clerk.put(description, content, client)
        except CommandError as error:
            operation.done(error=str(error))
        else:
            operation.done()


class Putter:
    """What p4p calls for a put to one PV."""

    def __init__(self, face: PvaFace, name: str) -> None:
        """Begin."""
        self._face = face
        self._name = name

    async def put(self, _shared: SharedPV, operation: Any) -> None:
        """Take a put and answer it."""
        await self._face.put(self._name, operation)


def _content(description: PvDescription, value: Any) -> object:
    """Give the plain value of a put structure."""
    if description.kind is Kind.IMAGE:
        return None
    if description.kind is Kind.ENUM:
        return value["value.index"]
    return value["value"]
