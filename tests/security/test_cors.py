"""What pages of other sites may request and read."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App, Response, abort, response
from emmett.errors import ConfigurationError
from emmett.security import CORS
from emmett.testing import AsyncTestClient, TestResponse

SHOP = "https://shop.example"


def make_app(*arguments: Any, **options: Any) -> App:
    app = App(__name__)
    app.pipeline = [CORS(*arguments, **options)]

    @app.route("/data", methods=["get", "put", "delete"])
    async def data() -> dict[str, int]:
        response.headers.append("vary", "accept")
        return {"a": 1}

    @app.route("/replaced")
    async def replaced() -> str:
        response.headers["vary"] = "accept"
        return ""

    shared = Response("shared", headers={"Vary": "accept"})

    @app.route("/shared")
    async def whole() -> Response:
        return shared

    @app.route("/refused")
    async def refused() -> None:
        abort(402, headers={"Vary": "accept"})

    @app.route("/missing")
    async def missing() -> None:
        abort(404)

    @app.route("/broken")
    async def broken() -> None:
        raise LookupError

    return app


def cors(answer: TestResponse) -> dict[str, str]:
    """The header fields of a response that control which sites may read it."""
    fields = {name.removeprefix("access-control-"): value for name, value in answer.headers.items()}
    return {
        name: value for name, value in fields.items() if name != "vary" and f"access-control-{name}" in answer.headers
    }


async def ask(client: AsyncTestClient, path: str = "/data", origin: str | None = SHOP) -> TestResponse:
    return await client.get(path, headers={} if origin is None else {"Origin": origin})


async def preflight(
    client: AsyncTestClient, method: str = "PUT", headers: str | None = None, origin: str = SHOP
) -> TestResponse:
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers is not None:
        fields["Access-Control-Request-Headers"] = headers
    return await client.options("/data", headers=fields)


@pytest.mark.parametrize("path", ["/data", "/missing", "/broken"])
async def test_listed_sites_may_read_responses_and_errors(path: str) -> None:
    async with make_app(["https://shop.example", "https://*.b.example"]).test_client_async() as client:
        for origin in (SHOP, "https://a.b.example"):
            answer = await ask(client, path, origin)
            assert cors(answer) == {"allow-origin": origin}
            assert "origin" in answer.headers["vary"]
        for other in ("https://b.example", "http://shop.example", "https://shop.example.evil", "null", None):
            answer = await ask(client, path, other)
            assert cors(answer) == {}
            assert "origin" in answer.headers["vary"]


async def test_every_site_may_be_allowed() -> None:
    async with make_app("*").test_client_async() as client:
        answer = await ask(client)
        assert cors(answer) == {"allow-origin": "*"}
        assert answer.headers["vary"] == "accept"


async def test_additions_of_a_handler_to_vary_are_kept() -> None:
    async with make_app(SHOP).test_client_async() as client:
        assert (await ask(client)).headers["vary"] == "origin, accept"


@pytest.mark.parametrize("path", ["/replaced", "/shared", "/refused"])
async def test_a_vary_field_of_the_handler_does_not_hide_ours(path: str) -> None:
    async with make_app(SHOP).test_client_async() as client:
        for _ in range(2):
            assert (await ask(client, path)).headers["vary"] == "accept, origin"
    async with make_app("*").test_client_async() as client:
        assert (await ask(client, path)).headers["vary"] == "accept"


async def test_cookies_and_readable_fields_can_be_allowed() -> None:
    async with make_app(SHOP, credentials=True, expose=["X-Total", "ETag"]).test_client_async() as client:
        assert cors(await ask(client)) == {
            "allow-origin": SHOP,
            "allow-credentials": "true",
            "expose-headers": "X-Total, ETag",
        }
        assert cors(await ask(client, origin="https://evil.example")) == {}


async def test_preflights_are_answered() -> None:
    options: dict[str, Any] = {"methods": ["put", "PATCH"], "headers": ["X-Token", "Content-Type"], "max_age": 60}
    async with make_app(SHOP, **options).test_client_async() as client:
        answer = await preflight(client, headers="x-token, content-type")
        assert (answer.status, answer.content) == (204, b"")
        assert cors(answer) == {
            "allow-origin": SHOP,
            "allow-methods": "PUT",
            "allow-headers": "X-Token, Content-Type",
            "max-age": "60",
        }
        assert answer.headers["vary"] == "origin"
        assert (await preflight(client)).status == 204


async def test_all_fields_can_be_allowed() -> None:
    async with make_app(SHOP, methods="PUT", headers="*", credentials=True).test_client_async() as client:
        answer = await preflight(client, headers="x-token,  authorization,")
        assert answer.status == 204
        assert answer.headers["access-control-allow-headers"] == "x-token, authorization"
        assert "access-control-allow-headers" not in (await preflight(client)).headers
        answer = await preflight(client, headers="x-token, a b")
        assert (answer.status, answer.text) == (403, "pages of other origins may not send the field 'a b'\n")


async def test_every_site_may_send_preflights() -> None:
    async with make_app("*", methods="PUT").test_client_async() as client:
        answer = await preflight(client)
        assert cors(answer) == {"allow-origin": "*", "allow-methods": "PUT", "max-age": "600"}
        assert "vary" not in answer.headers


async def test_access_from_private_networks_can_be_allowed() -> None:
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Private-Network": "true"}
    async with make_app(SHOP, methods="PUT").test_client_async() as client:
        answer = await client.options("/data", headers=headers)
        assert (answer.status, cors(answer)) == (403, {})
    async with make_app(SHOP, methods="PUT", private_network=True).test_client_async() as client:
        answer = await client.options("/data", headers=headers)
        assert (answer.status, answer.headers["access-control-allow-private-network"]) == (204, "true")
        assert "access-control-allow-private-network" not in (await preflight(client)).headers


async def test_pages_without_an_origin_are_allowed_only_if_listed() -> None:
    async with make_app(["null"]).test_client_async() as client:
        assert cors(await ask(client, origin="null")) == {"allow-origin": "null"}
        assert cors(await ask(client)) == {}


async def test_other_preflights_are_refused() -> None:
    async with make_app(SHOP, methods=["PUT"], headers=["X-Token"]).test_client_async() as client:
        refused = [
            await preflight(client, origin="https://evil.example"),
            await preflight(client, "DELETE"),
            await preflight(client, headers="X-Token, X-Other"),
            await preflight(client, headers="*"),
        ]
        for answer in refused:
            assert (answer.status, cors(answer), answer.headers["vary"]) == (403, {}, "origin")
        # The path does not support this method at all.
        assert (await preflight(client, "PATCH")).status == 405


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("*",), {"credentials": True}, "every site"),
        ((["null", SHOP],), {"credentials": True}, "every site"),
        (([],), {}, "name the other sites"),
        (([SHOP, "same-origin"],), {}, "name the other sites"),
        ((SHOP,), {"methods": "*"}, "is not a method"),
        ((SHOP,), {"expose": "*", "credentials": True}, "list"),
        (("shop.example",), {}, "is not valid"),
        ((SHOP,), {"methods": ["P UT"]}, "'P UT' is not a name"),
        ((SHOP,), {"headers": ["X\r\nY"]}, "is not a name"),
        ((SHOP,), {"expose": [""]}, "is not a name"),
        ((SHOP,), {"max_age": -1}, "max_age=-1"),
        ((SHOP,), {"max_age": 1.5}, "max_age=1.5"),
    ],
)
def test_invalid_arguments_are_refused(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CORS(*arguments, **options)
