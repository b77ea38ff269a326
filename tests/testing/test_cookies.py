from __future__ import annotations

import pytest

from emmett.errors import UsageError
from emmett.testing.cookies import ClientCookies, parse_set_cookies
from emmett.testing.urls import URL, parse_url

HOME = parse_url("http://localhost")


def cookies(*lines: str, url: str = "http://localhost/") -> ClientCookies:
    kept = ClientCookies(HOME)
    kept.store(parse_url(url), lines)
    return kept


def sent(kept: ClientCookies, url: str) -> str:
    return kept.header_for(parse_url(url))


def test_a_cookie_is_sent_only_to_its_host() -> None:
    kept = cookies("a=1")
    assert sent(kept, "http://localhost/x") == "a=1"
    assert sent(kept, "http://other.example/") == ""


def test_a_domain_covers_the_hosts_below_it() -> None:
    kept = cookies("a=1; Domain=example.org", url="http://www.example.org/")
    assert sent(kept, "http://example.org/") == sent(kept, "http://api.example.org/") == "a=1"
    assert sent(kept, "http://example.com/") == ""
    assert not cookies("a=1; Domain=example.org", url="http://example.com/")


def test_a_path_covers_the_paths_below_it() -> None:
    kept = cookies("a=1; Path=/admin")
    assert sent(kept, "http://localhost/admin/x") == sent(kept, "http://localhost/admin") == "a=1"
    assert sent(kept, "http://localhost/administer") == sent(kept, "http://localhost/") == ""


def test_a_secure_cookie_is_sent_only_over_tls() -> None:
    kept = cookies("a=1; Secure", url="https://localhost/")
    assert sent(kept, "http://localhost/") == ""
    assert sent(kept, "https://localhost/") == sent(kept, "wss://localhost/") == "a=1"


@pytest.mark.parametrize("end", ["Max-Age=0", "Max-Age=-5", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_expired_cookie_is_removed(end: str) -> None:
    kept = cookies("a=1")
    kept.store(HOME, [f"a=; {end}"])
    assert sent(kept, "http://localhost/") == ""
    assert "a" not in kept


def test_a_cookie_expires_after_max_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)
    kept = cookies("a=1; Max-Age=60", "b=1")
    monkeypatch.setattr("time.time", lambda: 1_000_059.0)
    assert sent(kept, "http://localhost/") == "a=1; b=1"
    monkeypatch.setattr("time.time", lambda: 1_000_061.0)
    assert sent(kept, "http://localhost/") == "b=1"
    assert list(kept) == ["b"]


def test_values_read_as_the_application_wrote_them() -> None:
    assert cookies('a="x\\054 \\303\\251"')["a"] == "x, é"


@pytest.mark.parametrize("value", ["plain", "x, é; \\", ""])
def test_a_set_cookie_is_read_by_the_application(value: str) -> None:
    kept = ClientCookies(HOME, {"a": value})
    assert kept["a"] == value
    assert parse_set_cookies([sent(kept, "http://localhost/deep/path")])["a"].value == value


def test_the_cookies_are_a_mapping() -> None:
    kept = cookies("a=1; Path=/x", "b=2")
    kept["a"] = "3"
    assert (dict(kept), len(kept), "c" in kept) == ({"a": "3", "b": "2"}, 2, False)
    assert repr(kept) == "<ClientCookies b=2, a=3>"
    del kept["a"]
    with pytest.raises(KeyError):
        kept["a"]
    with pytest.raises(KeyError):
        del kept["a"]
    kept.clear()
    assert sent(kept, "http://localhost/") == ""


def test_an_ambiguous_name_is_an_error() -> None:
    kept = cookies("a=1; Path=/x", "a=2; Path=/y")
    with pytest.raises(UsageError, match=r"different values for localhost.*/x, localhost.*/y"):
        kept["a"]
    assert len(kept) == 1


@pytest.mark.parametrize(("name", "value"), [("a b", "1"), ("a", "1\r\n")])
def test_invalid_cookies_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        ClientCookies(HOME)[name] = value


def test_cookies_of_a_request_override_stored_ones() -> None:
    kept = cookies("a=1", "b=2")
    assert kept.header_for(URL("http", "localhost", 80, "/"), {"a": "9", "c": "3"}) == "b=2; a=9; c=3"
    assert dict(kept) == {"a": "1", "b": "2"}


def test_an_invalid_cookie_line_is_ignored() -> None:
    assert not cookies("", ";", "=", "nonsense; Path=/")
    assert not parse_set_cookies(["", ";", "nonsense"])
