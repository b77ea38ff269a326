"""Requests that no honest client sends, byte for byte (reliability: HTTP, and the lines of Handshake about it)."""

from __future__ import annotations

import asyncio

import pytest

from emmett import App, request
from tests.integration.hostile import Visits, attacked, echo_app, refusal, request_of, victim_app
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import Running, run_emmett, settle

pytestmark = pytest.mark.loops("asyncio", "uvloop")

Log = pytest.LogCaptureFixture

POST = b"POST /echo HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"


def post(*fields: bytes, body: bytes = b"") -> bytes:
    return request_of(*fields, line=POST) + body


async def served(running: Running, data: bytes) -> tuple[int, bytes]:
    """Send bytes and return the only response, after which the connection must still work."""
    async with connect(running.port) as client:
        client.write(data)
        status, _, body = await client.read_response()
        client.write(post(b"Content-Length: 5", body=b"again"))
        assert (await client.read_response())[::2] == (200, b"again")
        return status, body


@pytest.mark.parametrize(
    "attack",
    [
        post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
        post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n"),
        post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
        post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
        *(post(b"Content-Length: " + bad) for bad in (b"5, 5", b"+5", b"-5", b"0x5", b"5 5", b"", b"\xb2", b"9" * 30)),
        *(
            post(b"Transfer-Encoding: " + bad)
            for bad in (b"identity", b"gzip", b"xchunked", b"chunked, gzip", b"", b",")
        ),
        post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
        *(
            post(CHUNKED, body=body)
            for body in (
                b"5\r\nhelloXX0\r\n\r\n",
                b"5\r\nhello0\r\n\r\n",
                b"5\r\nhello\n0\r\n\r\n",
                b"5\nhello\r\n0\r\n\r\n",
                b"5;\nhello\r\n0\r\n\r\n",
                b"5\r\nhello\r\n0\r\nX: a\n\r\n",
                b"5 \r\nhello\r\n0\r\n\r\n",
                b"-5\r\nhello\r\n0\r\n\r\n",
                b"0x5\r\nhello\r\n0\r\n\r\n",
                b"\r\nhello\r\n0\r\n\r\n",
                b"g\r\nhello\r\n0\r\n\r\n",
                b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n",
            )
        ),
    ],
    ids=repr,
)
async def test_ambiguous_lengths_are_refused(attack: bytes, caplog: Log) -> None:
    """Two servers could read them differently: 400, and nothing after them is read, at any time and in any pieces."""
    visits = Visits()
    hidden = request_of(line=b"GET /hidden HTTP/1.1")
    async with attacked(victim_app(visits), caplog) as running:
        for data in (attack, attack.replace(b"/echo", b"/other"), attack + hidden):
            assert (await refusal(running, data))[0] == 400
        async with connect(running.port) as client:
            for number in range(len(attack)):
                client.write(attack[number : number + 1])
                await asyncio.sleep(0)
            assert (await client.read_response())[0] == 400
            client.write(hidden)
            assert await client.read_end() == b""
    assert ("request", "/hidden") not in visits


async def test_an_unknown_transfer_coding_is_refused(caplog: Log) -> None:
    async with attacked(victim_app(), caplog) as running:
        attack = post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")
        assert (await refusal(running, attack))[0] == 501


async def test_control_characters_in_a_head_are_refused(caplog: Log) -> None:
    visits = Visits()
    bad = [b"X: a" + bytes([code]) + b"b" for code in (0, 8, 10, 11, 12, 13, 0x1C, 0x1D, 0x1E, 0x7F, 0x85)]
    bad += [b"X: a\r\n b", b"X : a", b"X\x0b: a", b" X: a", b": a", b"X", b"Host : a"]
    async with attacked(victim_app(visits), caplog) as running:
        for field in bad:
            assert (await refusal(running, request_of(field)))[0] == 400, field
        # Letters beyond ASCII are valid: browsers put UTF-8 into cookies.
        assert await served(running, request_of("Cookie: name=Åsa".encode())) == (200, b"visited")
    assert visits == [("request", "/")]


async def test_invalid_hosts_are_refused(caplog: Log) -> None:
    bad = [None, b"Host: a\r\nHost: a", b"Host: a/?x=", b"Host: ", b"Host: a b", b"Host: user@a", b"Host: a:b"]
    visits = Visits()
    old = b"GET / HTTP/1.0"
    async with attacked(victim_app(visits), caplog) as running:
        for host in bad:
            assert (await refusal(running, request_of(host=host)))[0] == 400, host
            if host is not None:
                assert (await refusal(running, request_of(host=host, line=old)))[0] == 400, host
        assert visits == []
        # HTTP/1.0 does not require Host.
        assert (await refusal(running, request_of(host=None, line=old)))[::2] == (200, b"visited")


async def test_invalid_targets_are_refused(caplog: Log) -> None:
    visits = Visits()
    bad = [
        b"*",
        b"x",
        b"?x",
        b"http://other/",
        b"http://a@localhost/",
        b"http:///",
        b"/a b",
        b"/#a",
        b"/\xc3\xa9",
        b"/\x7f",
    ]
    good = {
        b"http://localhost": "/",
        b"http://LOCALHOST/a?b": "/a",
        b"https://localhost?b": "/",
        b"//other/a": "//other/a",
        b"/caf%C3%A9": "/café",
        b"/%ff%00": "/\ufffd\0",
        b"/..%2f%2e%2e/": "/../../",
    }
    async with attacked(victim_app(visits), caplog) as running:
        for target in bad:
            assert (await refusal(running, request_of(line=b"GET " + target + b" HTTP/1.1")))[0] == 400, target
        assert (await refusal(running, request_of(line=b"CONNECT localhost:80 HTTP/1.1")))[0] == 501
        assert (await refusal(running, request_of(line=b"CONNECT / HTTP/1.1") + b"x" * 1000))[0] == 501
        assert visits == []
        for target in good:
            assert (await served(running, request_of(line=b"GET " + target + b" HTTP/1.1")))[0] == 200, target
        assert (await served(running, request_of(line=b"OPTIONS * HTTP/1.1")))[0] == 404
    assert [path for _, path in visits] == list(good.values())


async def test_anything_but_a_request_is_refused(caplog: Log) -> None:
    attempts = {b"GET\r\n\r\n": 400, b"\x16\x03\x01" * 99: 400, b"\0" * 999: 400, b"GET /\r\n\r\n": 505}
    attempts[request_of(line=b"GET / HTTP/2.0")] = 505
    attempts[request_of(line=b"GET / HTTP/1.2")] = 400
    attempts[request_of(line=b"NONSENSE / HTTP/1.1")] = 400
    async with attacked(victim_app(), caplog) as running:
        for attempt, status in attempts.items():
            assert (await refusal(running, attempt))[0] == status, attempt


async def test_large_heads_are_refused(caplog: Log) -> None:
    fields = [b"X-%d: x" % number for number in range(10_000)]
    attempts = [
        request_of(b"X: " + b"x" * 65536),
        request_of(line=b"GET /" + b"x" * 65536 + b" HTTP/1.1"),
        request_of(*fields),
        request_of(*fields[:100]),
        request_of(*[b"X: x"] * 10_000),
        # These heads never end; the last two follow a valid head.
        request_of()[:-2] + b"X: " + b"x" * 600_000,
        b"\r\n" * 300_000,
        post(CHUNKED, body=b"1;x=" + b"x" * 600_000),
        post(CHUNKED, body=b"0\r\nX: " + b"x" * 600_000),
        post(CHUNKED, body=b"0\r\n" + b"X: x\r\n" * 10_000),
    ]
    async with attacked(victim_app(), caplog) as running:
        for attempt in attempts:
            assert (await refusal(running, attempt))[0] == 431
        assert (await served(running, request_of(*fields[:99])))[0] == 200


async def test_a_head_takes_linear_time(caplog: Log) -> None:
    """The limits allow everything here; quadratic time would exceed the deadline of the test."""
    app = victim_app()
    app.config.http.max_head_size = 64 * 1024 * 1024
    app.config.http.max_head_fields = 1_000_000
    async with attacked(app, caplog) as running:
        for fields in (
            [b"X: x"] * 200_000,
            [b"X-%d: x" % number for number in range(200_000)],
            [b"X: " + b"x" * 8_000_000],
        ):
            assert (await served(running, request_of(*fields)))[0] == 200


async def test_trailers_are_not_part_of_the_head(caplog: Log) -> None:
    app = echo_app()

    @app.route("/fields", methods=["post"])
    async def fields() -> str:
        await request.body
        return f"{request.host} {request.headers.get('x-user')}"

    trailer = b"0\r\nHost: evil\r\nX-User: admin\r\nX-User: admin\r\n\r\n"
    head = request_of(CHUNKED, line=b"POST /fields HTTP/1.1")
    async with attacked(app, caplog) as running, connect(running.port) as client:
        client.write(head + b"1\r\nx\r\n" + trailer + head + b"0\r\n\r\n")
        for _ in range(2):
            assert (await client.read_response())[::2] == (200, b"localhost None")


async def test_bodies_over_their_limit_are_413(caplog: Log) -> None:
    app = echo_app()
    app.config.http.max_body_size = 1000
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    async with attacked(app, caplog) as running:
        assert (await served(running, post(b"Content-Length: 1000", body=b"x" * 1000)))[0] == 200
        assert (await served(running, post(b"Content-Length: 1001", body=b"x" * 1001)))[0] == 413
        assert (await served(running, post(CHUNKED, body=chunk * 2 + b"0\r\n\r\n")))[0] == 200
        assert (await served(running, post(CHUNKED, body=chunk * 2 + b"1\r\nx\r\n0\r\n\r\n")))[0] == 413
        assert (await served(running, post(CHUNKED, body=chunk * 9000 + b"0\r\n\r\n")))[0] == 413
        async with connect(running.port) as client:
            client.write(post(b"Content-Length: 9999999999999999999"))
            assert (await client.read_response())[0] == 413


async def test_expectations_are_answered(caplog: Log) -> None:
    app = echo_app()
    app.config.http.max_body_size = 1000
    async with attacked(app, caplog) as running:
        async with connect(running.port) as client:
            client.write(post(b"Content-Length: 5", b"Expect: 100-continue"))
            assert await client.read_head() == (100, {})
            client.write(b"hello")
            assert (await client.read_response())[::2] == (200, b"hello")
        # It is unknown whether a body will follow, so the connection cannot be used again.
        assert (await refusal(running, post(b"Content-Length: 1001", b"Expect: 100-continue")))[0] == 413


async def test_head_has_no_body(caplog: Log) -> None:
    async with attacked(victim_app(), caplog) as running, connect(running.port) as client:
        client.write(request_of(line=b"HEAD / HTTP/1.1") + request_of())
        status, fields = await client.read_head()
        assert (status, fields["content-length"]) == (200, "7")
        assert (await client.read_response())[::2] == (200, b"visited")


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket2", b"TLS/1.0, h2c"])
async def test_an_upgrade_to_something_else_is_ignored(upgrade: bytes, caplog: Log) -> None:
    """With its body, in any form, and whatever comes behind (RFC 9110, 7.8)."""
    fields = (b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABk", b"Upgrade: " + upgrade)
    hidden = request_of(line=b"GET /hidden HTTP/1.1")
    length = b"Content-Length: %d" % len(hidden)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
    visits = Visits()
    async with attacked(victim_app(visits), caplog) as running, connect(running.port) as client:
        client.write(request_of(*fields, line=b"GET /first HTTP/1.1") * 2)
        client.write(post(*fields, length, body=hidden) + post(*fields, CHUNKED, body=chunks))
        await settle()
        client.write(upgrade_request("/echo"))
        assert [(await client.read_response())[2] for _ in range(4)] == [b"visited", b"visited", hidden, hidden]
        assert (await client.read_head())[0] == 101
        await client.close()
    assert visits == [("request", "/first")] * 2


async def test_a_path_cannot_inject_into_the_logs(caplog: Log) -> None:
    """`attacked` checks the log for control characters (reliability, line 78)."""
    path = "/%0d%0aINFO:%20fake%1b%5b31m%c2%85%e2%80%a8%22"
    visits = Visits()
    async with attacked(victim_app(visits), caplog) as running:
        assert (await served(running, request_of(line=b"GET " + path.encode() + b" HTTP/1.1")))[0] == 200
        for _ in range(2):
            async with connect(running.port) as client:
                await client.upgrade(path)
                await client.close()
        assert (await refusal(running, upgrade_request(path, b"Sec-WebSocket-Protocol: \xe9")))[0] == 400
    assert len([record for record in caplog.records if "fake" in record.getMessage()]) >= 3
    assert visits[0] == ("request", '/\r\nINFO: fake\x1b[31m\x85\u2028"')


def failing_app() -> App:
    app = echo_app()

    @app.route("/<any:path>")
    async def fail(path: str) -> str:
        raise RuntimeError("a fault of the application")

    return app


async def test_a_path_cannot_inject_into_the_logs_when_the_handler_fails(caplog: Log) -> None:
    async with run_emmett(failing_app()) as running:
        line = b"GET /%0d%0afake%1b%e2%80%a8 HTTP/1.1"
        assert (await served(running, request_of(line=line)))[0] == 500
    messages = [record.getMessage() for record in caplog.records if record.exc_info]
    assert len(messages) == 1
    assert messages[0].isprintable()
    assert "fake" in messages[0]
