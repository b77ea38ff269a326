from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett.centrifuge import Client, CommandFailed, Disconnected, Ending
from emmett.centrifuge.filters import COMPARISONS
from emmett.centrifuge.messages import REQUESTS
from emmett.centrifuge.session import failure_of
from emmett.errors import BrokerUnavailable, CallError, ChannelDenied, HTTPException, InvalidChannel, WebsocketClosed
from tests.centrifuge.kit import RawClient, Service


@pytest.fixture
def service() -> Service:
    service = Service()
    service.open_namespace("room", history=10, presence=True)
    return service


async def test_commands_of_a_frame_are_answered_in_order(service: Service) -> None:
    async with service.run(), service.raw() as client:
        await client.send(
            {"id": 7, "connect": {"name": "js"}},
            *({"id": number, "subscribe": {"channel": f"room:{number}"}} for number in range(8, 40)),
            {"id": 40, "publish": {"channel": "room:8", "data": 1}},
            {"id": 41, "unsubscribe": {"channel": "room:8"}},
            {"id": 42, "ping": {}},
        )
        found: list[Any] = []
        while not found or found[-1]["id"] != 42:
            reply = await client.receive()
            found += [reply] if "id" in reply else []
        assert [reply["id"] for reply in found] == list(range(7, 43))
        assert not any("error" in reply for reply in found)


async def test_the_reply_to_subscribe_comes_before_what_is_published(service: Service) -> None:
    async with service.run(), service.connected() as client:
        await client.send(
            {"id": 100, "subscribe": {"channel": "room:1"}}, {"id": 101, "publish": {"channel": "room:1", "data": "x"}}
        )
        assert (await client.receive())["id"] == 100
        others = [await client.receive(), await client.receive()]
        assert {"id": 101, "publish": {}} in others
        assert [each["push"]["pub"]["data"] for each in others if "push" in each] == ["x"]


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        ["no JSON"],
        ["[]"],
        ['{"id": -1}'],
        ['{"id": 1, "connect": 5}'],
        ['{"id": 1}'],
        ['{"id": 1, "subscribe": {"channel": "room:1"}}'],
        ['{"connect": {}}'],
        ['{"id": 1, "connect": {}}', '{"id": 2, "connect": {}}'],
        ['{"id": 1, "connect": {}}', '{"ping": {}}'],
        ['{"id": 1, "connect": {}}', '{"subscribe": {"channel": "room:1"}}'],
        ['{"id": 1, "connect": {}}', "{}\n" * 1200],
    ],
)
async def test_violations_of_the_protocol_end_the_connection(frames: list[str | bytes], service: Service) -> None:
    async with service.run(), service.raw() as client:
        for frame in frames:
            await client.websocket.send(frame)
        if frames == [b""]:
            # An empty frame has no command, which is allowed.
            assert (await client.ask(connect={}))["connect"]
            return
        assert await client.ended() == (3501, "bad request")


async def test_unknown_members_and_empty_lines_are_ignored(service: Service) -> None:
    async with service.run(), service.raw() as client:
        await client.websocket.send('\n{"id":1,"connect":{"what":1},"new":{}}\n\n{}\n{"id":2,"ping":{}}\n')
        assert (await client.receive())["connect"]["pong"] is True
        assert await client.receive() == {"id": 2, "ping": {}}


async def test_a_client_that_does_not_connect_is_stale() -> None:
    service = Service(connect_timeout=0.01)
    async with service.run(), service.raw() as client:
        assert await client.ended() == (3502, "stale")


async def test_a_client_is_pinged_and_must_answer(service: Service) -> None:
    async with service.run(), service.connected() as client:
        pings = service.centrifuge.pings
        now = asyncio.get_running_loop().time()
        pings.look(now + 26)
        assert await client.receive() == {}
        await client.send({})
        assert await client.ask(ping={}) == {"ping": {}}
        pings.look(now + 35)
        pings.look(now + 60)
        assert await client.receive() == {}
        pings.look(now + 90)
        assert await client.ended() == (3012, "no pong")


async def test_nothing_is_left_of_a_client_that_has_left(service: Service) -> None:
    ended = asyncio.Event()
    seen: list[Any] = []

    @service.centrifuge.on_disconnect
    async def leave(client: Client, code: int, reason: str) -> None:
        seen.append((client.user, code, reason))
        ended.set()

    async with service.run():
        async with service.connected() as client:
            await client.subscribe("room:1")
            assert len(service.centrifuge.sessions) == 1
            assert len(await service.channels.presence("room:1")) == 1
        await ended.wait()
        assert seen == [("", 3000, "connection closed")]
        assert service.centrifuge.sessions == {}
        assert service.subscribers == 0
        assert await service.channels.presence("room:1") == {}


@pytest.mark.parametrize(
    ("error", "code", "is_temporary"),
    [
        (CommandFailed(1234, "mine"), 1234, False),
        (CallError(17, "no seats left"), 17, False),
        (InvalidChannel("x y"), 107, False),
        (ChannelDenied("no"), 103, False),
        (BrokerUnavailable("away"), 100, True),
        (HTTPException(401), 101, False),
        (HTTPException(403), 103, False),
        (HTTPException(404), 404, False),
        (HTTPException(500), 100, True),
        (ZeroDivisionError(), 100, True),
    ],
)
def test_errors_become_codes(error: Exception, code: int, is_temporary: bool) -> None:
    found = failure_of(error, "rpc")
    assert (found.code, found.temporary) == (code, is_temporary)


def test_the_end_of_the_connection_is_not_an_error_of_the_command() -> None:
    with pytest.raises(WebsocketClosed):
        failure_of(WebsocketClosed(1006), "rpc")


async def test_functions_of_the_application_may_disconnect_the_client(service: Service) -> None:
    @service.centrifuge.on_subscribe
    def subscribe(client: Client, channel: str, data: Any) -> bool:
        if channel == "room:bad":
            raise Disconnected(Ending(4501, "begone"))
        return True

    async with service.run(), service.connected() as client:
        await client.send(
            {"id": 5, "subscribe": {"channel": "room:good"}}, {"id": 6, "subscribe": {"channel": "room:bad"}}
        )
        assert "subscribe" in await client.receive()
        assert (await client.receive())["error"]["code"] == 103
        assert await client.ended() == (4501, "begone")


async def test_an_error_of_the_application_is_logged_and_temporary(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    @service.centrifuge.on_subscribe
    def subscribe(client: Client, channel: str, data: Any) -> bool:
        return bool(1 / 0)

    async with service.run(), service.connected() as client:
        assert (await client.ask(subscribe={"channel": "room:1"}))["error"] == {
            "code": 100,
            "message": "internal server error",
            "temporary": True,
        }
        assert "ZeroDivisionError" in caplog.text


async def test_messages_reach_the_application(service: Service) -> None:
    seen: list[Any] = []

    @service.centrifuge.on_message
    async def message(client: Client, data: Any) -> None:
        seen.append(data)
        await client.send({"got": data})

    async with service.run(), service.connected() as client:
        await client.send({"send": {"data": {"a": [1]}}}, {"send": {}})
        assert await client.push() == {"message": {"data": {"got": {"a": [1]}}}}
        assert await client.push() == {"message": {"data": {"got": None}}}
        assert seen == [{"a": [1]}, None]


async def test_an_unknown_method_is_an_error(service: Service) -> None:
    async with service.run(), service.connected() as client:
        assert await client.error(rpc={"method": "none", "data": 1}) == 104


async def test_the_server_subscribes_and_unsubscribes(service: Service) -> None:
    async with service.run(), service.connected() as client:
        (own,) = service.centrifuge.clients
        await own.subscribe("room:1")
        await own.subscribe("room:1")
        assert own.channels == ["room:1"]
        found = await client.push()
        assert found["channel"] == "room:1"
        assert found["subscribe"]["recoverable"] is True
        await service.channels.publish("room:1", {"n": 1})
        assert (await client.push())["pub"] == {"data": {"n": 1}, "offset": 1}
        await own.unsubscribe("room:1")
        assert await client.push() == {
            "channel": "room:1",
            "unsubscribe": {"code": 2000, "reason": "server unsubscribe"},
        }
        await own.disconnect()
        assert await client.ended() == (3503, "force disconnect")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    ["channel", "data", "token", "recover", "epoch", "offset", "limit", "since", "reverse", "flag", "tf", "delta"]
)
LEAVES = st.fixed_dictionaries(
    {"key": st.sampled_from(["a", ""]), "cmp": st.sampled_from([*COMPARISONS, "x"])},
    optional={"val": st.sampled_from(["a", "1", "NaN"]), "vals": st.lists(st.text(max_size=2), max_size=2)},
)
FILTERS = st.recursive(
    LEAVES,
    lambda nodes: st.fixed_dictionaries(
        {"op": st.sampled_from(["and", "or", "not", "x"]), "nodes": st.lists(nodes, max_size=2)}
    ),
    max_leaves=4,
)
WISHES = st.fixed_dictionaries(
    {"channel": st.sampled_from(["room:1", "room:2"])},
    optional={"tf": FILTERS, "flag": st.integers(0, 3), "delta": st.sampled_from(["fossil", "", "x"])},
)
FUZZED = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(min_value=1, max_value=9)},
        optional={
            name: st.dictionaries(MEMBERS, JSON_VALUES | st.sampled_from(["room:1", "room:2", "no:1"]), max_size=4)
            for name in REQUESTS
        },
    )
    | st.fixed_dictionaries({"id": st.integers(10, 19), "subscribe": WISHES}),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(frames=st.lists(FUZZED.map(lambda commands: "\n".join(map(json.dumps, commands))) | st.text(), max_size=4))
def test_no_sequence_of_commands_raises(frames: list[str]) -> None:
    async def run() -> None:
        service = Service()
        service.open_namespace("room", history=5, presence=True, join_leave=True, delta="fossil")
        async with service.run(), service.raw() as client:
            await client.send({"id": 1, "connect": {}})
            for frame in frames:
                await client.websocket.send(frame)
            await client.send({"id": 99, "ping": {}})
            await _until_answered(client)

    asyncio.run(run())


async def _until_answered(client: RawClient) -> None:
    """Read until the ping is answered, or the protocol has ended the connection."""
    with contextlib.suppress(WebsocketClosed):
        while True:
            found = await client.receive()
            assert found.get("error", {}).get("code") != 100, found
            if found.get("id") == 99:
                return
    assert client.websocket.close_code == 3501


async def test_data_without_a_handler_ends_the_connection() -> None:
    """It has no reply, so the client would not learn of it."""
    service = Service()
    async with service.run(), service.connected() as client:
        await client.send({"send": {"data": 1}})
        assert await client.ended() == (3508, "not available")
