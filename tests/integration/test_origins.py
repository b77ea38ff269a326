"""Cross-site websocket hijacking: refused before the application runs (reliability, line 15)."""

from __future__ import annotations

import httpx
import pytest

from emmett import App, websocket
from emmett.errors import ConfigurationError
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import run_emmett


def open_app(**origins: list[str]) -> tuple[App, list[str | None]]:
    app = App(__name__)
    visits: list[str | None] = []
    if origins:
        app.config.websocket.origins = origins["origins"]

    @app.websocket("/")
    async def visit() -> None:
        visits.append(websocket.headers.get("origin"))
        await websocket.accept()

    return app, visits


async def status_for(port: int, origin: bytes | None, host: bytes = b"good.com") -> int:
    async with connect(port) as client:
        fields = (b"Cookie: session=secret",) + ((b"Origin: " + origin,) if origin is not None else ())
        client.write(upgrade_request("/", *fields, host=host))
        return (await client.read_head())[0]


async def test_only_the_same_origin_is_allowed_by_default(caplog: pytest.LogCaptureFixture) -> None:
    app, visits = open_app()
    async with run_emmett(app) as running:
        assert await status_for(running.port, b"http://good.com") == 101
        assert await status_for(running.port, None) == 101
        for foreign in (
            b"http://evil.com",
            b"http://good.com.evil.com",
            b"https://good.com",
            b"http://good.com:8080",
            b"null",
            b"file://",
            b"http://evil.com/good.com",
        ):
            for _ in range(3):
                assert await status_for(running.port, foreign) == 403
    assert visits == ["http://good.com", None]
    refusals = [
        record.getMessage() for record in caplog.records if "may not connect; same-origin means" in record.getMessage()
    ]
    assert len(refusals) == 7, "each origin is logged once"


async def test_the_refusal_gives_the_reason() -> None:
    app, _ = open_app()
    async with run_emmett(app) as running, httpx.AsyncClient(verify=False) as client:
        fields = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Host": "good.com",
        }
        for origin, expected in (
            (
                "http://evil.com",
                "'http://evil.com' may not connect; same-origin means 'http://good.com' here",
            ),
            ("https://good.com", "setting server.trusted_proxies"),
        ):
            answer = await client.get(f"http://127.0.0.1:{running.port}/", headers={**fields, "Origin": origin})
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert expected in answer.text


async def test_origins_that_programs_send_are_handled() -> None:
    """ws4py and Starscream send the origin of the websocket, arduinoWebSockets and desktop shells one of their own."""
    app, _ = open_app(origins=["same-origin", "file://", "null", "app://.", "vscode-webview://*", "moz-extension://*"])
    async with run_emmett(app) as running:
        for origin in (
            *(b"ws://good.com", b"ws://good.com:80", b"http://good.com", b"file://", b"null", b"app://."),
            *(b"vscode-webview://1a2b", b"moz-extension://f00-ba7"),
        ):
            assert await status_for(running.port, origin) == 101
        for origin in (b"wss://good.com", b"ws://evil.com", b"app://evil", b"chrome-extension://abc"):
            assert await status_for(running.port, origin) == 403


async def test_origins_can_be_listed_with_wildcards() -> None:
    app, _ = open_app(origins=["https://example.com", "https://*.example.com", "same-origin"])
    async with run_emmett(app) as running:
        assert await status_for(running.port, b"https://example.com") == 101
        assert await status_for(running.port, b"https://a.b.example.com") == 101
        assert await status_for(running.port, b"http://good.com") == 101
        assert await status_for(running.port, b"https://badexample.com") == 403
        assert await status_for(running.port, b"http://example.com") == 403


async def test_local_pages_are_allowed_during_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMMETT_DEVELOP", "app:app")
    app, _ = open_app()
    async with run_emmett(app) as running:
        assert await status_for(running.port, b"http://localhost:5173", host=b"127.0.0.1:8000") == 101
        assert await status_for(running.port, b"http://evil.com", host=b"127.0.0.1:8000") == 403


def test_an_invalid_pattern_is_an_error_on_assignment() -> None:
    app = App(__name__)

    async def visit() -> None:
        await websocket.accept()

    with pytest.raises(ConfigurationError, match=r"websocket\.origins"):
        app.config.websocket.origins = ["example.com"]
    with pytest.raises(ConfigurationError, match=r"websocket\.origins"):
        app.websocket("/", origins="*.example.com")(visit)
