"""The guide for users of Centrifugo: its program serves SDKs with tokens, calls and the HTTP API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from emmett.channels.namespaces import Namespace
from emmett.config import Config
from tests.centrifuge.kit import RawClient, token
from tests.docs.guides import our_program, their_files
from tests.docs.pages import page
from tests.integration.servers import run_emmett

GUIDE = "docs/from_centrifugo.md"
HEADING = "The same service in both"
SECRET = "at least thirty-two bytes of your own"


async def test_the_service_of_the_guide_works(tmp_path: Path) -> None:
    with our_program(GUIDE, HEADING).loaded(tmp_path) as app:
        async with app.test_client_async() as client, client.websocket("/connection/websocket") as websocket:
            sdk = RawClient(websocket)
            await sdk.connect(token=token(SECRET, sub="42"))
            result = await sdk.subscribe("room:tea")
            assert result["recoverable"] is True
            assert await sdk.ask(publish={"channel": "room:tea", "data": 1}) == {"publish": {}}
            assert (await sdk.ask(rpc={"method": "add", "data": {"a": 1, "b": 2}}))["rpc"]["data"] == 3
            assert (await client.post("/announce")).text == "ok"
            texts: list[Any] = []
            while len(texts) < 2:
                push = await sdk.push()
                texts += [push["pub"]["data"]] if "pub" in push else []
            assert texts == [1, {"text": "The kettle is on."}]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_library_for_the_api_works(tmp_path: Path) -> None:
    (text,) = their_files(GUIDE).values()
    with our_program(GUIDE, HEADING).loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            program = text.replace("127.0.0.1:8000", f"127.0.0.1:{running.port}")
            await asyncio.to_thread(exec, program, {})
            channels = app.wired[0]
            past = await channels.history("room:tea", limit=1)
            assert past.publications[0].data == '{"text": "Hello"}'


def test_the_mentioned_settings_exist() -> None:
    settings = Config().centrifuge
    rows = dict(page(GUIDE).table("Centrifugo", "emmett"))
    assert "`max_channels`, also 128" in rows["`client.channel_limit`"]
    assert settings.max_channels == 128
    assert (settings.client_ping_interval, settings.pong_timeout, settings.expire_grace) == (25, 8, 25)
    assert settings.connect_timeout == 15
    for option in ("history", "history_ttl", "presence", "join_leave", "queue_messages", "slow", "may_subscribe"):
        assert option in Namespace.__annotations__ or hasattr(Namespace, option), option
