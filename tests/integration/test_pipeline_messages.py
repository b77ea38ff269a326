"""Messages of real websockets through the hooks of pipes, on the default server and as ASGI application on others."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect

from emmett import App, Pipe, service, websocket
from emmett.pipeline import DROP
from tests.integration.servers import SERVERS

# uvicorn's older implementation uses an API of websockets that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
    pytest.mark.parametrize("server", SERVERS),
]


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


class Marks(Pipe):
    """Marks each message that passes; drops those that ask for it."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def on_receive(self, data: str | bytes) -> object:
        await asyncio.sleep(0)
        if data == f"drop at {self.name}":
            return DROP
        return data + self.name if isinstance(data, str) else data + self.name.encode()

    def on_send(self, data: str | bytes) -> object:
        if data == f"keep at {self.name}":
            return DROP
        return data + self.name.upper() if isinstance(data, str) else data + self.name.upper().encode()


async def test_messages_pass_the_hooks(server: str) -> None:
    app = App(__name__)
    app.pipeline = [Marks("a")]
    app.websocket("/echo", pipeline=[Marks("b"), Marks("c")])(echo)

    @app.websocket(pipeline=[Marks("b")])
    async def sends() -> None:
        for message in ("one", "keep at b", "two", "keep at aB", "three"):
            await websocket.send(message)
        await websocket.send(b"bytes")

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/echo") as client:
            for message, answer in (("", "abcCBA"), ("text ", "text abcCBA"), (b"\xff", b"\xffabcCBA")):
                await client.send(message)
                assert await client.recv() == answer
            for message in ("drop at a", "drop at ", "drop at c"):
                await client.send(message)
            # Pipe b gets "drop at ", which it does not drop; "drop at a" is dropped at a.
            assert await client.recv() == "drop at abcCBA"
            assert await client.recv() == "drop at cabcCBA"
        async with connect(f"{running.url}/sends") as client:
            received = [message async for message in client]
            assert received == ["oneBA", "twoBA", "keep at aBBA", "threeBA", b"bytesBA"]


async def test_many_messages_keep_their_order_through_hooks_that_wait(server: str) -> None:
    class Waits(Pipe):
        async def on_receive(self, data: str) -> object:
            for _ in range(int(data) % 3):
                await asyncio.sleep(0)
            return DROP if int(data) % 10 == 0 else data

        on_send = on_receive

    app = App(__name__)
    app.websocket("/echo", pipeline=[Waits()])(echo)

    @app.websocket(pipeline=[Waits()])
    async def at_once() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(200):
                tasks.create_task(websocket.send(str(number)))

    expected = [str(number) for number in range(200) if number % 10]
    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/echo") as client:
            for number in range(200):
                await client.send(str(number))
            assert [await client.recv() for _ in expected] == expected
        async with connect(f"{running.url}/at_once") as client:
            assert [message async for message in client] == expected


async def test_one_pipe_serves_many_connections(server: str) -> None:
    class Names(Pipe):
        async def on_receive(self, data: str) -> str:
            await asyncio.sleep(0)
            return f"{data} to {websocket.query_params.name}"

        def on_send(self, data: str) -> str:
            return f"{data} from {websocket.query_params.name}"

    app = App(__name__)
    app.websocket("/echo", pipeline=[Names()])(echo)
    async with SERVERS[server](app) as running:

        async def talk(name: int) -> None:
            async with connect(f"{running.url}/echo?name={name}") as client:
                for number in range(5):
                    await client.send(str(number))
                for number in range(5):
                    assert await client.recv() == f"{number} to {name} from {name}"

        async with asyncio.TaskGroup() as tasks:
            for name in range(30):
                tasks.create_task(talk(name))


async def test_an_exception_from_a_hook_reaches_the_handler(server: str) -> None:
    class Checks(Pipe):
        def on_receive(self, data: str) -> str:
            if data == "bad":
                raise LookupError("not this one")
            return data

        async def on_send(self, data: str) -> str:
            if data == "bad":
                raise KeyError("nor this")
            return data

    app = App(__name__)

    @app.websocket(pipeline=[Checks()])
    async def catches() -> None:
        with pytest.raises(LookupError, match="not this one"):
            await websocket.receive()
        with pytest.raises(KeyError, match="nor this"):
            await websocket.send("bad")
        await websocket.send(f"both caught, then {await websocket.receive_text()}")

    app.websocket("/uncaught", pipeline=[Checks()])(echo)
    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/catches") as client:
            await client.send("bad")
            await client.send("good")
            assert await client.recv() == "both caught, then good"
        async with connect(f"{running.url}/uncaught") as client:
            await client.send("bad")
            await client.wait_closed()
            assert client.close_code == 1011


async def test_service_json_encodes_messages(server: str) -> None:
    app = App(__name__)

    class Wraps(Pipe):
        def on_send(self, data: Any) -> object:
            return data if isinstance(data, (str, bytes)) else {"wrapped": data}

    @app.websocket(pipeline=[service.json, Wraps()])
    async def in_the_pipeline() -> None:
        for value in ({"a": 1}, [1, "é"], None, "text", b"bytes"):
            await websocket.send(value)  # type: ignore[arg-type]
        await websocket.send_json({"b": 2})

    @app.websocket()
    @service.json
    async def decorated() -> None:
        await websocket.send({"got": await websocket.receive()})  # type: ignore[arg-type]

    @app.websocket()
    @service.json
    async def impossible() -> None:
        await websocket.accept()
        await websocket.send(object())  # type: ignore[arg-type]

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/in_the_pipeline") as client:
            received = [message async for message in client]
            assert [msgspec.json.decode(message) for message in received[:3]] == [
                {"wrapped": {"a": 1}},
                {"wrapped": [1, "é"]},
                {"wrapped": None},
            ]
            assert received[3:] == ["text", b"bytes", '{"b":2}']
        async with connect(f"{running.url}/decorated") as client:
            await client.send("hello")
            assert await client.recv() == '{"got":"hello"}'
        async with connect(f"{running.url}/impossible") as client:
            await client.wait_closed()
            assert client.close_code == 1011
