from __future__ import annotations

import pytest

from emmett.errors import ConfigurationError
from emmett.routing.hosts import check_authority, check_hostname, split_host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("", ("", "")),
        ("example.com", ("example.com", "")),
        ("Example.COM:8000", ("example.com", "8000")),
        ("example.com.", ("example.com", "")),
        ("example.com.:80", ("example.com", "80")),
        ("example.com:", ("example.com", "")),
        ("127.0.0.1:80", ("127.0.0.1", "80")),
        ("[::1]", ("::1", "")),
        ("[2001:DB8::1]:8000", ("2001:db8::1", "8000")),
        ("::1", ("::1", "")),
        ("[::1", ("::1", "")),
        (":80", ("", "80")),
    ],
)
def test_host_and_port_are_split(host: str, expected: tuple[str, str]) -> None:
    assert split_host(host) == expected


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("Blog.Example.com", "blog.example.com"),
        ("localhost", "localhost"),
        ("example.com.", "example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
    ],
)
def test_a_hostname_of_a_route_is_normalised(hostname: str, expected: str) -> None:
    assert check_hostname(hostname) == expected


@pytest.mark.parametrize(
    "hostname", ["", "example.com:80", "*.example.com", "http://example.com", "a b", "bücher.example", ".a", "a/b"]
)
def test_an_error_about_a_hostname_says_what_is_allowed(hostname: str) -> None:
    with pytest.raises(ConfigurationError, match="write one full host name without scheme, port or wildcard") as caught:
        check_hostname(hostname)
    assert repr(hostname) in str(caught.value)


@pytest.mark.parametrize("host", ["example.com", "example.com:8000", "[::1]", "[::1]:80", "127.0.0.1"])
def test_an_authority_of_a_url_is_normalised(host: str) -> None:
    assert check_authority(host) == host


@pytest.mark.parametrize(
    "host", ["", "a/b", "user@example.com", "a\r\nb", "a b", "::1", "a:b", "a:123456", "a\\b", "bücher", "a\n", "a?b"]
)
def test_an_error_about_an_authority_says_what_is_allowed(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write 'name', 'name:port', '\[IPv6\]'"):
        check_authority(host)
