from __future__ import annotations

import json
from typing import Any

import pytest

from tests.centrifuge.kit import SECRET, Service, token


@pytest.fixture
def service() -> Service:
    service = Service(secret=SECRET, api_keys=["one", "two"])
    service.open_namespace("room", history=5, presence=True)
    return service


async def call(service: Service, method: str, params: Any, key: str = "one") -> Any:
    response = await service.client.post(
        f"/api/{method}",
        content=params if isinstance(params, bytes) else json.dumps(params),
        headers={"X-API-Key": key},
    )
    assert response.status == 200
    return response.json()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-API-Key": "one"}, 200),
        ({"X-API-Key": "two"}, 200),
        ({"Authorization": "apikey two"}, 200),
        ({}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "three"}, 401),
        ({"X-API-Key": "\xe9"}, 401),
        ({"Authorization": "Bearer one"}, 401),
    ],
)
async def test_a_valid_key_is_required(service: Service, headers: dict[str, str], status: int) -> None:
    async with service.run():
        response = await service.client.post("/api/info", content="{}", headers=headers)
        assert response.status == status


async def test_without_keys_the_api_does_not_exist() -> None:
    service = Service()
    async with service.run():
        assert (await service.client.post("/api/info", content="{}")).status == 404


async def test_publications_are_published_and_read(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        await client.subscribe("room:1")
        first = (await call(service, "publish", {"channel": "room:1", "data": {"n": 1}}))["result"]
        assert first["offset"] == 1
        assert (await client.push())["pub"]["data"] == {"n": 1}
        await call(service, "publish", {"channel": "room:1", "b64data": "/w==", "tags": {"a": "b"}})
        assert (await client.push())["pub"] == {"data": "/w==", "offset": 2, "tags": {"a": "b"}}
        found = await call(service, "broadcast", {"channels": ["room:1", "a b", "plain"], "data": 3})
        assert [list(each) for each in found["result"]["responses"]] == [["result"], ["error"], ["result"]]
        history = (await call(service, "history", {"channel": "room:1", "limit": 2, "reverse": True}))["result"]
        assert [each["offset"] for each in history["publications"]] == [3, 2]
        since = {"offset": 2, "epoch": first["epoch"]}
        history = (await call(service, "history", {"channel": "room:1", "limit": -1, "since": since}))["result"]
        assert [each["data"] for each in history["publications"]] == [3]


async def test_repeated_publications_with_a_key_are_published_once(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        await client.subscribe("room:1")
        once = {"channel": "room:1", "data": 1, "tags": {"a": "b"}, "idempotency_key": "x"}
        first = await call(service, "publish", once)
        assert first["result"]["offset"] == 1
        assert await call(service, "publish", once) == first
        wide = {"channels": ["room:1", "room:2"], "data": 2, "idempotency_key": "x"}
        for _ in range(2):
            responses = (await call(service, "broadcast", wide))["result"]["responses"]
            assert responses[0] == first
            assert responses[1]["result"]["offset"] == 1
        live = {"channel": "room:1", "data": 3, "idempotency_key": "y", "skip_history": True}
        for _ in range(2):
            assert await call(service, "publish", live) == {"result": {}}
        await call(service, "publish", {"channel": "room:1", "data": 4, "idempotency_key": ""})
        assert [(await client.push())["pub"]["data"] for _ in range(3)] == [1, 3, 4]


async def test_a_history_can_be_removed(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        first = await client.subscribe("room:1")
        for number in range(3):
            await call(service, "publish", {"channel": "room:1", "data": number})
        assert await call(service, "history_remove", {"channel": "room:1"}) == {"result": {}}
        history = (await call(service, "history", {"channel": "room:1", "limit": -1}))["result"]
        assert history == {"publications": [], "epoch": first["epoch"], "offset": 3}
        await call(service, "publish", {"channel": "room:1", "data": 3})
        assert [(await client.push())["pub"]["offset"] for _ in range(4)] == [1, 2, 3, 4]
        for offset, recovered in ((1, False), (3, True)):
            await client.ask(unsubscribe={"channel": "room:1"})
            again = await client.subscribe("room:1", recover=True, epoch=first["epoch"], offset=offset)
            assert again.get("recovered", False) is recovered
            assert len(again.get("publications", [])) == int(recovered)


async def test_clients_can_be_subscribed_refreshed_and_disconnected(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        assert await call(service, "subscribe", {"user": "42", "channel": "room:1", "info": 1}) == {"result": {}}
        assert (await client.push())["channel"] == "room:1"
        presence = (await call(service, "presence", {"channel": "room:1"}))["result"]["presence"]
        assert [(each["user"], each["chan_info"]) for each in presence.values()] == [("42", 1)]
        stats = await call(service, "presence_stats", {"channel": "room:1"})
        assert stats == {"result": {"num_clients": 1, "num_users": 1}}
        assert await call(service, "channels", {}) == {"result": {"channels": {"room:1": {"num_clients": 1}}}}
        (node,) = (await call(service, "info", b""))["result"]["nodes"]
        assert (node["num_clients"], node["num_channels"]) == (1, 1)
        assert await call(service, "unsubscribe", {"user": "42", "channel": "room:1"}) == {"result": {}}
        assert (await client.push())["unsubscribe"]["code"] == 2000
        assert await call(service, "refresh", {"user": "42", "expire_at": 4_000_000_000}) == {"result": {}}
        assert (await client.push())["refresh"]["expires"] is True
        session = service.centrifuge.clients[0].id
        ending = {"code": 4501, "reason": "begone"}
        assert await call(service, "disconnect", {"user": "42", "client": session, "disconnect": ending}) == {
            "result": {}
        }
        assert await client.ended() == (4501, "begone")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("dance", {}, 104),
        ("publish", b"no JSON", 107),
        ("publish", {}, 107),
        ("publish", {"channel": "room:1"}, 107),
        ("publish", {"channel": "a b", "data": 1}, 107),
        ("publish", {"channel": "room:1", "b64data": "?"}, 107),
        ("broadcast", {"channels": ["x"] * 1001, "data": 1}, 106),
        ("disconnect", {}, 107),
        ("disconnect", {"user": "42", "disconnect": {"code": 17, "reason": "x"}}, 107),
        ("history", {"channel": "plain"}, 108),
        ("history_remove", {"channel": "plain"}, 108),
        ("history_remove", {"channel": "a b"}, 107),
        ("presence", {"channel": "plain"}, 108),
        ("batch", {"commands": [{"publish": {}, "info": {}}]}, 107),
        ("batch", {}, 107),
        ("batch", {"commands": [{"batch": {"commands": []}}]}, 107),
        pytest.param("batch", b'{"commands":[{"publish":' + b"[" * 50_000, 107, id="batch-deep-107"),
    ],
)
async def test_errors_have_status_200(service: Service, method: str, params: Any, code: int) -> None:
    async with service.run():
        assert (await call(service, method, params))["error"]["code"] == code


@pytest.mark.parametrize("parallel", [False, True])
async def test_commands_can_be_batched(service: Service, parallel: bool) -> None:
    commands = [{"publish": {"channel": "room:1", "data": 1}}, {"dance": {}}, {"presence_stats": {"channel": "room:1"}}]
    async with service.run():
        found = await call(service, "batch", {"commands": commands, "parallel": parallel})
        assert [list(each) for each in found["replies"]] == [["publish"], ["error"], ["presence_stats"]]
