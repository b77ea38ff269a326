"""The clients in a channel, and other members of it."""

from __future__ import annotations

import msgspec

from ..channels.channels import RunningChannels
from .codes import not_available
from .messages import ClientInfo
from .pushes import client_info


async def read_presence(running: RunningChannels, channel: str) -> dict[str, ClientInfo]:
    """Return the clients in a channel, on all nodes, by their ids.

    A member that is not a client of this protocol counts once, whatever the number of its connections.

    Raises:
        BrokerUnavailable: the broker does not answer.
        CommandFailed: the channel has no presence.
    """
    if not running.hub.namespaces.of(channel).presence:
        raise not_available()
    present = await running.presence.present(channel)
    return {name: client_info(name, msgspec.json.encode(member.info)) for name, member in present.items()}
