from __future__ import annotations

import pytest

from emmett.centrifuge import CommandFailed
from emmett.channels import Position
from emmett.errors import InvalidChannel
from tests.centrifuge.kit import Service


async def test_the_server_can_subscribe_clients_to_channels() -> None:
    service = Service()
    service.channels.namespace("room", history=5, presence=True, max_message_size=20)
    async with service.run(), service.channels.subscribe("room:1", member="ada"):
        server = service.centrifuge.server
        positions = await server.broadcast(["room:1", "plain"], {"n": 1})
        first = positions["room:1"]
        assert isinstance(first, Position)
        assert positions["plain"] is None
        await server.publish("room:1", b"\xff", skip_history=True)
        await server.publish("room:1", "2")
        history = await server.history("room:1", limit=-1, since=first)
        assert [bytes(each.data) for each in history.publications] == [b"2"]
        assert (history.offset, history.epoch) == (2, first.epoch)
        assert (await server.presence("room:1")).keys() == {"ada"}
        once = await server.broadcast(["room:1", "plain"], "3", idempotency_key="a")
        assert await server.broadcast(["room:1", "plain"], "4", idempotency_key="a") == once
        await server.remove_history("room:1")
        history = await server.history("room:1", limit=-1)
        assert (history.publications, history.offset, history.epoch) == ([], 3, first.epoch)
        for refused in (server.history("plain"), server.remove_history("plain")):
            with pytest.raises(CommandFailed, match="not available"):
                await refused
        for skip in (False, True):
            with pytest.raises(ValueError, match="max_message_size"):
                await server.publish("room:1", "x" * 21, skip_history=skip)
            with pytest.raises(InvalidChannel):
                await server.publish("a b", "x", skip_history=skip)


async def test_a_client_can_be_excluded_from_a_publication() -> None:
    service = Service()
    service.open_namespace("room", history=5)
    async with service.run(), service.raw() as client, service.connected() as other:
        id = (await client.connect())["client"]
        for each in (client, other):
            await each.subscribe("room:1")
        await service.centrifuge.server.publish("room:1", 1, exclude=id)
        await service.channels.publish("room:1", 2, exclude="nobody")
        assert (await client.push())["pub"]["data"] == 2
        assert [(await other.push())["pub"]["data"] for _ in range(2)] == [1, 2]
