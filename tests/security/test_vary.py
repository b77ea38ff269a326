from __future__ import annotations

import pytest

from emmett import HTTPException, Response
from emmett.http.headers import MutableHeaders
from emmett.security.vary import add_vary, vary_error, vary_result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "origin"),
        ({"Vary": "accept"}, "accept, origin"),
        ({"Vary": "accept,ORIGIN"}, "accept,ORIGIN"),
        ({"Vary": "*"}, "*"),
        ({"Vary": "x-origin"}, "x-origin, origin"),
    ],
)
def test_a_name_is_added_once(before: dict[str, str], after: str) -> None:
    headers = MutableHeaders(before)
    for _ in range(2):
        add_vary(headers, "origin")
    assert dict(headers) == {"vary": after}


def test_a_response_is_changed_in_a_copy_where_it_speaks_of_it() -> None:
    silent, shared = Response("a"), Response("b", headers={"Vary": "accept"})
    assert vary_result(silent, "origin") is silent
    assert vary_result("text", "origin") == "text"
    changed = vary_result(shared, "origin")
    assert isinstance(changed, Response)
    assert (changed.headers["vary"], shared.headers["vary"], changed.body) == ("accept, origin", "accept", b"b")


def test_an_error_that_answers() -> None:
    silent, speaking = HTTPException(402, headers={"a": "b"}), HTTPException(402, headers={"VARY": "accept"})
    for error in (silent, speaking):
        vary_error(error, "origin")
    assert (silent.headers, speaking.headers) == ({"a": "b"}, {"vary": "accept, origin"})
