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


async def test_a_form_with_its_token_passes() -> None:
    async with make_app().test_client_async() as client:
        token = await token_of(client)
        for _ in range(2):
            answer = await client.post("/send", data={"text": "hello", "csrf_token": token}, headers={"Origin": ORIGIN})
            assert (answer.status, answer.text) == (200, "sent hello")
        files = {"file": ("a.txt", b"content", "text/plain")}
        answer = await client.post("/send", data={"text": "hello", "csrf_token": token}, files=files)
        assert (answer.status, answer.text) == (200, "sent hello")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_script_with_its_token_passes(method: str) -> None:
    async with make_app().test_client_async() as client:
        token = await token_of(client)
        answer = await client.request(method, "/send", json={"text": "hello"}, headers={"X-CSRF-Token": token})
        assert (answer.status, answer.text) == (200, "sent hello")
        assert (await client.request(method, "/send", json={"text": "hello"})).status == 403


async def test_a_request_without_or_with_another_token_is_refused(caplog: pytest.LogCaptureFixture) -> None:
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
        # The same field twice is a list.
        assert (await client.post("/send", data={"csrf_token": [token, token]})).status == 403
        # JSON requires the header, even if it is invalid.
        for content in (b'{"csrf_token": "' + token.encode() + b'"}', b"[", b"[1]"):
            answer = await client.post("/send", content=content, headers={"Content-Type": "application/json"})
            assert (answer.status, "it has no token" in answer.text) == (403, True)
        for _ in range(3):
            assert (await client.post("/send", headers={"Origin": "http://evil.example"})).status == 403
    refusals = [record for record in caplog.records if record.name == "emmett.security"]
    assert len(refusals) == 3, "each kind is logged once"
    assert token not in caplog.text
    assert "Origin is 'http://evil.example', the application's is 'http://localhost'" in caplog.text


async def test_a_visitor_without_a_session_has_no_token() -> None:
    app = make_app()
    async with app.test_client_async() as client, app.test_client_async() as other:
        foreign = await token_of(other)
        for options in ({"data": {"csrf_token": foreign}}, {"headers": {"X-CSRF-Token": foreign}}):
            answer = await client.post("/send", **options)  # type: ignore[arg-type]
            assert (answer.status, "its session has no token, or has ended; load" in answer.text) == (403, True)
        assert not client.cookies


async def test_a_form_is_not_read_if_nothing_could_let_it_pass() -> None:
    async with make_app().test_client_async() as client:
        too_large = {"text": "x" * 2_000_000}
        assert (await client.post("/send", data=too_large)).status == 403
        await token_of(client)
        assert (await client.post("/send", data=too_large)).status == 413
        assert (await client.post("/send", data=too_large, headers={"Origin": "http://evil.example"})).status == 403


async def test_a_refusal_uses_the_error_page_of_the_application() -> None:
    app = make_app()

    @app.on_error(403)
    async def refused() -> str:
        return "go back and try again"

    async with app.test_client_async() as client:
        answer = await client.post("/send")
        assert (answer.status, answer.text) == (403, "go back and try again")


async def test_other_names_of_field_and_header_can_be_set() -> None:
    app = make_app(field="to&ken", header="X-Proof")

    @app.route("/field")
    async def field() -> str:
        return csrf_field()

    async with app.test_client_async() as client:
        assert 'name="to&amp;ken"' in (await client.get("/field")).text
        token = await token_of(client)
        assert (await client.post("/send", data={"to&ken": token})).status == 200
        assert (await client.post("/send", headers={"X-Proof": token})).status == 200
        assert (await client.post("/send", data={"csrf_token": token})).status == 403
        answer = await client.post("/send", headers={"X-CSRF-Token": token})
        assert "in the form field 'to&ken' or the header field 'X-Proof'" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "null", "Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://shop.example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "http://shop.example"}, 200),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin, cross-site"}, 403),
        ({"Sec-Fetch-Site": "anything"}, 403),
    ],
)
async def test_the_origin_of_a_request_is_checked(headers: dict[str, str], status: int) -> None:
    async with make_app(trusted_origins="http://shop.example").test_client_async() as client:
        data = {"csrf_token": await token_of(client)}
        assert (await client.post("/send", data=data, headers=headers)).status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_safe_methods_pass(method: str) -> None:
    async with make_app().test_client_async() as client:
        path = "/send" if method == "OPTIONS" else "/form"
        assert (await client.request(method, path, headers={"Origin": "http://evil.example"})).status == 200


async def test_websockets_pass() -> None:
    async with make_app().test_client_async() as client, client.websocket("/echo") as ws:
        assert await ws.receive() == "hello"


async def later() -> bool:
    return "authorization" in request.headers


@pytest.mark.parametrize("exempt", [later, lambda: "authorization" in request.headers])
async def test_exempted_requests_pass(exempt: Callable[[], object]) -> None:
    async with make_app(exempt=exempt).test_client_async() as client:
        assert (await client.post("/send", json={"text": "a"}, headers={"Authorization": "Bearer x"})).text == "sent a"
        assert (await client.post("/send", json={"text": "a"})).status == 403


async def test_a_login_gives_a_new_secret() -> None:
    async with make_app().test_client_async() as client:
        old = await token_of(client)
        new = (await client.post("/login", data={"csrf_token": old})).text
        assert (await client.post("/send", data={"csrf_token": old})).status == 403
        assert (await client.post("/send", data={"csrf_token": new})).status == 200


async def test_an_invalid_secret_is_replaced() -> None:
    app = make_app()

    @app.route("/spoil")
    async def spoil() -> str:
        session["_csrf"] = "short"
        return ""

    async with app.test_client_async() as client:
        await client.get("/spoil")
        assert (await client.post("/send", data={"csrf_token": "short"})).status == 403
        assert (await client.post("/send", data={"csrf_token": await token_of(client)})).status == 200


async def test_the_hidden_field_contains_the_token() -> None:
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


async def test_without_a_session_it_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    app.route("/send", methods="post", pipeline=[CSRF()])(lambda: "")
    with pytest.raises(UsageError, match="put a session pipe of SessionManager before it"):
        csrf_token()
    app.route("/page", name="page", pipeline=[CSRF(), SessionManager.memory()])(lambda: "")
    async with app.test_client_async() as client:
        assert (await client.post("/send", data={"csrf_token": "x"})).status == 500
        # It is reported with the first page, before there is a form.
        assert (await client.get("/page")).status == 500
    errors = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert ["put a session pipe of SessionManager before it" in error for error in errors] == [True, True]


async def test_null_can_be_trusted() -> None:
    async with make_app(trusted_origins="null").test_client_async() as client:
        data = {"csrf_token": await token_of(client)}
        headers = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
        assert (await client.post("/send", data=data, headers=headers)).status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trusted_origins": ["shop.example"]}, r"shop\.example"),
        ({"field": ""}, "name of a form field"),
        ({"header": "X Proof"}, "header='X Proof'"),
        ({"header": "X-Pröof"}, "name of a header field"),
    ],
)
def test_invalid_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CSRF(**options)
