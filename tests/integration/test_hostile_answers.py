"""Invalid responses of an application to a handshake: they raise, and nothing is sent (reliability, 16 and 17)."""

from __future__ import annotations

import pytest

from emmett import App, abort, websocket
from tests.integration.hostile import check_alive, echo_app, refusal
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import gone, run_emmett
from tests.wire.frame_maker import TEXT

pytestmark = pytest.mark.loops("asyncio", "uvloop")

OFFER = b"Sec-WebSocket-Protocol: chat, a"
EVIL = {"CRLF": "a\r\nX-Evil: 1", "LF": "a\nX-Evil: 1", "CR": "a\rX-Evil: 1", "NUL": "a\0"}


def answering_app() -> App:
    app = echo_app()

    @app.websocket("/protocol/<str:name>")
    async def protocol(name: str) -> None:
        await websocket.accept(subprotocol=EVIL.get(name, name))

    @app.websocket("/value/<str:name>")
    async def value(name: str) -> None:
        await websocket.accept({"X-Name": EVIL[name]})

    @app.websocket("/name/<str:name>")
    async def name(name: str) -> None:
        await websocket.accept({EVIL[name]: "value"})

    @app.websocket("/refusal/<str:name>")
    async def refuse(name: str) -> None:
        abort(403, "no", {"X-Name": EVIL[name]})

    @app.websocket("/close/<str:name>")
    async def close(name: str) -> None:
        await websocket.accept()
        with pytest.raises(ValueError, match="reason"):
            await websocket.close(4000, EVIL[name])
        await websocket.send("still open")

    return app


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("where", ["protocol", "value", "name", "refusal"])
async def test_line_ends_in_a_response_are_refused(where: str, evil: str) -> None:
    async with run_emmett(answering_app()) as running:
        status, fields, body = await refusal(running, upgrade_request(f"/{where}/{evil}", OFFER))
        assert status == 500
        assert not {"x-evil", "x-name", "sec-websocket-protocol"} & fields.keys()
        assert b"Evil" not in body
        await gone(running)
        await check_alive(running)


@pytest.mark.parametrize("evil", EVIL)
async def test_line_ends_in_a_close_reason_are_refused(evil: str) -> None:
    async with run_emmett(answering_app()) as running, connect(running.port) as client:
        await client.upgrade(f"/close/{evil}")
        assert await client.read_frame() == (TEXT, b"still open")
        assert await client.read_close() == (1000, "")


@pytest.mark.parametrize("offer", [OFFER, b"X: no offer"], ids=["others", "nothing"])
async def test_a_subprotocol_that_was_not_offered_is_refused(offer: bytes) -> None:
    async with run_emmett(answering_app()) as running:
        status, fields, body = await refusal(running, upgrade_request("/protocol/soap", offer))
        assert status == 500
        assert "sec-websocket-protocol" not in fields
        assert b"soap" not in body


async def test_an_offered_subprotocol_is_accepted() -> None:
    async with run_emmett(answering_app()) as running, connect(running.port) as client:
        assert (await client.upgrade("/protocol/chat", OFFER))["sec-websocket-protocol"] == "chat"
