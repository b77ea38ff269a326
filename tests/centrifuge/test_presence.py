from __future__ import annotations

import pytest
from msgspec import Raw

from emmett.centrifuge.codes import CommandFailed
from emmett.centrifuge.messages import ClientInfo
from emmett.centrifuge.presence import read_presence
from tests.channels.kit import running


async def test_members_of_plain_subscribers_are_present_too() -> None:
    async with running(presence=True) as channels, channels.subscribe("room:1", member="ada", info={"a": 1}):
        expected = ClientInfo(user="ada", client="ada", conn_info=Raw(b'{"a":1}'))
        assert await read_presence(channels.running(), "room:1") == {"ada": expected}
        with pytest.raises(CommandFailed, match="not available"):
            await read_presence(channels.running(), "plain:1")
