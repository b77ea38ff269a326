"""Routes: their allowed origins, and the pipes of their messages."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from emmett import App, Pipe
from emmett.dispatch import WebsocketRoute, routes
from emmett.environment import DEVELOP
from emmett.pipeline import DROP

HERE = {"scheme": "ws", "host": "example.org"}


@pytest.fixture(autouse=True)
def _forget_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_refused_origins", set())
    monkeypatch.delenv(DEVELOP, raising=False)


def make_route(app: App | None = None, **options: Any) -> WebsocketRoute:
    async def handler() -> None: ...

    app = app or App(__name__)
    app.websocket("/", **options)(handler)
    match = app.table.websockets.match("/", scheme="ws", host="")
    assert match.endpoint is not None
    return match.endpoint


def test_the_origin_decides_whether_a_page_may_connect() -> None:
    route = make_route()
    assert route.refuse_origin(None, **HERE) is None
    assert route.refuse_origin("http://example.org", **HERE) is None
    for origin in ("https://example.org", "http://other.example", "null", "", "garbage"):
        assert route.refuse_origin(origin, **HERE) is not None
    assert make_route(origins="*").refuse_origin("http://other.example", **HERE) is None
    listed = make_route(origins=["https://a.example", "https://b.example"])
    assert listed.refuse_origin("https://b.example", **HERE) is None
    assert listed.refuse_origin("http://example.org", **HERE) is not None


def test_a_later_change_of_the_settings_applies() -> None:
    app = App(__name__)
    route = make_route(app)
    assert route.refuse_origin("https://a.example", **HERE) is not None
    app.config.websocket.origins = "https://a.example"
    assert route.refuse_origin("https://a.example", **HERE) is None
    app.config.websocket.origins = ["https://b.example"]
    assert route.refuse_origin("https://a.example", **HERE) is not None


def test_local_pages_may_connect_during_development(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_route().refuse_origin("http://localhost:3000", scheme="ws", host="localhost:8000") is not None
    monkeypatch.setenv(DEVELOP, "1")
    assert make_route().refuse_origin("http://localhost:3000", scheme="ws", host="localhost:8000") is None


def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    first, second = make_route(), make_route(origins=["https://a.example", "https://b.example"])
    for _ in range(3):
        first.refuse_origin("http://x.example", **HERE)
        second.refuse_origin("http://x.example", **HERE)
        second.refuse_origin("http://y.example", **HERE)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert caplog.records[0].getMessage() == (
        "handler: the origin 'http://x.example' may not connect; same-origin means 'http://example.org' here; the "
        "setting websocket.origins is same-origin"
    )


def test_the_log_of_refusals_is_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MAX_REFUSED_ORIGINS", 3)
    route = make_route()
    for number in range(10):
        assert route.refuse_origin(f"http://{number}.example", **HERE) is not None
    assert len(caplog.records) == 3
    assert len(routes._refused_origins) == 3


async def test_messages_pass_all_hooks_of_a_flow() -> None:
    class Mark(Pipe):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_receive(self, data: Any, /) -> Any:
            return DROP if data == "drop" else data + self.name

        async def on_send(self, data: Any, /) -> Any:
            return data + self.name

    route = make_route(pipeline=[Mark("a"), Mark("b")])
    assert route.on_receive is not None
    assert route.on_send is not None
    assert await route.on_receive("x") == "xab"
    assert await route.on_receive("drop") is DROP
    assert await route.on_send("x") == "xba"


def test_without_hooks_nothing_is_set() -> None:
    route = make_route()
    assert (route.on_receive, route.on_send) == (None, None)
