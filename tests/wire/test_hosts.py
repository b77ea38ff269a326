"""Allowed hosts."""

from __future__ import annotations

import pytest

from emmett.errors import ConfigurationError
from emmett.wire.hosts import AllowedHosts

LISTED = AllowedHosts(["example.com", "only.example.org:8443", "*.example.net", "192.0.2.7", "2001:db8::7"])


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "EXAMPLE.com", "example.com.", "example.com:80", "only.example.org:8443"),
        *("a.example.net", "a.b.example.net:1", "192.0.2.7", "192.0.2.7:8000", "[2001:db8::7]", "[2001:DB8:0::7]:80"),
        "[::ffff:192.0.2.7]",
    ],
)
def test_listed_hosts_are_served(host: str) -> None:
    assert LISTED.allows(host)


@pytest.mark.parametrize(
    "host",
    [
        *("evil", "example.com.evil", "evil.example.com", "notexample.com", "example.com..", "only.example.org"),
        *("only.example.org:1", "example.net", ".example.net", "192.0.2.8", "localhost", "127.0.0.1", "[::1]"),
        *("", "*", "a/?x=", "user@example.com", "example.com:99999"),
    ],
)
def test_other_hosts_are_not_served(host: str) -> None:
    assert not LISTED.allows(host)


@pytest.mark.parametrize("host", ["localhost", "a.localhost:8000", "127.0.0.1:80", "127.9.9.9", "[::1]:80"])
def test_the_names_of_this_machine_can_be_allowed(host: str) -> None:
    assert AllowedHosts((), loopback=True).allows(host)
    assert not AllowedHosts(()).allows(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]:8000", "127.0.0.1"])
def test_every_address_can_be_allowed(host: str) -> None:
    allowed = AllowedHosts((), addresses=True)
    assert allowed.allows(host)
    assert not allowed.allows("192.0.2.1.evil.com")
    assert not allowed.allows("localhost")


def test_every_host_can_be_allowed() -> None:
    assert AllowedHosts("*").allows("evil")


@pytest.mark.parametrize(
    "entries", [None, 7, [7], [b"a"], "", [""], "a b", "http://a", "*.*", "a*", "*.", "*.192.0.2.7"]
)
def test_invalid_hosts_are_refused(entries: object) -> None:
    with pytest.raises(ConfigurationError, match=r"allowed are names such as 'example\.com'"):
        AllowedHosts(entries)  # type: ignore[arg-type]
