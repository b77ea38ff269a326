from __future__ import annotations

import pytest

from emmett.http.headers import MutableHeaders
from emmett.http.vary import add_vary


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ({}, "origin", "origin"),
        ({"Vary": "accept"}, "origin", "accept, origin"),
        ({"Vary": "accept,ORIGIN"}, "origin", "accept, ORIGIN"),
        ({"Vary": "x-origin"}, "origin", "x-origin, origin"),
        ({"Vary": "accept"}, "Origin,\tAccept , cookie", "accept, Origin, cookie"),
        ({"Vary": "*"}, "origin", "*"),
        ({"Vary": "accept"}, "*", "*"),
        ({"Vary": "accept"}, "cookie, *", "*"),
        ({"Vary": " , "}, "origin", "origin"),
        ({"Vary": "accept"}, ",", "accept"),
    ],
)
def test_names_are_added_once(before: dict[str, str], value: str, after: str) -> None:
    headers = MutableHeaders(before)
    for _ in range(2):
        add_vary(headers, value)
    assert dict(headers) == {"vary": after}


def test_without_names_there_is_no_field() -> None:
    headers = MutableHeaders()
    add_vary(headers, "")
    assert dict(headers) == {}
