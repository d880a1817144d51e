"""Asking a running Keeper to read the catalogue again."""

import zmq
import zmq.asyncio

from db.audit_queries import Actor
from pipeline.config import Config
from pipeline.errors import CommandError, TransportError
from pipeline.messages import Accepted, Refused, Reload, Who, decode, encode
from pipeline.sockets import open_socket

REQUEST = b"reload"


async def reload_keeper(config: Config, actor: Actor) -> bool:
    """Ask the Keeper to read the catalogue again after a change of the database.

    Args:
        config: The deployment.
        actor: Who changed it, from where and why.

    Returns:
        True when the Keeper did; False when none runs, so that the change
        takes effect at its next start.

    Raises:
        CommandError: The Keeper refused.
    """
    who = Who(user=actor.user, host=actor.host, why=actor.why)
    context = zmq.asyncio.Context()
    try:
        try:
            dealer = open_socket(context, config, zmq.DEALER, connect="commands")
        except TransportError:
            # Without its socket folder there has never been a Keeper here.
            return False
        try:
            await dealer.send_multipart([REQUEST, *encode(Reload(who=who))])
            timeout_ms = int(config.sockets.timeout_s * 1000)
            if not await dealer.poll(timeout_ms):
                return False
            reply, _ = decode((await dealer.recv_multipart())[1:])
        finally:
            dealer.close(0)
    finally:
        context.destroy(0)
    if isinstance(reply, Refused):
        raise CommandError(f"the Keeper refused to read the catalogue again: {reply.text}")
    return isinstance(reply, Accepted)
