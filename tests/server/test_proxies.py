"""The scope of a request by what a proxy tells; for real connections see tests/integration/test_proxies.py."""

from __future__ import annotations

from typing import Any

import pytest

from emmett.server.proxies import see_through
from emmett.wire.forwarded import TrustedProxies

PROXIES = ["127.0.0.1", "unix"]
TRUSTED = TrustedProxies(PROXIES)
TOLD = [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https")]


def make_scope(*fields: tuple[bytes, bytes], **values: Any) -> dict[str, Any]:
    headers = [(b"host", b"inner:8000"), (b"accept", b"*/*"), *fields]
    own = {"client": ("127.0.0.1", 4711), "server": ("127.0.0.1", 8000), "scheme": "http", "headers": headers}
    return {**own, **values}


def test_client_and_scheme() -> None:
    scope = make_scope(*TOLD)
    headers = list(scope["headers"])
    see_through(TRUSTED, scope)
    assert (scope["client"], scope["scheme"], scope["headers"]) == (("192.0.2.1", 0), "https", headers)


@pytest.mark.parametrize("own", [[(b"host", b"inner:8000")], []])
def test_there_is_one_host_in_the_end(own: list[tuple[bytes, bytes]]) -> None:
    headers = [*own, (b"forwarded", b"host=a.example"), (b"accept", b"*/*")]
    scope = make_scope(headers=headers)
    see_through(TrustedProxies(PROXIES, "forwarded"), scope)
    # uvicorn's protocol and the scope share the list.
    assert scope["headers"] is headers
    assert headers == [(b"forwarded", b"host=a.example"), (b"accept", b"*/*"), (b"host", b"a.example")]


@pytest.mark.parametrize(
    "values",
    [
        {"client": ("192.0.2.7", 1)},
        {"client": None},
        {"client": None, "server": None},
        {"headers": [(b"host", b"a")]},
    ],
    ids=["a foreign peer", "a TCP peer that has gone", "nothing known", "nothing told"],
)
def test_what_stays_as_it_is(values: dict[str, Any]) -> None:
    scope = make_scope(*TOLD, **values)
    before = {**scope, "headers": list(scope["headers"])}
    see_through(TRUSTED, scope)
    assert scope == before


def test_the_peer_of_a_unix_socket() -> None:
    scope = make_scope(*TOLD, client=None, server=("/run/web.sock", None))
    see_through(TRUSTED, scope)
    assert scope["client"] == ("192.0.2.1", 0)
