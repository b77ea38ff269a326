from __future__ import annotations

from typing import Any

import pytest

from tests.centrifuge.kit import Service


@pytest.mark.parametrize(
    ("request_", "offsets"),
    [
        ({}, []),
        ({"limit": -1}, [4, 5, 6, 7, 8]),
        ({"limit": 2}, [4, 5]),
        ({"limit": 100}, [4, 5, 6, 7, 8]),
        ({"limit": 2, "since": {"offset": 5}}, [6, 7]),
        ({"limit": -1, "since": {"offset": 8}}, []),
        ({"limit": -1, "since": {"offset": 1}}, [4, 5, 6, 7, 8]),
        ({"limit": -1, "reverse": True}, [8, 7, 6, 5, 4]),
        ({"limit": 2, "reverse": True}, [8, 7]),
        ({"limit": 2, "since": {"offset": 7}, "reverse": True}, [6, 5]),
        ({"limit": -1, "since": {"offset": 5}, "reverse": True}, [4]),
        ({"limit": 1, "since": {"offset": 4}, "reverse": True}, []),
    ],
)
async def test_history_is_read_from_either_end_and_from_a_position(
    request_: dict[str, Any], offsets: list[int]
) -> None:
    service = Service()
    service.open_namespace("room", history=5)
    async with service.run(), service.connected() as client:
        for number in range(8):
            await service.channels.publish("room:1", number)
        epoch = (await client.subscribe("room:1"))["epoch"]
        for known in ("", epoch):
            request = {**request_, "channel": "room:1"}
            if "since" in request_:
                request["since"] = {**request_["since"], "epoch": known}
            found = (await client.ask(history=request))["history"]
            assert [each["offset"] for each in found["publications"]] == offsets
            assert (found["offset"], found["epoch"]) == (8, epoch)


async def test_a_position_of_another_epoch_is_refused_and_pages_are_limited() -> None:
    service = Service(max_history=2)
    service.open_namespace("room", history=5)
    async with service.run(), service.connected() as client:
        for number in range(4):
            await service.channels.publish("room:1", number)
        await client.subscribe("room:1")
        for reverse in (False, True):
            for limit in (-1, 0):
                since = {"epoch": "another", "offset": 1}
                request = {"channel": "room:1", "since": since, "limit": limit, "reverse": reverse}
                assert await client.error(history=request) == 112
        found = (await client.ask(history={"channel": "room:1", "limit": -1}))["history"]
        assert len(found["publications"]) == 2
