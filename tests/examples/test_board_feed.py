"""The feed of the notice board: the same over a websocket and as server-sent events."""

from __future__ import annotations

import pytest

from emmett import WebsocketClosed
from emmett.testing import Faults, RefusedHandshake
from examples.board import app as board_app
from examples.board import feed as feed_module
from examples.board.app import MAX_MESSAGE, app
from examples.board.board import MAX_NOTICES
from examples.board.feed import People, StreamReader, TooSlow
from tests.examples.board_visits import Events, hear, log_in, visit


async def test_a_notice_is_sent_over_the_websocket_and_as_an_event() -> None:
    async with (
        visit("ada") as (client, fields),
        client.websocket("/live") as websocket,
        client.stream("GET", "/events") as stream,
    ):
        events = Events(stream)
        assert await hear(websocket, "people") == {"type": "people", "names": ["Ada"]}
        assert await events.next("people") == {"type": "people", "names": ["Ada"]}

        await client.post("/notices", data={"text": "from the form", **fields})
        await websocket.send_json({"text": "from the websocket"})
        for text in ("from the form", "from the websocket"):
            message = await hear(websocket)
            assert (message["author"], message["text"]) == ("Ada", text)
            assert await events.next() == message
            assert events.last_id == str(message["id"])


async def test_readers_get_the_list_of_readers() -> None:
    async with visit("ada") as (client, _), client.websocket("/live") as ada:
        assert await hear(ada, "people") == {"type": "people", "names": ["Ada"]}
        client.cookies.clear()
        await log_in(client, "grace")
        async with client.websocket("/live") as grace:
            for websocket in (ada, grace):
                assert (await hear(websocket, "people"))["names"] == ["Ada", "Grace"]
            await grace.send_json({"text": "hello"})
            assert (await hear(ada))["author"] == "Grace"
        assert (await hear(ada, "people"))["names"] == ["Ada"]


async def test_a_reader_that_returns_gets_missed_notices() -> None:
    async with visit() as (client, fields):
        for text in ("one", "two", "three"):
            await client.post("/notices", data={"text": text, **fields})
        ids = [notice["id"] for notice in (await client.get("/api/notices")).json()["notices"]]
        for headers, path in (({"last-event-id": str(ids[0])}, "/events?after=1"), ({}, f"/events?after={ids[0]}")):
            async with client.stream("GET", path, headers=headers) as stream:
                events = Events(stream)
                for text in ("two", "three"):
                    found = await events.next()
                    assert found is not None
                    assert found["text"] == text
                assert events.last_id == str(ids[2])
        async with client.websocket(f"/live?after={ids[1]}") as websocket:
            assert (await hear(websocket))["text"] == "three"
        # An unknown position, or one from before a restart, gets all notices.
        for after in ("", "x", "-1", "9" * 40, "1"):
            async with client.websocket(f"/live?after={after}") as websocket:
                assert (await hear(websocket))["text"] == "one"


async def test_a_logout_ends_the_stream_of_events() -> None:
    async with visit() as (client, fields), client.stream("GET", "/events") as stream:
        events = Events(stream)
        assert await events.next("people")
        await client.post("/logout", data=fields)
        assert await events.next() is None
        assert board_app.state.feed.names == []


async def test_another_login_of_the_same_user_continues() -> None:
    async with visit() as (client, fields):
        first = dict(client.cookies)
        client.cookies.clear()
        await log_in(client)
        async with client.websocket("/live") as second, client.websocket("/live", cookies=first):
            second_session = dict(client.cookies)
            client.cookies.clear()
            client.cookies.update(first)
            await client.post("/logout", data=fields)
            client.cookies.clear()
            client.cookies.update(second_session)
            await second.send_json({"text": "still here"})
            assert (await hear(second))["text"] == "still here"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no JSON", 1007),
        ('{"text": 1}', 1007),
        ('{"text": "%s"}' % ("x" * 501), 1007),
        ("[" * 8000, 1007),
        ("x" * (MAX_MESSAGE + 1), 1009),
    ],
    ids=["no JSON", "wrong field", "too long", "too deep", "too large"],
)
async def test_an_invalid_message_closes_only_its_own_websocket(message: str, code: int) -> None:
    async with visit() as (client, _), client.websocket("/live") as other:
        async with client.websocket("/live") as websocket:
            await websocket.send(message)
            with pytest.raises(WebsocketClosed) as closed:
                while True:
                    await websocket.receive()
            assert closed.value.code == code
        await other.send_json({"text": "untouched"})
        assert (await hear(other))["text"] == "untouched"


async def test_a_slow_websocket_is_dropped_and_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel buffers this much for a socket that is not read.
    async with app.test_client_async(faults=Faults(window=64 * 1024)) as client:
        fields = await log_in(client)
        async with client.websocket("/live") as slow, client.websocket("/live") as quick:
            await hear(slow, "people")
            state = board_app.state
            while len(state.feed._readers) == 2:
                state.feed.tell(state.board.put_up("Ada", "x" * 500))
                assert (await hear(quick))["text"] == "x" * 500
            assert state.feed.names == ["Ada"]
            answer = await client.post("/notices", data={"text": "the end", **fields})
            assert answer.status == 303
            assert (await hear(quick))["text"] == "the end"


def test_a_slow_reader_of_events_is_disconnected() -> None:
    reader = StreamReader("Ada", "login")
    for _ in range(feed_module.MAX_WAITING):
        reader.send(People([]))
    with pytest.raises(TooSlow):
        reader.send(People([]))
    assert reader._waiting.get_nowait() is None
    assert reader._waiting.empty()


def test_the_whole_board_fits_the_queue() -> None:
    assert MAX_NOTICES < feed_module.MAX_WAITING


async def test_the_number_of_readers_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "MAX_READERS", 1)
    async with visit() as (client, _), client.websocket("/live") as first:
        await hear(first, "people")
        assert (await client.get("/events")).status == 503
        async with client.websocket("/live") as second:
            with pytest.raises(WebsocketClosed) as closed:
                await second.receive()
            assert (closed.value.code, closed.value.reason) == (1013, "there are too many readers")


async def test_pages_of_other_sites_cannot_connect() -> None:
    async with visit() as (client, _):
        with pytest.raises(RefusedHandshake) as refused:
            async with client.websocket("/live", origin="https://elsewhere.example"):
                pass
        assert refused.value.status == 403
        async with client.websocket("/live", origin="http://localhost") as websocket:
            await hear(websocket, "people")
