from __future__ import annotations

import pytest

from emmett import HTTPException, Response
from emmett.http.headers import MutableHeaders
from emmett.sessions.caching import protect, protect_error, protect_result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "Cookie"),
        ({"Vary": "Accept-Encoding"}, "Accept-Encoding, Cookie"),
        ({"Vary": "accept, cookie"}, "accept, cookie"),
        ({"Vary": "COOKIE"}, "COOKIE"),
        ({"Vary": "*"}, "*"),
        ({"Vary": "Cookie-Consent"}, "Cookie-Consent, Cookie"),
    ],
)
def test_every_answer_varies_with_the_cookie(before: dict[str, str], after: str) -> None:
    headers = MutableHeaders(before)
    protect(headers, sets_cookie=False)
    protect(headers, sets_cookie=False)
    assert dict(headers) == {"vary": after}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "no-store"),
        ("public, max-age=3600", "no-store"),
        ("no-cache", "no-store"),
        ("private, max-age=5", "private, max-age=5"),
        ("No-Store", "No-Store"),
        ('private="set-cookie"', 'private="set-cookie"'),
    ],
)
def test_what_sets_the_cookie_is_kept_by_nobody_else(before: str | None, after: str) -> None:
    headers = MutableHeaders({"cache-control": before} if before else {})
    protect(headers, sets_cookie=True)
    assert headers["cache-control"] == after


def test_a_response_that_speaks_of_caches_is_copied() -> None:
    shared = Response("x", headers={"cache-control": "public"})
    mine = protect_result(shared, sets_cookie=True)
    assert isinstance(mine, Response)
    assert (dict(mine.headers), mine.body) == ({"cache-control": "no-store"}, b"x")
    assert dict(shared.headers) == {"cache-control": "public"}
    varying = protect_result(Response(headers={"vary": "Accept"}), sets_cookie=True)
    assert isinstance(varying, Response)
    assert dict(varying.headers) == {"vary": "Accept, Cookie"}


def test_other_results_stay() -> None:
    for result in ("text", None, {"vary": "x"}, Response("x", headers={"x-a": "b"})):
        assert protect_result(result, sets_cookie=True) is result


def test_an_error_that_speaks_of_caches() -> None:
    error = HTTPException(404, headers={"Cache-Control": "public", "X-A": "b"})
    protect_error(error, sets_cookie=True)
    assert error.headers == {"cache-control": "no-store", "x-a": "b"}
    plain = HTTPException(303, headers={"Location": "/"})
    protect_error(plain, sets_cookie=True)
    assert plain.headers == {"Location": "/"}
