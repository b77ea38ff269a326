from __future__ import annotations

import pytest

from emmett.errors import ConfigurationError, UsageError
from emmett.testing.urls import URL, parse_url

HERE = URL("http", "localhost", 80, "/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost", URL("http", "localhost", 80, "/")),
        ("https://Example.COM:8443/a?b=1", URL("https", "example.com", 8443, "/a?b=1")),
        ("ws://localhost/chat", URL("http", "localhost", 80, "/chat")),
        ("wss://[::1]/", URL("https", "::1", 443, "/")),
    ],
)
def test_a_whole_url_is_split(text: str, expected: URL) -> None:
    assert parse_url(text) == expected


@pytest.mark.parametrize(
    "text", ["localhost", "ftp://a", "http://", "http://user@a", "http://a:port", "http://a:99999"]
)
def test_an_invalid_url_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="expected http://host, https://host"):
        parse_url(text)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://localhost:80", "localhost"),
        ("https://localhost:80", "localhost:80"),
        ("https://localhost:443", "localhost"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_host_field_names_only_an_unusual_port(url: str, authority: str) -> None:
    assert parse_url(url).authority == authority


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a/../b", "/a/../b"),
        ("/..%2f%00", "/..%2f%00"),
        ("//other/x", "//other/x"),
        ("/é à", "/%C3%A9%20%C3%A0"),
        ("/a\r\nb", "/a%0D%0Ab"),
        ("/page?a=1#part", "/page?a=1"),
        ("http://localhost/x", "/x"),
    ],
)
def test_a_path_is_sent_unchanged_except_for_invalid_characters(path: str, target: str) -> None:
    assert HERE.join(path) == URL("http", "localhost", 80, target)


def test_a_url_may_name_another_host() -> None:
    assert HERE.join("wss://b.example/x?y") == URL("https", "b.example", 443, "/x?y")


def test_a_path_without_a_slash_is_an_error() -> None:
    with pytest.raises(UsageError, match="'index': expected a path that begins with '/'"):
        HERE.join("index")


def test_params_are_encoded() -> None:
    assert HERE.join("/a", {"b": 1, "c": ["x", "y"], "d": "ü&", "e": None}).target == "/a?b=1&c=x&c=y&d=%C3%BC%26"
    assert HERE.join("/a?b=1", [("b", "2")]).target == "/a?b=1&b=2"
    assert HERE.join("/a", {}).target == "/a"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a", "http://a/x", True),
        ("http://a", "https://a", True),
        ("https://a", "http://a", False),
        ("http://a", "http://b", False),
        ("http://a", "http://a:8000", False),
        ("http://a:8000", "https://a", False),
    ],
)
def test_the_same_origin_is_recognised(one: str, other: str, same: bool) -> None:
    assert parse_url(one).is_same_origin(parse_url(other)) is same


def test_a_url_has_parts_and_text() -> None:
    url = parse_url("https://a:8443/b?c=d")
    assert (str(url), url.path, url.secure) == ("https://a:8443/b?c=d", "/b", True)
