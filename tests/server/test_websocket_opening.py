"""From a checked upgrade request to a websocket or its refusal; most of it is in tests/integration/."""

from __future__ import annotations

import pytest

from emmett import App, websocket
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import gone, run_emmett


def app_with_log_lines() -> App:
    app = App(__name__)

    @app.websocket("/<any:path>")
    async def talk(path: str) -> None:
        if path == "refused":
            return
        await websocket.send(f"{websocket.path} {websocket.query_params.q}")
        await websocket.receive()

    return app


async def test_the_first_question_mark_separates_path_and_query() -> None:
    async with run_emmett(app_with_log_lines()) as running:
        async with connect(running.port) as client:
            await client.upgrade("/a%3Fq=2/%C3%A9?q=1?2&x")
            assert (await client.read_frame())[1].decode() == "/a?q=2/é 1?2"
        await gone(running)


async def test_connections_share_the_objects_of_equal_paths() -> None:
    app = App(__name__)
    seen: list[object] = []

    @app.websocket("/<any:path>")
    async def talk(path: str) -> None:
        await websocket.accept()
        seen.append(websocket.path)

    async with run_emmett(app) as running:
        for target in ("/%C3%A9/a", "/%C3%A9/a", "/%C3%A9/a?q=1", "/" + "b" * 200):
            async with connect(running.port) as client:
                await client.upgrade(target)
                await client.read_frame()
        await gone(running)
    assert seen == ["/é/a"] * 3 + ["/" + "b" * 200]
    assert seen[0] is seen[1] is seen[2]


async def test_a_handshake_without_a_route_is_404() -> None:
    async with run_emmett(App(__name__)) as running:
        async with connect(running.port) as client:
            client.write(upgrade_request("/") + b"\x81\x80....")
            status, fields, _ = await client.read_response()
            assert (status, fields["connection"]) == (404, "close")
            assert await client.read_end() == b""
        await gone(running)


@pytest.mark.parametrize(
    ("target", "origin", "logged"),
    [
        ("/nowhere/else", b"", "from 203.0.113.7:0, '/nowhere/else': refused with 404: Not Found"),
        ("/room/1", b"Origin: https://evil.example", "from 203.0.113.7:0, '/room/1': refused with 403: "),
    ],
)
async def test_a_refusal_is_logged_with_its_path_and_its_visitor(
    target: str, origin: bytes, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "emmett")
    app = App(__name__)
    app.config.server.trusted_proxies = ["127.0.0.1"]

    @app.websocket("/room/<int:number>")
    async def room(number: int) -> None:
        raise AssertionError("a handshake that is refused reaches no handler")

    async with run_emmett(app) as running, connect(running.port) as client:
        fields = [b"X-Forwarded-For: 203.0.113.7", *([origin] if origin else [])]
        client.write(upgrade_request(target, *fields))
        await client.read_response()
        assert await client.read_end() == b""
        client.writer.close()
        await gone(running)
    lines = [record.getMessage() for record in caplog.records if "refused with" in record.getMessage()]
    assert len(lines) == 1
    assert logged in lines[0]
