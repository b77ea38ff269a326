from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.http import ResponseCookies, parse_cookies


def values(header: str) -> dict[str, str]:
    return {name: morsel.value for name, morsel in parse_cookies(header).items()}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        (" a = 1 ;\tb=2 ", {"a": "1", "b": "2"}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ('a="quoted text"', {"a": "quoted text"}),
        (r'a="say \"hi\" \\ \073"', {"a": 'say "hi" \\ ;'}),
        ('a="\\303\\251"', {"a": "é"}),
        ('a="\\351"', {"a": "é"}),
        ("a=\xc3\xa9", {"a": "é"}),
        ("a=\xe9", {"a": "é"}),
        ("a=/path?x=[1]{2}", {"a": "/path?x=[1]{2}"}),
    ],
)
def test_pairs_are_parsed(header: str, expected: dict[str, str]) -> None:
    assert values(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("nonsense; a=1", {"a": "1"}),
        ("a=1; =x; ; b=2", {"a": "1", "b": "2"}),
        ("a[0]=x; b=2", {"b": "2"}),
        ("café=x; b=2", {"b": "2"}),
        ("a=1; path=/x; b=2", {"a": "1", "path": "/x", "b": "2"}),
        ("a=x\x00y; b=2", {"b": "2"}),
        ("a=x\x7fy; b=2", {"b": "2"}),
        ('a="; b=2', {"a": '"', "b": "2"}),
        ('a="x\\', {"a": '"x\\'}),
    ],
)
def test_an_invalid_pair_does_not_affect_others(header: str, expected: dict[str, str]) -> None:
    assert values(header) == expected


def test_a_quoted_string_does_not_hide_other_cookies() -> None:
    assert values('a="x; session=secret; b=y"') == {"a": '"x', "session": "secret", "b": 'y"'}


def test_the_first_cookie_of_a_name_counts() -> None:
    assert values("id=specific; id=general") == {"id": "specific"}


def test_cookies_are_morsels_of_the_standard_library() -> None:
    cookies = parse_cookies("a=1")
    assert isinstance(cookies, SimpleCookie)
    assert cookies["a"].value == "1"
    assert cookies["a"].key == "a"


ATTRIBUTES = (
    *("version", "path", "domain", "expires", "comment", "secure", "httponly", "samesite", "max-age", "partitioned"),
    *("Path", "HttpOnly"),
)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_cookie_may_have_the_name_of_an_attribute(name: str) -> None:
    assert values(f"a=1; {name}=x; b=2") == {"a": "1", name: "x", "b": "2"}
    cookies = ResponseCookies()
    cookies[name] = "1"
    cookies[name]["path"] = "/app"
    cookies[name]["secure"] = True
    assert cookies.header_values() == [f"{name}=1; Path=/app; Secure"]
    for copied in (copy.copy(cookies[name]), cookies[name].copy(), pickle.loads(pickle.dumps(cookies[name]))):
        assert (copied.key, copied.value, copied["path"]) == (name, "1", "/app")


@given(st.text() | st.text(alphabet=st.characters(max_codepoint=255)) | st.text(alphabet='a=;"\\ 0123,\x00$'))
def test_any_text_has_a_result(header: str) -> None:
    for name, morsel in parse_cookies(header).items():
        assert name == morsel.key
        assert isinstance(morsel.value, str)


@pytest.mark.parametrize("unit", [";", "=", '"', "\\", "a", "a=;", 'a="', 'a="\\"', "; ", "a=b; ", '\\"', '\\"; '])
def test_a_flood_of_cookies_takes_linear_time(unit: str) -> None:
    # With quadratic time, this would run for hours.
    flood = unit * ((1 << 20) // len(unit))
    assert len(parse_cookies(flood)) <= 1
    assert len(parse_cookies(f'a="{flood}"; b="{flood}')) <= 2


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"))))
def test_a_value_survives_encoding(value: str) -> None:
    cookies = ResponseCookies()
    cookies["name"] = value
    (line,) = cookies.header_values()
    assert line.isascii()
    assert ";" not in line
    assert values(line) == {"name": value}


@pytest.mark.parametrize("value", ["plain", "a/b?c=d", "dGVzdA==", "(1)[2]{3}"])
def test_values_that_need_no_quotes_have_none(value: str) -> None:
    cookies = ResponseCookies()
    cookies["a"] = value
    assert cookies.header_values() == [f"a={value}"]


@pytest.mark.parametrize("value", ["x; Domain=evil.example", 'x"; Path=/', "x,y", "back\\slash", "é; HttpOnly"])
def test_a_value_cannot_inject_an_attribute(value: str) -> None:
    cookies = ResponseCookies()
    cookies["a"] = value
    (line,) = cookies.header_values()
    assert ";" not in line
    assert "," not in line
    assert values(line) == {"a": value}


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\nb", "a\0b", "a\x7fb", "\x1b[0m"])
def test_control_characters_in_a_value_are_refused(value: str) -> None:
    cookies = ResponseCookies()
    with pytest.raises(ValueError, match="control characters are not allowed"):
        cookies["a"] = value
    assert not cookies


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "a\r\n", "é", '"a"'])
def test_invalid_names_are_refused(name: str) -> None:
    cookies = ResponseCookies()
    with pytest.raises(ValueError, match="cookie name"):
        cookies[name] = "value"
    assert not cookies


def test_attributes_are_written() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    attributes: dict[str, Any] = {"path": "/app", "max-age": 0, "secure": True, "httponly": True, "samesite": "Lax"}
    cookies["a"].update(attributes)
    cookies["a"]["Domain"] = "example.org"
    (line,) = cookies.header_values()
    pair, *written = line.split("; ")
    assert pair == "a=1"
    assert sorted(written) == ["Domain=example.org", "HttpOnly", "Max-Age=0", "Path=/app", "SameSite=Lax", "Secure"]


def test_attributes_can_be_removed() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    cookies["a"]["path"] = "/app"
    cookies["a"]["secure"] = True
    cookies["a"]["path"] = None
    cookies["a"]["secure"] = False
    assert cookies.header_values() == ["a=1"]


def test_expires_accepts_a_datetime() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    moment = datetime(2030, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    cookies["a"]["expires"] = moment
    assert cookies.header_values() == ["a=1; Expires=Wed, 02 Jan 2030 03:04:05 GMT"]


def test_a_number_in_expires_is_seconds_from_now() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    cookies["a"]["expires"] = -3600
    (line,) = cookies.header_values()
    moment = parsedate_to_datetime(line.partition("Expires=")[2])
    assert timedelta(seconds=-3700) < moment - datetime.now(UTC) < timedelta(seconds=-3500)


def test_every_attribute_is_written() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    attributes: dict[str, Any] = {
        "Comment": "none",
        "Domain": "example.org",
        "Expires": "Wed, 02 Jan 2030 03:04:05 GMT",
        "HttpOnly": True,
        "Max-Age": "-1",
        "Partitioned": True,
        "Path": "/",
        "SameSite": "none",
        "Secure": True,
        "Version": "1",
    }
    cookies["a"].update(attributes)
    assert cookies.header_values() == [
        "a=1; Comment=none; Domain=example.org; Expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; Max-Age=-1; "
        "Partitioned; Path=/; SameSite=None; Secure; Version=1"
    ]
    copied = ResponseCookies()
    copied["a"] = cookies["a"]
    assert copied.header_values() == cookies.header_values()


@pytest.mark.parametrize(
    ("name", "attributes", "problem"),
    [
        ("a", {"samesite": "None"}, "samesite='None' needs secure"),
        ("a", {"samesite": "none", "httponly": True}, "samesite='None' needs secure"),
        ("a", {"partitioned": True}, "partitioned needs secure"),
        ("__Secure-a", {}, "a name with this prefix needs secure"),
        ("__secure-a", {"path": "/"}, "a name with this prefix needs secure"),
        ("__Host-a", {"path": "/"}, "a name with this prefix needs secure"),
        ("__Host-a", {"secure": True}, "needs path='/' and no domain"),
        ("__Host-a", {"secure": True, "path": "/app"}, "needs path='/' and no domain"),
        ("__HOST-a", {"secure": True, "path": "/", "domain": "example.org"}, "needs path='/' and no domain"),
    ],
)
def test_cookies_that_a_browser_would_refuse_are_refused(name: str, attributes: dict[str, Any], problem: str) -> None:
    cookies = ResponseCookies()
    cookies[name] = "1"
    cookies[name].update(attributes)
    with pytest.raises(ValueError, match=f"cookie {name}: .*{problem}"):
        cookies.header_values()


@pytest.mark.parametrize(
    ("name", "attributes", "line"),
    [
        ("a", {"samesite": "NONE", "secure": True}, "a=1; SameSite=None; Secure"),
        ("a", {"samesite": "lax"}, "a=1; SameSite=Lax"),
        ("a", {"partitioned": True, "secure": True}, "a=1; Partitioned; Secure"),
        ("__Secure-a", {"secure": True, "domain": "example.org"}, "__Secure-a=1; Domain=example.org; Secure"),
        ("__Host-a", {"secure": True, "path": "/", "domain": None}, "__Host-a=1; Path=/; Secure"),
        ("__Hosta", {}, "__Hosta=1"),
    ],
)
def test_cookies_that_a_browser_accepts_are_sent(name: str, attributes: dict[str, Any], line: str) -> None:
    cookies = ResponseCookies()
    cookies[name] = "1"
    cookies[name].update(attributes)
    assert cookies.header_values() == [line]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", "/; Domain=evil.example"),
        ("domain", "example.org\r\nSet-Cookie: b=1"),
        ("domain", "é.example"),
        ("path", "/\0"),
        ("comment", "x; HttpOnly"),
        ("max-age", "1; Secure"),
        ("path", 5),
        ("path", "app"),
        ("max-age", "soon"),
        ("max-age", "1.5"),
        ("samesite", "Sometimes"),
        ("colour", "red"),
    ],
)
def test_invalid_attributes_are_refused(name: str, value: Any) -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    with pytest.raises(ValueError, match=f"cookie attribute '?{name}"):
        cookies["a"][name] = value
    with pytest.raises(ValueError, match="cookie attribute"):
        cookies["a"].update({name: value})
    with pytest.raises(ValueError, match="cookie attribute"):
        cookies["a"].setdefault(name, value)
    assert cookies.header_values() == ["a=1"]


def test_values_that_bypassed_the_checks_are_refused_when_sent() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    dict.__setitem__(cookies["a"], "path", "/; HttpOnly")
    with pytest.raises(ValueError, match="cookie attribute path"):
        cookies.header_values()
    foreign: Morsel[str] = Morsel()
    foreign.set("a", "1", "1, b=2")
    dict.__setitem__(cookies, "a", foreign)
    with pytest.raises(ValueError, match="is not allowed in a Set-Cookie header"):
        cookies.header_values()


def test_a_new_value_keeps_the_attributes() -> None:
    cookies = ResponseCookies()
    cookies["a"] = "1"
    cookies["a"]["path"] = "/"
    cookies["a"] = "2"
    assert cookies.header_values() == ["a=2; Path=/"]


def test_a_morsel_is_copied_when_set() -> None:
    first, second = ResponseCookies(), ResponseCookies()
    first["a"] = "x;y"
    first["a"]["path"] = "/"
    second["a"] = first["a"]
    second["a"]["path"] = "/other"
    assert first.header_values() == [r'a="x\073y"; Path=/']
    assert second.header_values() == [r'a="x\073y"; Path=/other']
