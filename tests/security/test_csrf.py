"""Forms pass with the token of the visitor's session, from our own pages; nothing else does."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from emmett import App, request, session, websocket
from emmett.errors import ConfigurationError, UsageError
from emmett.security import CSRF, csrf_field, csrf_token
from emmett.sessions import SessionManager
from emmett.testing import AsyncTestClient

ORIGIN = "http://localhost"


def make_app(**options: Any) -> App:
    app = App(__name__)
    sessions = SessionManager.memory()
    app.pipeline = [sessions, CSRF(**options)]

    @app.route("/form")
    async def form() -> str:
        return csrf_token()

    @app.route("/send", methods=["post", "put", "patch", "delete", "options"])
    async def send() -> str:
        return f"sent {(await request.body_params).text}"

    @app.route("/login", methods="post")
    async def login() -> str:
        await sessions.renew()
        session.user = "ada"
        return csrf_token()

    @app.websocket("/echo")
    async def echo() -> None:
        await websocket.send("hello")

    return app


async def token_of(client: AsyncTestClient) -> str:
    return (await client.get("/form")).text


async def test_a_form_with_its_token() -> None:
    async with make_app().test_client_async() as client:
        token = await token_of(client)
        for _ in range(2):
            answer = await client.post("/send", data={"text": "hello", "csrf_token": token}, headers={"Origin": ORIGIN})
            assert (answer.status, answer.text) == (200, "sent hello")
        files = {"file": ("a.txt", b"content", "text/plain")}
        answer = await client.post("/send", data={"text": "hello", "csrf_token": token}, files=files)
        assert (answer.status, answer.text) == (200, "sent hello")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_script_with_its_token(method: str) -> None:
    async with make_app().test_client_async() as client:
        token = await token_of(client)
        answer = await client.request(method, "/send", json={"text": "hello"}, headers={"X-CSRF-Token": token})
        assert (answer.status, answer.text) == (200, "sent hello")
        assert (await client.request(method, "/send", json={"text": "hello"})).status == 403


async def test_without_or_with_another_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "emmett.security")
    app = make_app()
    async with app.test_client_async() as client, app.test_client_async() as other:
        token, foreign = await token_of(client), await token_of(other)
        answer = await client.post("/send", data={"text": "hello"})
        assert answer.status == 403
        assert "it has no token; send the value of csrf_token()" in answer.text
        for wrong in (foreign, token[:-1], "", "é", token + "A"):
            answer = await client.post("/send", data={"csrf_token": wrong})
            assert (answer.status, "is not that of this session" in answer.text) == (403, True)
        # Twice the same field is a list.
        assert (await client.post("/send", data={"csrf_token": [token, token]})).status == 403
        assert (await client.post("/send", json={"csrf_token": 7})).status == 403
    assert len(caplog.records) == 8
    assert token not in caplog.text


async def test_a_visitor_without_a_session_has_no_token() -> None:
    app = make_app()
    async with app.test_client_async() as client, app.test_client_async() as other:
        foreign = await token_of(other)
        assert (await client.post("/send", data={"csrf_token": foreign})).status == 403
        assert not client.cookies


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://shop.example"}, 200),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_where_a_request_comes_from(headers: dict[str, str], status: int) -> None:
    async with make_app(trusted_origins="http://shop.example").test_client_async() as client:
        data = {"csrf_token": await token_of(client)}
        assert (await client.post("/send", data=data, headers=headers)).status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_what_changes_nothing_passes(method: str) -> None:
    async with make_app().test_client_async() as client:
        path = "/send" if method == "OPTIONS" else "/form"
        assert (await client.request(method, path, headers={"Origin": "http://evil.example"})).status == 200


async def test_websockets_pass() -> None:
    async with make_app().test_client_async() as client, client.websocket("/echo") as ws:
        assert await ws.receive() == "hello"


async def later() -> bool:
    return "authorization" in request.headers


@pytest.mark.parametrize("exempt", [later, lambda: "authorization" in request.headers])
async def test_exemptions(exempt: Callable[[], object]) -> None:
    async with make_app(exempt=exempt).test_client_async() as client:
        assert (await client.post("/send", json={"text": "a"}, headers={"Authorization": "Bearer x"})).text == "sent a"
        assert (await client.post("/send", json={"text": "a"})).status == 403


async def test_a_login_gives_a_new_secret() -> None:
    async with make_app().test_client_async() as client:
        old = await token_of(client)
        new = (await client.post("/login", data={"csrf_token": old})).text
        assert (await client.post("/send", data={"csrf_token": old})).status == 403
        assert (await client.post("/send", data={"csrf_token": new})).status == 200


async def test_a_secret_that_is_none_is_replaced() -> None:
    app = make_app()

    @app.route("/spoil")
    async def spoil() -> str:
        session["_csrf"] = "short"
        return ""

    async with app.test_client_async() as client:
        await client.get("/spoil")
        assert (await client.post("/send", data={"csrf_token": "short"})).status == 403
        assert (await client.post("/send", data={"csrf_token": await token_of(client)})).status == 200


async def test_the_hidden_field() -> None:
    app = make_app()

    @app.route("/field")
    async def field() -> str:
        found = csrf_field()
        assert found.__html__() == found
        return found

    async with app.test_client_async() as client:
        text = (await client.get("/field")).text
        found = re.fullmatch(r'<input type="hidden" name="csrf_token" value="([\w-]{86})">', text)
        assert found
        assert (await client.post("/send", data={"csrf_token": found[1]})).status == 200


async def test_without_a_session(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    app.route("/send", methods="post", pipeline=[CSRF()])(lambda: "")
    with pytest.raises(UsageError, match="put a session pipe before it"):
        csrf_token()
    async with app.test_client_async() as client:
        assert (await client.post("/send", data={"csrf_token": "x"})).status == 500
    assert "put a session pipe before it" in caplog.text


def test_an_origin_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match=r"shop\.example"):
        CSRF(trusted_origins=["shop.example"])
