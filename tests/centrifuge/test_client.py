from __future__ import annotations

import pytest
from msgspec import Raw

from emmett.centrifuge import Client
from emmett.centrifuge.client import ClientSubscription, encode_client_info
from emmett.centrifuge.codes import Ending


class Sent:
    """A session that only takes notes."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    async def send_message(self, data: Raw) -> None:
        self.seen.append(bytes(data))

    async def disconnect(self, ending: Ending) -> None:
        self.seen.append(ending)

    async def subscribe_by_server(self, channel: str) -> None:
        self.seen.append(("subscribe", channel))

    async def unsubscribe_by_server(self, channel: str, ending: Ending) -> None:
        self.seen.append((channel, ending))


async def test_an_application_can_send_to_subscribe_and_disconnect_a_client() -> None:
    session = Sent()
    client = Client(session, "c")
    await client.send({"a": 1})
    await client.send(None)
    await client.subscribe("room:1")
    await client.unsubscribe("room:1")
    await client.unsubscribe("room:1", 2500, "again")
    await client.disconnect()
    await client.disconnect(4000, "mine")
    assert session.seen == [
        b'{"a":1}',
        b"null",
        ("subscribe", "room:1"),
        ("room:1", (2000, "server unsubscribe")),
        ("room:1", (2500, "again")),
        (3503, "force disconnect"),
        (4000, "mine"),
    ]
    with pytest.raises(TypeError):
        await client.send(object())


def test_other_clients_see_its_user_and_info() -> None:
    client = Client(Sent(), "c")
    client.user, client.info = "42", Raw(b'{"n":1}')
    subscription = client.subscriptions["room:1"] = ClientSubscription("room:1", False)
    subscription.info = Raw(b'"lead"')
    assert encode_client_info(client.describe()) == b'{"user":"42","client":"c","conn_info":{"n":1}}'
    assert b'"chan_info":"lead"' in encode_client_info(client.describe("room:1"))
    assert repr(client) == "<Client c of user '42'>"
    # The subscription is still being made, so publications do not reach it yet.
    assert (client.channels, client.is_subscribed("room:1"), client.is_subscribed("room:2")) == ([], False, False)
