"""The documented behaviour of websockets, on the default server and as ASGI application on others: the same results."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from emmett import App, WebsocketClosed, abort, websocket
from tests.integration.servers import SERVERS

# uvicorn's older implementation uses an API of websockets that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
    pytest.mark.parametrize("server", SERVERS),
]

MIB = 1024 * 1024
# Parts of ASGI that other servers leave out: header fields of the 101, and the peer's close code.
WITHOUT_ACCEPT_HEADERS = {"granian"}
WITHOUT_CLOSE_CODE = {"hypercorn"}


def echo_app() -> App:
    app = App(__name__)

    @app.websocket()
    async def echo() -> None:
        while True:
            message = await websocket.receive()
            await websocket.send(message)

    return app


@pytest.mark.parametrize(
    "message",
    ["text", "", b"", b"binary \x00\xff", "é\N{SNOWMAN}\U0001f600", "x" * (MIB - 1), b"\x80" * (MIB - 1)],
    ids=["text", "empty text", "empty binary", "binary", "unicode", "large text", "large binary"],
)
async def test_the_echo_of_the_documentation_works(server: str, message: str | bytes) -> None:
    async with SERVERS[server](echo_app()) as running, connect(f"{running.url}/echo", max_size=None) as client:
        for _ in range(2):
            await client.send(message)
            assert await client.recv() == message


async def test_a_megabyte_in_fragments_is_echoed(server: str) -> None:
    pieces = [bytes([number]) * 16384 for number in range(64)]
    async with SERVERS[server](echo_app()) as running, connect(f"{running.url}/echo", max_size=None) as client:
        await client.send(pieces)
        assert await client.recv() == b"".join(pieces)


async def test_the_attributes_of_the_websocket_are_set(server: str) -> None:
    app = App(__name__)

    @app.websocket("/rooms/<str:name>/<int:number>")
    async def room(name: str, number: int) -> None:
        await websocket.send_json(
            {
                "scheme": websocket.scheme,
                "path": websocket.path,
                "host": websocket.host,
                "header": websocket.headers["X-Custom"],
                "missing header": websocket.headers.get("x-missing", "default"),
                "cookie": websocket.cookies["name"].value,
                "one": websocket.query_params.one,
                "many": websocket.query_params.many,
                "blank": websocket.query_params.blank,
                "missing": websocket.query_params.missing,
                "client": websocket.client is not None and websocket.client[0],
                "variables": [name, number],
            }
        )

    fields = {"X-Custom": "value", "Cookie": "name=value; other=1"}
    async with SERVERS[server](app) as running:
        url = f"{running.url}/rooms/caf%C3%A9%20au%20lait/7?one=1&many=a&many=b&blank="
        async with connect(url, additional_headers=fields) as client:
            import msgspec

            answer: dict[str, Any] = msgspec.json.decode(await client.recv())
    assert answer == {
        "scheme": "ws",
        "path": "/rooms/café au lait/7",
        "host": f"127.0.0.1:{running.port}",
        "header": "value",
        "missing header": "default",
        "cookie": "value",
        "one": "1",
        "many": ["a", "b"],
        "blank": "",
        "missing": None,
        "client": "127.0.0.1",
        "variables": ["café au lait", 7],
    }


async def test_a_handler_that_returns_closes_with_1000(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        await websocket.send("bye")

    async with SERVERS[server](app) as running, connect(f"{running.url}/talk") as client:
        assert await client.recv() == "bye"
        await client.wait_closed()
        assert client.close_code == 1000


async def test_a_handler_that_raises_closes_with_1011_and_no_detail(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        await websocket.accept()
        raise RuntimeError("secret")

    async with SERVERS[server](app) as running, connect(f"{running.url}/talk") as client:
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "")


@pytest.mark.parametrize(("status", "code"), [(403, 1008), (404, 1008), (500, 1011), (503, 1011)])
async def test_abort_after_accepting_closes(server: str, status: int, code: int) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        await websocket.accept()
        abort(status)

    async with SERVERS[server](app) as running, connect(f"{running.url}/talk") as client:
        await client.wait_closed()
        assert client.close_code == code


def refusing_app() -> App:
    app = App(__name__)

    @app.websocket()
    async def aborts() -> None:
        abort(403, "members only", {"X-Reason": "age"})

    @app.websocket()
    async def pays() -> None:
        abort(402)

    @app.websocket()
    async def raises() -> None:
        raise RuntimeError("secret")

    @app.websocket()
    async def returns() -> None:
        return None

    @app.websocket()
    async def closes() -> None:
        await websocket.close()

    @app.websocket()
    async def sets_cookies() -> None:
        abort(401, "log in", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])

    @app.websocket()
    async def wrong_protocol() -> None:
        await websocket.accept(subprotocol="not offered")

    @app.websocket()
    async def wrong_header() -> None:
        await websocket.accept(headers={"X-Split": "a\r\nSet-Cookie: b"})

    return app


async def test_a_refusal_may_set_cookies(server: str) -> None:
    async with SERVERS[server](refusing_app()) as running:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{running.url}/sets_cookies").__aenter__()
    response = refused.value.response
    if response.status_code == 401:
        assert response.headers.get_all("set-cookie") == ["a=1", "b=2; Path=/"]
    else:
        # Servers without denial responses give every refusal the same response.
        assert response.status_code == 403
        assert server != "emmett"


async def test_an_acceptance_may_set_cookies(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def accepts() -> None:
        await websocket.accept(headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])

    async with SERVERS[server](app) as running, connect(f"{running.url}/accepts") as client:
        assert client.response is not None
        # granian leaves out the header fields of an acceptance.
        expected = [] if server == "granian" else ["a=1", "b=2; Path=/"]
        assert client.response.headers.get_all("set-cookie") == expected


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/aborts", 403),
        ("/pays", 402),
        ("/raises", 500),
        ("/returns", 403),
        ("/closes", 403),
        ("/unknown", 404),
        ("/aborts/", 404),
        ("/wrong_protocol", 500),
        ("/wrong_header", 500),
    ],
)
async def test_refused_handshakes_have_their_status(
    server: str, path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with SERVERS[server](refusing_app()) as running:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{running.url}{path}").__aenter__()
    # Only failures of our own handlers are errors.
    assert not [
        record.getMessage() for record in caplog.records if record.name == "uvicorn.error" and record.levelno > 30
    ]
    response = refused.value.response
    assert response.status_code == status
    assert b"secret" not in (response.body or b"")
    if path == "/aborts":
        assert response.body == b"members only"
        assert response.headers["X-Reason"] == "age"


async def test_accept_sends_headers_and_a_subprotocol(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        offered = websocket.subprotocols
        await websocket.accept(headers={"X-Answer": "yes"}, subprotocol="chat.v2")
        await websocket.accept(subprotocol="later calls do nothing")
        await websocket.send(f"{','.join(offered)} -> {websocket.subprotocol}")

    async with SERVERS[server](app) as running:
        protocols = ["chat.v1", "chat.v2"]
        async with connect(f"{running.url}/talk", subprotocols=protocols) as client:  # type: ignore[arg-type]
            assert client.subprotocol == "chat.v2"
            assert client.response is not None
            if server not in WITHOUT_ACCEPT_HEADERS:
                assert client.response.headers["X-Answer"] == "yes"
            assert await client.recv() == "chat.v1,chat.v2 -> chat.v2"


async def test_close_sends_code_and_reason(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        await websocket.send("first")
        await websocket.close(4001, "tschüß")
        with pytest.raises(WebsocketClosed):
            await websocket.send("never")

    async with SERVERS[server](app) as running, connect(f"{running.url}/talk") as client:
        assert await client.recv() == "first"
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (4001, "tschüß")


async def test_concurrent_first_calls_accept_once(server: str) -> None:
    app = App(__name__)
    received: list[str | bytes] = []

    @app.websocket()
    async def talk() -> None:
        async def read() -> None:
            async for message in websocket:
                received.append(message)

        async def write() -> None:
            for number in range(100):
                await websocket.send(str(number))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            tasks.create_task(write())

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/talk") as client:
            for number in range(100):
                assert await client.recv() == str(number)
                await client.send(str(number))
        assert len(received) <= 100
    assert received == [str(number) for number in range(100)]


async def test_a_handler_that_only_sends_learns_that_the_peer_has_gone(server: str) -> None:
    app = App(__name__)
    ended: asyncio.Queue[WebsocketClosed] = asyncio.Queue()

    @app.websocket()
    async def ticks() -> None:
        try:
            while True:
                await websocket.send("tick")
                await asyncio.sleep(0)
        except WebsocketClosed as closed:
            ended.put_nowait(closed)
            raise

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/ticks") as client:
            await client.recv()
        closed = await ended.get()
    # While data is being sent, some servers notice the broken pipe before they read the Close frame.
    assert closed.code in {1000, 1006}


async def test_wait_closed_wakes_any_task(server: str) -> None:
    app = App(__name__)
    told: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    @app.websocket()
    async def idle() -> None:
        await websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(websocket.wait_closed())
        assert websocket.closed
        told.put_nowait((websocket.close_code, websocket.close_reason))

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/idle") as client:
            await client.close(4002, "enough")
        assert (await told.get())[0] == (1006 if server in WITHOUT_CLOSE_CODE else 4002)


async def test_a_busy_handler_gets_all_messages_before_the_close(server: str) -> None:
    app = App(__name__)
    handled: list[str | bytes] = []
    ended = asyncio.Event()

    @app.websocket()
    async def work() -> None:
        try:
            async for message in websocket:
                await asyncio.sleep(0.001)
                handled.append(message)
        finally:
            ended.set()

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/work") as client:
            for number in range(1000):
                await client.send(str(number))
        await ended.wait()
    assert handled == [str(number) for number in range(1000)]


async def test_a_slow_reader_gets_everything_sent_before_the_return(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def flood() -> None:
        # Few and long ones: granian takes 0.7 ms for each, whatever its length.
        for number in range(1000):
            await websocket.send(f"{number:05} " + "x" * 2000)

    async with SERVERS[server](app) as running, connect(f"{running.url}/flood", max_queue=2) as client:
        count = 0
        async for message in client:
            assert message[:5] == f"{count:05}"
            count += 1
            if count % 100 == 0:
                for _ in range(10):
                    await asyncio.sleep(0)
        assert count == 1000
        assert client.close_code == 1000


async def test_a_second_concurrent_receive_is_an_error(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        first = asyncio.ensure_future(websocket.receive())
        await asyncio.sleep(0)
        await websocket.send("ready")
        with pytest.raises(RuntimeError, match="another task"):
            await websocket.receive()
        await websocket.send(f"first got {await first!r}")

    async with SERVERS[server](app) as running, connect(f"{running.url}/talk") as client:
        assert await client.recv() == "ready"
        await client.send("hello")
        assert await client.recv() == "first got 'hello'"


async def test_a_cancelled_receive_loses_nothing(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def talk() -> None:
        await websocket.accept()
        for _ in range(3):
            waiting = asyncio.ensure_future(websocket.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait((waiting,))
        await websocket.send("ready")
        async for message in websocket:
            await websocket.send(message)

    async with SERVERS[server](app) as running, connect(f"{running.url}/talk") as client:
        await client.recv()
        for number in range(10):
            await client.send(str(number))
        assert [await client.recv() for _ in range(10)] == [str(number) for number in range(10)]


async def test_messages_of_the_wrong_kind_are_an_error(server: str) -> None:
    app = App(__name__)

    @app.websocket()
    async def text() -> None:
        await websocket.send(await websocket.receive_text())

    @app.websocket()
    async def binary() -> None:
        await websocket.send(await websocket.receive_bytes())

    @app.websocket()
    async def numbers() -> None:
        await websocket.send_json(sum(await websocket.receive_json(list[int])))

    @app.websocket()
    async def in_a_group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(numbers())
            tasks.create_task(asyncio.sleep(0))

    async with SERVERS[server](app) as running:
        for path, good, answer, bad, code in (
            ("text", "t", "t", b"b", 1003),
            ("binary", b"b", b"b", "t", 1003),
            ("numbers", "[1, 2]", "3", "[1,", 1007),
            ("numbers", b"[1, 2]", "3", '["one"]', 1007),
            ("numbers", "[]", "0", "[" * 100_000, 1007),
            ("in_a_group", "[1]", "1", "[", 1007),
        ):
            async with connect(f"{running.url}/{path}") as client:
                await client.send(good)
                assert await client.recv() == answer
            async with connect(f"{running.url}/{path}") as client:
                await client.send(bad)
                await client.wait_closed()
                assert client.close_code == code


async def test_startup_and_shutdown_run(server: str) -> None:
    app = App(__name__)
    events: list[str] = []

    @app.on_startup
    async def first() -> None:
        events.append("first")

    @app.on_startup
    def second() -> None:
        events.append("second")

    @app.on_shutdown
    def last() -> None:
        events.append("last")

    @app.on_shutdown
    async def before_last() -> None:
        events.append("before last")

    async with SERVERS[server](app):
        assert events == ["first", "second"]
    assert events == ["first", "second", "before last", "last"]
