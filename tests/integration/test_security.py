"""Forms, pages of other sites and header fields over real servers, and in a real browser (reliability: HTTP 78)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from emmett import App, abort, redirect, request, requires, response, session, websocket
from emmett.security import CORS, CSRF, SecurityHeaders, csp_nonce, csrf_field, csrf_token
from emmett.sessions import SessionManager
from tests.integration.browsing import visit
from tests.integration.hostile import attacked, echo_app
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import SERVERS, run_emmett
from tests.tools import tool

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
]

SHOP = "https://shop.example"


def logged_in() -> bool:
    return session.user is not None


def make_app(*origins: str) -> App:
    """A shop with all protections, which also allows some pages of other sites."""
    app = App(__name__)
    sessions = SessionManager.memory()
    app.pipeline = [
        SecurityHeaders(),
        CORS(origins or [SHOP], methods=["GET", "PUT"], headers=["X-CSRF-Token"], credentials=True),
        sessions,
        CSRF(trusted_origins=origins or [SHOP]),
    ]

    @app.route("/")
    async def index() -> str:
        body = (
            f"<script>window.unsafe = true</script><script nonce='{csp_nonce()}'>window.safe = true</script>"
            f"<form method='post' action='/login'>{csrf_field()}<input name='name'><button>Log in</button></form>"
        )
        response.content_type = "text/html; charset=utf-8"
        return f"<!doctype html><title>shop</title><body>{body}"

    @app.route("/token")
    async def token() -> str:
        return csrf_token()

    @app.route("/login", methods="post")
    async def login() -> None:
        await sessions.renew()
        session.user = (await request.body_params).name
        redirect("/account")

    @app.route("/account")
    @requires(logged_in)
    async def account() -> str:
        return f"account of {session.user}"

    @app.route("/stock", methods=["get", "put"])
    async def stock() -> str:
        return f"stock for {session.user}"

    @app.route("/missing")
    async def missing() -> None:
        abort(404)

    @app.websocket("/live", origins="*")
    @requires(logged_in)
    async def live() -> None:
        await websocket.send(f"news for {session.user}")

    return app


async def token_of(client: httpx.AsyncClient) -> str:
    return (await client.get("/token")).text


@pytest.mark.parametrize("server", SERVERS)
async def test_a_visitor_can_log_in_by_a_form(server: str) -> None:
    async with visit(server, make_app()) as client:
        assert (await client.post("/login", data={"name": "mallory"})).status_code == 403
        old = await token_of(client)
        elsewhere = {"Origin": "https://evil.example"}
        answer = await client.post("/login", data={"name": "mallory", "csrf_token": old}, headers=elsewhere)
        assert answer.status_code == 403
        assert (await client.get("/account")).status_code == 403
        answer = await client.post("/login", data={"name": "ada", "csrf_token": old})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert (await client.get("/account")).text == "account of ada"
        # The token from before the login is no longer valid.
        assert (await client.put("/stock", headers={"X-CSRF-Token": old})).status_code == 403
        new = await token_of(client)
        assert (await client.put("/stock", headers={"X-CSRF-Token": new})).text == "stock for ada"


@pytest.mark.parametrize("server", SERVERS)
async def test_pages_of_another_site_are_restricted(server: str) -> None:
    async with visit(server, make_app()) as client:
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-csrf-token"}
        answer = await client.options("/stock", headers={"Origin": SHOP, **asked})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-methods"] == "GET, PUT"
        assert answer.headers["access-control-allow-headers"] == "X-CSRF-Token"
        answer = await client.options("/stock", headers={"Origin": "https://evil.example", **asked})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (403, None)
        for path, status in (("/stock", 200), ("/account", 403), ("/missing", 404)):
            answer = await client.get(path, headers={"Origin": SHOP})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, SHOP)
            assert [name.strip() for name in answer.headers["vary"].lower().split(",")] == ["origin", "cookie"]
            assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("server", SERVERS)
async def test_a_websocket_is_refused_before_it_is_accepted(server: str) -> None:
    async with SERVERS[server](make_app()) as running, connect(running.port) as client:
        client.write(upgrade_request("/live"))
        assert (await client.read_head())[0] == 403


async def test_a_logged_in_visitor_can_open_a_websocket() -> None:
    async with (
        run_emmett(make_app()) as running,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", trust_env=False, verify=False) as visitor,
        connect(running.port) as client,
    ):
        await visitor.post("/login", data={"name": "ada", "csrf_token": await token_of(visitor)})
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        await client.upgrade("/live", f"Cookie: {cookie}".encode())
        assert await client.read_frame() == (1, b"news for ada")


@pytest.mark.loops("asyncio", "uvloop")
async def test_refusals_cannot_inject_into_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    """`attacked` checks the log for control characters (reliability, line 78)."""
    app = echo_app()

    @app.route("/<any:path>", methods="post", pipeline=[SessionManager.memory(), CSRF()])
    async def guarded(path: str) -> str:
        return path

    origin = b"Origin: http://evil.example\xa0\xad\"'\\"
    async with attacked(app, caplog) as running, connect(running.port) as client:
        for _ in range(3):
            client.write(b"POST /%0d%0aINFO:%20fake%1b%5b31m%c2%85%e2%80%a8 HTTP/1.1\r\nHost: localhost\r\n")
            client.write(origin + b"\r\nContent-Length: 0\r\n\r\n")
            assert (await client.read_response())[0] == 403
    # Where loggers propagate, the same record appears twice.
    refusals = list({id(one): one.getMessage() for one in caplog.records if one.name == "emmett.security"}.values())
    assert len(refusals) == 1
    assert "\\r\\nINFO: fake\\x1b[31m\\x85\\u2028" in refusals[0]
    assert "evil.example\\xa0\\xad" in refusals[0]


@asynccontextmanager
async def browser_page(url: str) -> AsyncIterator[Page]:
    """A page in Chromium."""
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=flags)
        try:
            page = await browser.new_page()
            page.set_default_timeout(15_000)
            await page.goto(url)
            yield page
        finally:
            await browser.close()


# Requests the stock of the shop like a script of another page, and reports what it may read.
ASK = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return [answer.status, await answer.text()];
    } catch (error) {
        return [0, error.name];
    }
}"""


@pytest.mark.needs("chromium")
async def test_the_protections_work_in_a_browser() -> None:
    other = App("other")
    other.route("/", name="index")(lambda: "<!doctype html><title>other</title>")
    async with run_emmett(other) as friend, run_emmett(other) as enemy:
        # Other ports are other origins of the same site, which cookies do not tell apart.
        friendly, hostile = (f"http://127.0.0.1:{running.port}/" for running in (friend, enemy))
        async with run_emmett(make_app(friendly.rstrip("/"))) as running:
            shop = f"http://127.0.0.1:{running.port}"
            async with browser_page(f"{shop}/") as page:
                # Of the two scripts in the page, only the one with the nonce has run.
                assert await page.evaluate("[window.safe, window.unsafe]") == [True, None]
                await page.fill("[name=name]", "ada")
                await page.click("button")
                await page.wait_for_url(f"{shop}/account")
                assert await page.inner_text("body") == "account of ada"

                await page.goto(friendly)
                get: dict[str, Any] = {"credentials": "include"}
                assert await page.evaluate(ASK, [f"{shop}/stock", get]) == [200, "stock for ada"]
                assert (await page.evaluate(ASK, [f"{shop}/missing", get]))[0] == 404
                put: dict[str, Any] = {"method": "PUT", **get}
                status, text = await page.evaluate(ASK, [f"{shop}/stock", put])
                assert (status, "it has no token" in text) == (403, True)
                _, token = await page.evaluate(ASK, [f"{shop}/token", get])
                put["headers"] = {"X-CSRF-Token": token}
                assert await page.evaluate(ASK, [f"{shop}/stock", put]) == [200, "stock for ada"]
                put["headers"] = {"X-CSRF-Token": token, "X-Other": "a"}
                assert await page.evaluate(ASK, [f"{shop}/stock", put]) == [0, "TypeError"]

                await page.goto(hostile)
                put["headers"] = {"X-CSRF-Token": token}
                assert await page.evaluate(ASK, [f"{shop}/stock", get]) == [0, "TypeError"]
                assert await page.evaluate(ASK, [f"{shop}/stock", put]) == [0, "TypeError"]
                # A form is sent automatically, with the visitor's cookie; not even a leaked token helps it.
                async with page.expect_navigation() as sent:
                    await page.evaluate(
                        """([action, token]) => {
                            const form = document.createElement("form");
                            form.method = "post";
                            form.action = action;
                            for (const [name, value] of [["name", "mallory"], ["csrf_token", token]]) {
                                form.append(Object.assign(document.createElement("input"), {name, value}));
                            }
                            document.body.append(form);
                            form.submit();
                        }""",
                        [f"{shop}/login", token],
                    )
                answer = await sent.value
                assert answer is not None
                assert answer.status == 403
                assert "cookie" in await answer.request.all_headers()
                assert "it comes from a page of another site" in await answer.text()
                await page.goto(f"{shop}/account")
                assert await page.inner_text("body") == "account of ada"
