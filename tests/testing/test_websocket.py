from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, WebsocketClosed, websocket
from emmett.errors import ConfigurationError, UsageError
from emmett.testing.faults import Faults


class Recorder:
    """An application whose handlers record how they ended."""

    def __init__(self) -> None:
        self.app = App(__name__)
        self.ends: list[tuple[int, str]] = []
        app = self.app

        @app.websocket()
        async def echo() -> None:
            try:
                while True:
                    await websocket.send(await websocket.receive())
            except WebsocketClosed as closed:
                # Let the handler take some time for cleaning up.
                for _ in range(5):
                    await asyncio.sleep(0)
                self.ends.append((closed.code, closed.reason))

        @app.websocket("/count/<int:number>")
        async def count(number: int) -> None:
            for each in range(number):
                await websocket.send(str(each))

        @app.websocket()
        async def goodbye() -> None:
            await websocket.send("one")
            await websocket.close(4001, "enough")

        @app.websocket()
        async def broken() -> None:
            await websocket.accept()
            raise LookupError("oops")


@pytest.mark.parametrize("faults", [Faults(), Faults(piece=1)])
@pytest.mark.parametrize("compression", [False, True])
async def test_messages_are_echoed(compression: bool, faults: Faults) -> None:
    async with (
        Recorder().app.test_client_async(faults=faults) as client,
        client.websocket("/echo", compression=compression) as ws,
    ):
        for message in ("Hello", "", "é\N{SNOWMAN}", b"", b"\x00\xff", "x" * 3000):
            await ws.send(message)
            assert await ws.receive() == message
        await ws.send(memoryview(b"view"))  # type: ignore[arg-type]
        assert await ws.receive() == b"view"
        await ws.send_json({"a": [1, None, "é"]})
        assert await ws.receive_json() == {"a": [1, None, "é"]}
        await ws.send(b"[1]")
        assert await ws.receive_json() == [1]
        await ws.ping()


async def test_leaving_closes_and_the_handler_has_ended_by_then() -> None:
    recorder = Recorder()
    async with recorder.app.test_client_async() as client:
        async with client.websocket("/echo") as ws:
            assert (ws.close_code, ws.close_reason) == (None, None)
        assert recorder.ends == [(1000, "")]
        assert (ws.close_code, ws.close_reason) == (1000, "")
        async with client.websocket("/echo") as ws:
            await ws.close(4321, "see you")
            await ws.close()
        assert recorder.ends == [(1000, ""), (4321, "see you")]


async def test_leaving_by_an_error_breaks_the_connection() -> None:
    recorder = Recorder()
    async with recorder.app.test_client_async() as client:
        with pytest.raises(LookupError):
            async with client.websocket("/echo"):
                raise LookupError
    assert [code for code, _ in recorder.ends] == [1006]


async def test_all_messages_are_read_before_the_end_is_reported() -> None:
    async with Recorder().app.test_client_async() as client:
        async with client.websocket("/count/3") as ws:
            assert [message async for message in ws] == ["0", "1", "2"]
            with pytest.raises(WebsocketClosed) as caught:
                await ws.receive()
            assert (caught.value.code, ws.close_code) == (1000, 1000)
        async with client.websocket("/goodbye") as ws:
            await ws.close()
            assert await ws.receive() == "one"
            with pytest.raises(WebsocketClosed, match="closed with code 4001: enough"):
                await ws.receive()
            with pytest.raises(WebsocketClosed, match="closed with code 4001: enough"):
                await ws.send("late")
            with pytest.raises(WebsocketClosed, match="closed with code 4001: enough"):
                await ws.ping()
            assert (ws.close_code, ws.close_reason) == (4001, "enough")


async def test_a_failed_handler_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/broken") as ws:
        with pytest.raises(WebsocketClosed, match="closed with code 1011"):
            await ws.receive()
    assert "oops" in caplog.text


async def test_a_broken_connection_is_reported() -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        ws._connection.transport.abort()
        with pytest.raises(WebsocketClosed, match="closed with code 1006"):
            await ws.receive()
        assert (ws.close_code, ws.close_reason) == (1006, "")


async def test_a_missing_message_is_an_error() -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo", timeout=7) as ws:
        assert ws._timeout == 7
        expected = (
            "no message on websocket /echo within 0.01 s; the connection is open; 0 messages were received before"
        )
        with pytest.raises(TimeoutError) as caught:
            await ws.receive(0.01)
        assert str(caught.value) == expected
        await ws.send("one")
        assert await ws.receive() == "one"
        with pytest.raises(
            TimeoutError, match=r"within 0\.02 s; the connection is open; 1 message was received before"
        ):
            await ws.receive(0.02)
        await ws.send("two")
        assert await ws.receive() == "two"
        with pytest.raises(ConfigurationError, match="expected a number of seconds above 0"):
            await ws.receive(0)


async def test_several_tasks_can_use_one_websocket() -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        receiving = asyncio.create_task(ws.receive(5))
        await asyncio.sleep(0)
        with pytest.raises(UsageError, match="another task is already receiving from websocket /echo"):
            await ws.receive()
        # The receiving task reads the pong, and the pinging task perhaps the message.
        await ws.ping()
        await ws.send("one")
        assert await receiving == "one"
        await asyncio.gather(ws.ping(), ws.ping(), ws.ping())
        waiting = asyncio.create_task(ws.receive(5))
        await asyncio.sleep(0)
        await ws.close()
        with pytest.raises(WebsocketClosed):
            await waiting


async def test_cancelling_receive_loses_nothing() -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        for number in range(5):
            receiving = asyncio.create_task(ws.receive())
            for _ in range(number):
                await asyncio.sleep(0)
            await ws.send(str(number))
            receiving.cancel()
            await asyncio.wait([receiving])
            if receiving.cancelled():
                assert await ws.receive() == str(number)


async def test_messages_may_arrive_in_one_read_with_the_handshake() -> None:
    app = App(__name__)

    @app.websocket()
    async def eager() -> None:
        for number in range(3):
            await websocket.send(str(number))
        await websocket.receive()

    async with app.test_client_async() as client, client.websocket("/eager") as ws:
        assert list(ws._messages) == ["0", "1", "2"]
        assert [await ws.receive() for _ in range(3)] == ["0", "1", "2"]


async def test_fragments_are_one_message() -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        for fragment, payload in ((0x01, b"Hel"), (0x80, b"lo")):
            # The server of another application might send fragments; this one does not.
            ws._connection.transport.write(bytes((fragment, len(payload))) + payload)
        assert await ws.receive() == "Hello"


@pytest.mark.parametrize(("code", "reason"), [(1006, ""), (999, ""), (1000, "x" * 124)])
async def test_invalid_close_codes_are_refused(code: int, reason: str) -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        with pytest.raises(UsageError, match=rf"close\({code}"):
            await ws.close(code, reason)
        await ws.send("still open")
        assert await ws.receive() == "still open"


@pytest.mark.parametrize("message", [None, 1, ["a"]])
async def test_invalid_messages_are_refused(message: Any) -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        with pytest.raises(UsageError, match="allowed are str and bytes; see send_json"):
            await ws.send(message)


async def test_a_message_that_is_not_json_is_an_error() -> None:
    async with Recorder().app.test_client_async() as client, client.websocket("/echo") as ws:
        await ws.send("{")
        with pytest.raises(ValueError, match=r"a message on websocket /echo is not JSON: '\{'"):
            await ws.receive_json()


async def test_the_repr_shows_the_state() -> None:
    async with Recorder().app.test_client_async() as client:
        async with client.websocket("/echo") as ws:
            assert repr(ws) == "<TestWebsocket /echo: the connection is open>"
        assert repr(ws) == "<TestWebsocket /echo: it was closed with 1000>"
