from __future__ import annotations

import pytest

from emmett import HTTPException, Response
from emmett.http.headers import MutableHeaders
from emmett.sessions.caching import forbid_storing, forbid_storing_error, forbid_storing_result


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
def test_a_response_that_sets_the_cookie_must_not_be_stored(before: str | None, after: str) -> None:
    headers = MutableHeaders({"cache-control": before} if before else {})
    forbid_storing(headers)
    assert dict(headers) == {"cache-control": after}


def test_a_response_with_caching_fields_is_copied() -> None:
    shared = Response("x", headers={"cache-control": "public", "vary": "Accept"})
    mine = forbid_storing_result(shared)
    assert isinstance(mine, Response)
    assert (dict(mine.headers), mine.body) == ({"cache-control": "no-store", "vary": "Accept"}, b"x")
    assert dict(shared.headers) == {"cache-control": "public", "vary": "Accept"}


def test_other_results_are_not_changed() -> None:
    for result in ("text", None, {"cache-control": "x"}, Response("x", headers={"x-a": "b", "vary": "Accept"})):
        assert forbid_storing_result(result) is result


def test_an_error_with_caching_fields_must_not_be_stored() -> None:
    error = HTTPException(404, headers={"Cache-Control": "public", "X-A": "b"})
    forbid_storing_error(error)
    assert error.headers == {"cache-control": "no-store", "x-a": "b"}
    plain = HTTPException(303, headers={"Location": "/", "Vary": "Accept"})
    forbid_storing_error(plain)
    assert plain.headers == {"Location": "/", "Vary": "Accept"}
