"""Header fields with security policies for browsers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emmett import App, Response, abort, response
from emmett.errors import ConfigurationError, UsageError
from emmett.security import SecurityHeaders, csp_nonce
from emmett.security.headers import DEFAULT_POLICY

SENT_POLICY = f"{DEFAULT_POLICY}; frame-ancestors 'none'"


def make_app(**options: Any) -> App:
    app = App(__name__)
    app.pipeline = [SecurityHeaders(**options)]

    @app.route("/")
    async def index() -> str:
        return "page"

    @app.route("/nonce")
    async def nonce() -> str:
        assert csp_nonce() == csp_nonce()
        return csp_nonce()

    @app.route("/own")
    async def own() -> Response:
        return Response("own", headers={"X-Frame-Options": "SAMEORIGIN", "Content-Security-Policy": "default-src *"})

    @app.route("/changed")
    async def changed() -> str:
        response.headers["content-security-policy"] = "default-src *"
        return csp_nonce()

    @app.route("/missing")
    async def missing() -> None:
        abort(404)

    return app


@pytest.mark.parametrize("path", ["/", "/missing"])
async def test_the_default_fields_are_sent(path: str) -> None:
    async with make_app().test_client_async() as client:
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"] == SENT_POLICY.replace(" 'nonce'", "")
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=()"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "strict-transport-security" not in headers


async def test_only_responses_over_https_require_https() -> None:
    async with make_app().test_client_async(base_url="https://localhost") as client:
        assert (await client.get("/")).headers["strict-transport-security"] == "max-age=31536000"


async def test_each_page_has_its_own_nonce() -> None:
    async with make_app().test_client_async() as client:
        answers = [await client.get("/nonce") for _ in range(2)]
    for answer in answers:
        assert re.fullmatch(r"[\w-]{22}", answer.text)
        assert answer.headers["content-security-policy"] == SENT_POLICY.replace("'nonce'", f"'nonce-{answer.text}'")
    assert answers[0].text != answers[1].text


async def test_fields_set_by_a_handler_are_kept() -> None:
    async with make_app().test_client_async() as client:
        headers = (await client.get("/own")).headers
        assert (headers["x-frame-options"], headers["content-security-policy"]) == ("SAMEORIGIN", "default-src *")
        assert (await client.get("/changed")).headers["content-security-policy"] == "default-src *"


async def test_every_field_can_be_left_out() -> None:
    left_out: dict[str, Any] = dict.fromkeys(
        ("content_security_policy", "frame_options", "referrer_policy", "opener_policy", "permissions_policy", "hsts")
    )
    async with make_app(**left_out).test_client_async(base_url="https://localhost") as client:
        headers = (await client.get("/")).headers
        assert set(headers) <= {"date", "content-type", "content-length", "x-content-type-options"}
        assert (await client.get("/nonce")).status == 500


@pytest.mark.parametrize(
    ("policy", "frame_options", "sent"),
    [
        ("default-src 'self'", "DENY", "default-src 'self'; frame-ancestors 'none'"),
        ("default-src 'self'; ", "SAMEORIGIN", "default-src 'self'; frame-ancestors 'self'"),
        ("default-src 'self'", None, "default-src 'self'"),
        ("Frame-Ancestors https://a.example;", "DENY", "Frame-Ancestors https://a.example;"),
        ("", "DENY", "frame-ancestors 'none'"),
    ],
)
async def test_the_policy_and_x_frame_options_agree_about_frames(
    policy: str, frame_options: str | None, sent: str
) -> None:
    async with make_app(content_security_policy=policy, frame_options=frame_options).test_client_async() as client:
        headers = (await client.get("/")).headers
        assert headers["content-security-policy"] == sent
        assert headers.get("x-frame-options") == frame_options


async def test_a_module_replaces_the_fields_that_it_sets() -> None:
    app = make_app(referrer_policy="same-origin")
    inner = app.module(__name__, "inner", url_prefix="inner")
    inner.pipeline = [
        SecurityHeaders(
            content_security_policy="script-src 'nonce'", frame_options="SAMEORIGIN", referrer_policy=None, hsts=60
        )
    ]

    @inner.route("/")
    async def page() -> str:
        return csp_nonce()

    async with app.test_client_async(base_url="https://localhost") as client:
        answer = await client.get("/inner")
    assert answer.headers["content-security-policy"] == f"script-src 'nonce-{answer.text}'; frame-ancestors 'self'"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["strict-transport-security"] == "max-age=60"


async def test_outside_its_pipeline_there_is_no_nonce() -> None:
    app = make_app()
    app.module(__name__, "other").pipeline = []
    with pytest.raises(UsageError, match="needs SecurityHeaders"):
        csp_nonce()


@pytest.mark.parametrize(
    "options",
    [
        {"frame_options": "ALLOW"},
        {"hsts": -1},
        {"hsts": True},
        {"referrer_policy": "no\r\nreferrer"},
        {"content_security_policy": "default-src 'self'\n"},
        {"permissions_policy": 5},
    ],
)
def test_invalid_arguments_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="SecurityHeaders"):
        SecurityHeaders(**options)
