"""Handshakes that no honest client sends, byte for byte (reliability: Handshake)."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.hostile import Visits, attacked, refusal, request_of, victim_app
from tests.integration.raw_client import KEY, RawClient, connect, upgrade_request
from tests.integration.servers import Running
from tests.wire.frame_maker import BINARY, TEXT, client_frame

pytestmark = pytest.mark.loops("asyncio", "uvloop")

Log = pytest.LogCaptureFixture

GOOD = upgrade_request("/echo")
VERSION = b"Sec-WebSocket-Version: 13\r\n"
KEY_FIELD = b"Sec-WebSocket-Key: " + KEY + b"\r\n"
CONNECTION = b"Connection: Upgrade\r\n"
UPGRADE = b"Upgrade: websocket\r\n"
HOST = b"Host: localhost\r\n"


def changed(old: bytes, new: bytes) -> bytes:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


async def opens(client: RawClient, data: bytes) -> None:
    """The handshake is accepted, and the websocket echoes."""
    client.write(data + client_frame(TEXT, b"hello"))
    assert (await client.read_head())[0] == 101
    assert await client.read_frame() == (TEXT, b"hello")
    await client.close()


async def all_refused(running: Running, status: int, attempts: list[bytes]) -> list[dict[str, str]]:
    fields = []
    for attempt in attempts:
        answer = await refusal(running, attempt)
        assert answer[0] == status, attempt
        assert b"Traceback" not in answer[2]
        fields.append(answer[1])
    return fields


async def test_other_versions_are_426(caplog: Log) -> None:
    versions = [b"", b"0", b"8", b"12", b"14", b"013", b"13, 8", b"1\xb3", b"13.0", b"9" * 8000]
    attempts = [changed(VERSION, b"Sec-WebSocket-Version: " + version + b"\r\n") for version in versions]
    visits = Visits()
    async with attacked(victim_app(visits), caplog) as running:
        for fields in await all_refused(running, 426, [*attempts, changed(VERSION, b"")]):
            assert fields["sec-websocket-version"] == "13"
            assert fields["upgrade"] == "websocket"
        await all_refused(running, 400, [changed(VERSION, VERSION * 2)])


async def test_invalid_keys_are_400(caplog: Log) -> None:
    keys = [b"", b"x", KEY[:-1], KEY[:-4], KEY + b"=", KEY + b"AAAA", b"=" * 24, b"*" * 24, KEY[:10] + b" " + KEY[11:]]
    attempts = [changed(KEY_FIELD, b"Sec-WebSocket-Key: " + key + b"\r\n") for key in keys]
    async with attacked(victim_app(), caplog) as running:
        await all_refused(running, 400, [*attempts, changed(KEY_FIELD, b""), changed(KEY_FIELD, KEY_FIELD * 2)])


async def test_every_spelling_of_connection_and_upgrade_is_recognised(caplog: Log) -> None:
    good = [
        changed(CONNECTION, b"Connection: keep-alive, Upgrade\r\n"),
        changed(CONNECTION, b"connection:KEEP-ALIVE ,\tuPGRADE\r\n"),
        changed(CONNECTION, b"Connection: keep-alive\r\nConnection: Upgrade\r\n"),
        changed(CONNECTION, b"Connection: close, upgrade\r\n"),
        changed(UPGRADE, b"UPGRADE:WebSocket \t\r\n"),
        changed(UPGRADE, b"Upgrade: h2c, websocket\r\n"),
    ]
    bad = [
        changed(CONNECTION, b"Connection: notupgrade\r\n"),
        changed(CONNECTION, b"Connection: upgrade-insecure\r\n"),
        changed(CONNECTION, b'Connection: "upgrade"\r\n'),
        changed(CONNECTION, b"Connection: keep-alive upgrade\r\n"),
        changed(CONNECTION, b""),
        changed(UPGRADE, b"Upgrade: websockets\r\n"),
        changed(UPGRADE, b"Upgrade: websocket/13\r\n"),
        changed(UPGRADE, b"Upgrade: h2c\r\n"),
        changed(UPGRADE, b""),
    ]
    async with attacked(victim_app(), caplog) as running:
        for attempt in good:
            async with connect(running.port) as client:
                await opens(client, attempt)
        await all_refused(running, 400, bad)


async def test_other_methods_and_http_versions_are_refused(caplog: Log) -> None:
    visits = Visits()
    async with attacked(victim_app(visits), caplog) as running:
        methods = [b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE"]
        for fields in await all_refused(running, 405, [changed(b"GET", method) for method in methods]):
            assert fields["allow"] == "GET"
        await all_refused(running, 505, [changed(b"HTTP/1.1", b"HTTP/1.0"), changed(b"HTTP/1.1", b"HTTP/2.0")])
        await all_refused(running, 501, [changed(b"GET", b"CONNECT")])
        await all_refused(running, 400, [changed(b"GET", b"get"), changed(b"HTTP/1.1", b"HTTP/1.10")])
    assert visits == []


async def test_invalid_hosts_are_refused(caplog: Log) -> None:
    values = [b"", b" ", b"a/?x=", b"a?b", b"a#b", b"user@a", b"a b", b"a:99999", b"a:b", b"[::1", b"\xe9", b"a\\b"]
    attempts = [changed(HOST, b"Host: " + value + b"\r\n") for value in values]
    async with attacked(victim_app(), caplog) as running:
        await all_refused(running, 400, [*attempts, changed(HOST, b""), changed(HOST, HOST * 2)])


async def test_invalid_targets_are_refused(caplog: Log) -> None:
    visits = Visits()
    names_host = [b"http://other/echo", b"ws://localhost@other/echo", b"ws:///echo", b"wss://[::1/echo"]
    no_paths = [b"*", b"echo", b"?", b"", b"/ echo", b"/echo#x", b"/\xc3\xa9", b"file:///echo", b"localhost:80"]
    async with attacked(victim_app(visits), caplog) as running:
        await all_refused(running, 400, [changed(b"/echo", target) for target in names_host + no_paths])
        assert visits == []
        for target in (b"ws://localhost/echo", b"http://LOCALHOST/echo?x", b"/%65cho", b"/echo?"):
            async with connect(running.port) as client:
                await opens(client, changed(b"/echo", target))
        # Invalid UTF-8, control characters, broken escapes: the application gets them, and nothing fails.
        for target in (b"/%ff", b"/%00%0d%0a%1b", b"/%", b"/%zz", b"//other/echo"):
            async with connect(running.port) as client:
                client.write(changed(b"/echo", target))
                assert (await client.read_head())[0] == 101
    assert [path for _, path in visits] == ["/\ufffd", "/\0\r\n\x1b", "/%", "/%zz", "//other/echo"]


async def test_a_body_is_never_read_as_requests(caplog: Log) -> None:
    visits = Visits()
    hidden = request_of(line=b"GET /hidden HTTP/1.1")
    length = b"Content-Length: %d\r\n" % len(hidden)
    chunked = b"Transfer-Encoding: chunked\r\n"
    attempts = [
        changed(VERSION, VERSION + length) + hidden,
        changed(VERSION, VERSION + chunked) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden),
        changed(VERSION, VERSION + chunked) + b"0\r\n\r\n" + hidden,
        changed(VERSION, VERSION + length + chunked) + hidden,
        changed(VERSION, VERSION + length * 2) + hidden,
        changed(VERSION, VERSION + b"Content-Length: -1\r\n") + hidden,
        changed(VERSION, VERSION + b"Transfer-Encoding: identity\r\n") + hidden,
    ]
    async with attacked(victim_app(visits), caplog) as running:
        await all_refused(running, 400, attempts)
        async with connect(running.port) as client:
            await opens(client, changed(VERSION, VERSION + b"Content-Length: 0\r\n"))
    assert visits == []


BAD_CHARACTERS = [b"\0", b"\r", b"\n", b"\x08", b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x7f", b"\x85"]


async def test_control_characters_in_a_head_are_refused(caplog: Log) -> None:
    visits = Visits()
    attempts = []
    for bad in BAD_CHARACTERS:
        attempts.append(changed(VERSION, VERSION + b"X: a" + bad + b"b\r\n"))
        attempts.append(changed(VERSION, VERSION + b"X" + bad + b": a\r\n"))
        attempts.append(changed(VERSION, VERSION + b"Cookie: " + bad + b"\r\n"))
        attempts.append(changed(b"/echo", b"/ec" + bad + b"ho"))
    attempts += [
        changed(VERSION, VERSION + b"X: a\r\n b: c\r\n"),
        changed(VERSION, VERSION + b"X : a\r\n"),
        changed(VERSION, VERSION + b"X\t: a\r\n"),
        changed(VERSION, VERSION + b" X: a\r\n"),
        changed(VERSION, VERSION + b": a\r\n"),
        changed(VERSION, VERSION + b"X\r\n"),
        changed(VERSION, VERSION + b"X\xe9: a\r\n"),
        changed(HOST, b" " + HOST),
        GOOD.replace(b"\r\n", b"\n"),
        GOOD.replace(b"\r\n", b"\r"),
    ]
    async with attacked(victim_app(visits), caplog) as running:
        for attempt in attempts:
            async with connect(running.port) as client:
                client.write(attempt)
                client.writer.write_eof()
                answer = await client.read_end()
                # A line that ends with CR alone is incomplete, so the connection is closed without a response.
                assert answer.startswith(b"HTTP/1.1 400 ") or (answer == b"" and b"\n" not in attempt), attempt
    assert visits == []


async def test_bytes_beyond_ascii_are_handled(caplog: Log) -> None:
    protocol = b"Sec-WebSocket-Protocol: "
    bad = [b"Origin: http://b\xfcro.de", protocol + b"caf\xe9", protocol + "café".encode(), protocol + b"a, \xff"]
    async with attacked(victim_app(), caplog) as running:
        await all_refused(running, 400, [changed(VERSION, VERSION + field + b"\r\n") for field in bad])
        async with connect(running.port) as client:
            await opens(client, changed(VERSION, VERSION + "X-Name: Åsa\r\nCookie: name=Åsa".encode() + b"\xff\r\n"))


async def test_anything_but_a_request_is_refused(caplog: Log) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2
    attempts = [b"GET\r\n\r\n", b"\0" * 1000, b"\xff\xfe" * 1000, hello, b"SSH-2.0-x\r\n", b"\x81\x85" + b"x" * 9]
    attempts += [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTX/1.1\r\n\r\n",
        b" " + GOOD,
    ]
    async with attacked(victim_app(), caplog) as running:
        await all_refused(running, 400, attempts)
        await all_refused(running, 505, [b"GET /\r\n\r\n"])


async def test_large_heads_are_refused(caplog: Log) -> None:
    attempts = [
        changed(VERSION, VERSION + b"X: " + b"x" * 65536 + b"\r\n"),
        changed(VERSION, VERSION + b"X" * 65536 + b": x\r\n"),
        changed(b"/echo", b"/" + b"x" * 65536),
        changed(VERSION, VERSION + b"".join(b"X-%d: x\r\n" % number for number in range(10_000))),
        changed(VERSION, VERSION + b"X: x\r\n" * 10_000),
        changed(VERSION, VERSION + b"X:\r\n" * 10_000),
        changed(VERSION, VERSION + b"Sec-WebSocket-Protocol: " + b"a" * 9000 + b"\r\n"),
        changed(VERSION, VERSION + b"Sec-WebSocket-Extensions: " + b"a" * 9000 + b"\r\n"),
        # These heads never end.
        GOOD[:-2] + b"X: " + b"x" * 300_000,
        GOOD[:-2] + b"x" * 300_000,
        b"GET /" + b"x" * 300_000,
    ]
    async with attacked(victim_app(), caplog) as running:
        await all_refused(running, 431, attempts)


async def test_the_limits_of_a_head_are_exact(caplog: Log) -> None:
    """Allowed heads pass in any pieces; one more field or a few more bytes are refused."""
    visits = Visits()
    fields = changed(VERSION, VERSION + b"".join(b"X-%d: x\r\n" % number for number in range(95)))
    size = len(changed(VERSION, VERSION + b"X: \r\n"))
    large = changed(VERSION, VERSION + b"X: " + b"x" * (16 * 1024 - size) + b"\r\n")
    async with attacked(victim_app(visits), caplog) as running:
        for attempt in (fields, large):
            for step in (len(attempt), 1000, 100):
                async with connect(running.port) as client:
                    for start in range(0, len(attempt), step):
                        client.write(attempt[start : start + step])
                        await asyncio.sleep(0)
                    assert (await client.read_head())[0] == 101
        await all_refused(running, 431, [fields[:-2] + b"X: x\r\n\r\n", large[:-2] + b"X: " + b"x" * 64 + b"\r\n\r\n"])


async def test_hostile_lists_take_linear_time(caplog: Log) -> None:
    """Quadratic time would exceed the deadline: each list has the maximum length, and is sent 100 times."""
    pieces = [b" ", b",", b", ", b";", b'"', b'a="', b"a;", b"\t,", b"a,", b'\\"', b"=", b'a;b="\\']
    app = victim_app()
    app.config.http.max_head_size = 1024 * 1024
    async with attacked(app, caplog) as running:
        for name in (b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions", b"Connection", b"Upgrade", b"Cookie"):
            for piece in pieces:
                field = b"%b: %b\r\n" % (name, (piece * 8000)[:8000])
                async with connect(running.port) as client:
                    client.write(GOOD[:-2] + field * 90 + b"\r\n")
                    assert (await client.read_head())[0] in {101, 400, 431}


async def test_a_handshake_and_frames_may_arrive_byte_by_byte(caplog: Log) -> None:
    stream = GOOD + client_frame(TEXT, b"one") + client_frame(BINARY, b"two" * 50)
    async with attacked(victim_app(), caplog) as running, connect(running.port) as client:
        for number in range(len(stream)):
            client.write(stream[number : number + 1])
            await asyncio.sleep(0)
        assert (await client.read_head())[0] == 101
        assert await client.read_frame() == (TEXT, b"one")
        assert await client.read_frame() == (BINARY, b"two" * 50)
        await client.close()


async def test_requests_and_an_upgrade_may_arrive_in_one_segment(caplog: Log) -> None:
    visits = Visits()
    burst = b"".join(request_of(line=b"GET /%d HTTP/1.1" % number) for number in range(64))
    async with attacked(victim_app(visits), caplog) as running, connect(running.port) as client:
        client.write(burst + GOOD + client_frame(TEXT, b"hello"))
        client.write(client_frame(TEXT, b"x" * 500_000))
        for _ in range(64):
            assert (await client.read_response())[::2] == (200, b"visited")
        assert (await client.read_head())[0] == 101
        assert await client.read_frame() == (TEXT, b"hello")
        assert await client.read_frame() == (TEXT, b"x" * 500_000)
        await client.close()
    assert visits == [("request", f"/{number}") for number in range(64)]
