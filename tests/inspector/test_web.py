"""The requests of the page and its websocket: their protection and their answers."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App, Channels, WebsocketClosed, session, websocket
from emmett.environment import DEVELOP
from emmett.errors import ConfigurationError
from emmett.pipeline import requires
from emmett.security import CSRF
from emmett.sessions import SessionManager
from emmett.testing import AsyncTestClient, RefusedHandshake
from tests.channels.kit import until


def make(**options: Any) -> App:
    app = App("tests.shop")
    channels = Channels(app, "memory")
    channels.namespace("room", history=5, presence=True)
    app.inspector("/inspector", **{"requires": lambda: True, **options})

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    return app


async def ask(client: AsyncTestClient, question: Any, **headers: str) -> tuple[int, Any]:
    response = await client.post("/inspector/ask", json=question, headers=headers)
    return response.status, response.json()


async def ready(app: App) -> None:
    inspector: Any = app.wired[-1]
    await until(lambda: inspector._control is not None and inspector._view._tails is not None)


async def test_the_page_is_served_with_its_policy() -> None:
    app = make()
    async with app.test_client_async() as client:
        response = await client.get("/inspector")
        assert response.status == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert "script-src 'sha256-" in response.headers["content-security-policy"]
        assert 'data-payloads="" data-header="" data-token=""' in response.text
        assert (await client.get("/inspector/ask")).status == 405
    assert all("inspector" not in route for route in app.openapi()["paths"])


async def test_questions_of_the_page_are_answered() -> None:
    app = make()
    async with app.test_client_async() as client, client.websocket("/echo") as echo:
        await ready(app)
        await echo.send("x")
        assert await echo.receive() == "x"
        status, nodes = await ask(client, {"ask": "overview"})
        assert status == 200
        assert [each["node"]["id"] for each in nodes["nodes"]] == [nodes["here"]]
        _, found = await ask(client, {"ask": "connections", "filter": {"route": "echo"}})
        (row,) = found["connections"]["rows"]
        assert (row["received"], row["path"]) == (1, "/echo")
        _, found = await ask(client, {"ask": "channels"})
        assert found["channels"]["rows"] == []
        _, channel = await ask(client, {"ask": "channel", "name": "room:1"})
        assert (channel["history"], channel["members"]) == ([], [])
        _, found = await ask(client, {"ask": "settings", "node": nodes["here"]})
        assert len(found["nodes"][0]["settings"]) > 50
        status, answer = await ask(client, {"ask": "close", "connection": row["id"], "code": 4000, "reason": "bye"})
        assert (status, answer) == (200, {"done": "closing with 4000"})
        with pytest.raises(WebsocketClosed) as closed:
            await echo.receive()
        assert (closed.value.code, closed.value.reason) == (4000, "bye")


@pytest.mark.parametrize(
    ("question", "status", "error"),
    [
        ({"ask": "everything"}, 400, "Invalid value"),
        ({"ask": "connections", "limit": 5000}, 400, "<= 500"),
        ({"ask": "channel", "name": "no channel"}, 400, "expected no whitespace"),
        ({"ask": "channel", "name": "room:1", "payloads": True}, 409, "payloads are not shown"),
        ({"ask": "close", "connection": "x"}, 409, "expected an ID"),
        ({"ask": "close", "connection": "here-1", "code": 4000}, 409, "here"),
        ({"ask": "drain", "node": ""}, 400, ">= 1"),
    ],
)
async def test_invalid_questions_are_errors(question: Any, status: int, error: str) -> None:
    app = make()
    inspector: Any = app.wired[-1]
    inspector._timeout = 0.01
    async with app.test_client_async() as client:
        await ready(app)
        answered, answer = await ask(client, question)
        assert answered == status
        assert error in answer["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://localhost"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_questions_from_other_sites_are_refused(headers: dict[str, str], status: int) -> None:
    app = make()
    async with app.test_client_async() as client:
        await ready(app)
        fields = {"content-type": "application/json", **headers}
        response = await client.post("/inspector/ask", content=b'{"ask":"overview"}', headers=fields)
        assert response.status == status


async def test_websockets_from_other_sites_are_refused_whatever_the_application_allows() -> None:
    app = App("tests.shop")
    app.config.websocket.origins = "*"
    app.inspector("/inspector", requires=lambda: True)
    async with app.test_client_async() as client:
        with pytest.raises(RefusedHandshake) as refused:
            async with client.websocket("/inspector/live?channel=x", headers={"origin": "https://evil.example"}):
                raise AssertionError("it was accepted")
        assert refused.value.status == 403


@pytest.mark.parametrize("as_pipe", [False, True])
async def test_access_requires_permission(as_pipe: bool) -> None:
    def is_admin() -> bool:
        return bool(session.admin)

    app = App("tests.shop")
    app.pipeline = [SessionManager.memory()]
    app.inspector("/inspector", requires=requires(is_admin, otherwise="/login") if as_pipe else is_admin)

    @app.route("/login")
    async def login() -> str:
        session.admin = True
        return "welcome"

    async with app.test_client_async(follow_redirects=False) as client:
        await ready(app)
        assert (await client.get("/inspector")).status == (303 if as_pipe else 403)
        assert (await client.post("/inspector/ask", json={"ask": "overview"})).status in (303, 403)
        with pytest.raises(RefusedHandshake):
            async with client.websocket("/inspector/live?channel=x"):
                raise AssertionError("it was accepted")
        await client.get("/login")
        assert (await client.get("/inspector")).status == 200
        assert (await client.post("/inspector/ask", json={"ask": "overview"})).status == 200


async def test_csrf_tokens_of_the_application_are_required() -> None:
    app = App("tests.shop")
    app.pipeline = [SessionManager.memory(), CSRF(header="X-Tea")]
    app.inspector("/inspector", requires=lambda: True)
    async with app.test_client_async() as client:
        await ready(app)
        html = (await client.get("/inspector")).text
        token = html.partition('data-header="X-Tea" data-token="')[2].partition('"')[0]
        assert len(token) > 20
        assert (await client.post("/inspector/ask", json={"ask": "overview"})).status == 403
        assert (await ask(client, {"ask": "overview"}, **{"X-Tea": token}))[0] == 200


async def test_messages_can_be_watched() -> None:
    app = make(payloads=True)
    inspector: Any = app.wired[-1]
    async with app.test_client_async() as client, client.websocket("/echo") as echo:
        await ready(app)
        _, found = await ask(client, {"ask": "connections"})
        connection = found["connections"]["rows"][0]["id"]
        async with client.websocket(f"/inspector/live?connection={connection}&payloads=1") as live:
            await until(lambda: len(inspector._view._tails) == 1)
            await echo.send("hello")
            news = await live.receive_json()
            assert [(each["direction"], each["payload"]) for each in news["messages"]] == (
                [("received", "hello"), ("sent", "hello")]
            )
        await until(lambda: len(inspector._view._tails) == 0)
        async with client.websocket("/inspector/live?channel=room:1&payloads=1") as live:
            topics = app.wired[0].running().hub.topics
            await until(lambda: "room:1" in topics and list(topics["room:1"].stream.receivers()))
            await app.wired[0].publish("room:1", "tea")
            news = await live.receive_json()
            assert [(each["direction"], each["payload"]) for each in news["messages"]] == [("published", "tea")]
        await until(lambda: not topics["room:1"].users if "room:1" in topics else True)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("connection=x", "expected an ID"),
        ("connection=nowhere-1", "nowhere"),
        ("channel=", "channel"),
        ("", "channel"),
        ("channel=a%20b", "expected no whitespace"),
        ("channel=room:1&payloads=1", "payloads are not shown"),
    ],
)
async def test_invalid_targets_of_a_tail_are_errors(query: str, error: str) -> None:
    app = make()
    inspector: Any = app.wired[-1]
    inspector._timeout = 0.01
    async with app.test_client_async() as client:
        await ready(app)
        async with client.websocket(f"/inspector/live?{query}") as live:
            answer = await live.receive_json()
            assert error in answer["error"]


async def test_without_protection_it_runs_only_during_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVELOP, raising=False)
    app = App("tests.shop")
    app.inspector()
    with pytest.raises(ConfigurationError, match="would let anyone see"):
        async with app.test_client_async():
            raise AssertionError("it was started")
    monkeypatch.setenv(DEVELOP, "app:app")
    async with app.test_client_async() as client:
        assert (await client.get("/inspector")).status == 200


@pytest.mark.parametrize("path", ["", "inspector", "/<str:x>", "/"])
def test_invalid_paths_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError):
        App("tests.shop").inspector(path)


async def test_without_a_path_there_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVELOP, raising=False)
    app = App("tests.shop")
    app.inspector(None)
    async with app.test_client_async() as client:
        assert (await client.get("/inspector")).status == 404
