"""The client of a request as a proxy reports it; for real connections see tests/integration/test_proxies.py."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett.server.proxies import ClientAddress, address_of, find_client, is_unix_socket
from emmett.wire.forwarded import TrustedProxies

PROXIES = ["127.0.0.1", "unix"]
TRUSTED = TrustedProxies(PROXIES)
TOLD = [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https")]
OWN = [(b"host", b"inner:8000"), (b"accept", b"*/*")]
LOCAL = ClientAddress(("127.0.0.1", 4711), "http")


def test_client_and_scheme_are_taken_from_the_proxy() -> None:
    headers = [*OWN, *TOLD]
    assert find_client(TRUSTED, LOCAL, False, headers) == (("192.0.2.1", 0), "https")
    assert headers == [*OWN, *TOLD]


@pytest.mark.parametrize("own", [[(b"host", b"inner:8000")], []])
def test_there_is_only_one_host_field_afterwards(own: list[tuple[bytes, bytes]]) -> None:
    headers = [*own, (b"forwarded", b"host=a.example"), (b"accept", b"*/*")]
    # The change must be visible to all who share the list.
    find_client(TrustedProxies(PROXIES, "forwarded"), LOCAL, False, headers)
    assert headers == [(b"forwarded", b"host=a.example"), (b"accept", b"*/*"), (b"host", b"a.example")]


@pytest.mark.parametrize(
    ("own", "headers"),
    [
        (ClientAddress(("192.0.2.7", 1), "http"), [*OWN, *TOLD]),
        (ClientAddress(None, "http"), [*OWN, *TOLD]),
        (LOCAL, OWN),
    ],
    ids=["a foreign peer", "a TCP peer that has gone", "nothing told"],
)
def test_other_requests_are_not_changed(own: ClientAddress, headers: list[tuple[bytes, bytes]]) -> None:
    before = list(headers)
    assert find_client(TRUSTED, own, False, headers) == own
    assert headers == before


def test_the_peer_of_a_unix_socket_can_be_a_proxy() -> None:
    assert find_client(TRUSTED, ClientAddress(None, "http"), True, [*OWN, *TOLD]).client == ("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("extra", "own", "is_unix"),
    [
        ({"peername": ("192.0.2.7", 1), "sockname": ("192.0.2.1", 80)}, (("192.0.2.7", 1), "http"), False),
        ({"peername": ("192.0.2.7", 1), "sslcontext": object()}, (("192.0.2.7", 1), "https"), False),
        ({"peername": ("2001:db8::7", 1, 0, 0), "socket": None}, (("2001:db8::7", 1), "http"), False),
        ({"peername": "", "sockname": "/run/web.sock"}, (None, "http"), True),
        ({"peername": b"", "sockname": b"\0web"}, (None, "http"), True),
        ({}, (None, "http"), False),
    ],
    ids=["TCP", "TLS", "IPv6", "a unix socket", "an abstract unix socket", "nothing known"],
)
def test_the_address_of_a_connection_is_found(extra: dict[str, Any], own: Any, is_unix: bool) -> None:
    transport = asyncio.Transport(extra)
    assert address_of(transport) == own
    assert is_unix_socket(transport) is is_unix
