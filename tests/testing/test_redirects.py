from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from emmett.testing.redirects import RedirectError, next_request
from emmett.testing.requests import ClientRequest, Content, RequestOptions, make_request
from emmett.testing.response import ResponseHead
from emmett.testing.urls import parse_url

START = parse_url("http://localhost/a/b?c")


def follow(
    status: int, location: str | None, method: str = "POST", content: Content = b"x", **headers: str
) -> ClientRequest | None:
    options: RequestOptions = {"content": content, "headers": headers}
    request = make_request(method, START, [], options)
    fields = [] if location is None else [(b"location", location.encode())]
    return next_request(request, ResponseHead(method, START, status, fields, None))


async def pieces() -> AsyncIterator[bytes]:
    yield b"a"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_these_statuses_are_followed_with_get_and_no_body(status: int) -> None:
    following = follow(status, "/x")
    assert following == ClientRequest("GET", parse_url("http://localhost/x"), [], None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_head_stays_head(status: int) -> None:
    following = follow(status, "/x", "HEAD")
    assert following is not None
    assert following.method == "HEAD"


@pytest.mark.parametrize("status", [307, 308])
def test_these_statuses_repeat_method_and_body(status: int) -> None:
    following = follow(status, "/x", "PUT")
    assert following is not None
    assert (following.method, following.content, following.fields) == ("PUT", b"x", [(b"content-length", b"1")])


@pytest.mark.parametrize("status", [200, 201, 300, 304, 404])
def test_other_statuses_are_not_followed(status: int) -> None:
    assert follow(status, "/x") is None


def test_without_a_location_nothing_is_followed() -> None:
    assert follow(302, None) is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("c", "http://localhost/a/c"),
        ("../d?e#f", "http://localhost/d?e"),
        ("?x", "http://localhost/a/b?x"),
        ("//other.example/x", "http://other.example/x"),
        ("https://localhost/", "https://localhost/"),
        ("/a b", "http://localhost/a%20b"),
    ],
)
def test_locations_are_resolved(location: str, url: str) -> None:
    following = follow(302, location)
    assert following is not None
    assert str(following.url) == url


@pytest.mark.parametrize("location", ["mailto:a@example.org", "http://user@localhost/", "http://[oops"])
def test_an_invalid_location_is_an_error(location: str) -> None:
    with pytest.raises(RedirectError, match="which is not an HTTP URL"):
        follow(302, location)


def test_secrets_are_sent_only_to_the_same_host() -> None:
    secrets = {"Authorization": "Bearer x", "Cookie": "a=1", "Host": "localhost", "X-Other": "1"}
    near, far = follow(303, "/x", **secrets), follow(303, "http://other.example/", **secrets)
    assert near is not None
    assert far is not None
    assert {name for name, _ in near.fields} == {b"authorization", b"cookie", b"host", b"x-other"}
    assert {name for name, _ in far.fields} == {b"x-other"}


def test_a_consumed_body_is_an_error() -> None:
    with pytest.raises(RedirectError, match="an async iterable yields it only once"):
        follow(307, "/x", content=pieces())
    assert follow(303, "/x", content=pieces()) is not None
