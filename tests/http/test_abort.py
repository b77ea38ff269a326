from __future__ import annotations

import pytest

from emmett.errors import HTTPException
from emmett.http import abort, redirect


def test_abort_raises_the_response() -> None:
    with pytest.raises(HTTPException) as caught:
        abort(404, "nothing here", {"X-Reason": "gone"})
    assert caught.value.status == 404
    assert caught.value.body == "nothing here"
    assert caught.value.headers == {"X-Reason": "gone"}


def test_abort_takes_pairs() -> None:
    pairs = [("X", "1"), ("Set-Cookie", "a=1"), ("x", "2"), ("set-cookie", "b=2")]
    with pytest.raises(HTTPException) as caught:
        abort(403, headers=iter(pairs))
    assert caught.value.headers == {"X": "1, 2"}
    assert caught.value.set_cookies == ["a=1", "b=2"]
    assert caught.value.fields == [("X", "1, 2"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]


def test_abort_may_have_no_body() -> None:
    with pytest.raises(HTTPException) as caught:
        abort(403)
    assert (caught.value.status, caught.value.body, caught.value.headers) == (403, "", {})


@pytest.mark.parametrize("status", [0, -1, 99, 101, 199, 600, 4000])
def test_abort_refuses_a_status_that_is_not_final(status: int) -> None:
    with pytest.raises(ValueError, match=f"abort\\({status}\\): the status must be from 200 to 599"):
        abort(status)


def test_abort_refuses_headers_that_would_split_the_response() -> None:
    with pytest.raises(ValueError, match="header x"):
        abort(400, headers={"x": "a\r\nset-cookie: b=1"})


def location_of(location: str, status: int = 303) -> str:
    with pytest.raises(HTTPException) as caught:
        redirect(location, status)
    assert caught.value.status == status
    return caught.value.headers["Location"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_raises_the_response(status: int) -> None:
    assert location_of("/login?next=/a&x=1#top", status) == "/login?next=/a&x=1#top"


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("https://example.org:8000/a", "https://example.org:8000/a"),
        ("https://[::1]/", "https://[::1]/"),
        ("/café", "/caf%C3%A9"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/a b", "/a%20b"),
        ('/"<>`{|}^', "/%22%3C%3E%60%7B%7C%7D%5E"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("?page=2", "?page=2"),
    ],
)
def test_redirect_encodes_invalid_characters_of_a_url(location: str, sent: str) -> None:
    assert location_of(location) == sent


@pytest.mark.parametrize("location", ["/a\r\nset-cookie: b=1", "/a\nb", "/\0", "\t/a", "/\x7f"])
def test_redirect_refuses_control_characters(location: str) -> None:
    with pytest.raises(ValueError, match="control characters are not allowed"):
        redirect(location)


def test_redirect_refuses_an_empty_location() -> None:
    with pytest.raises(ValueError, match="empty location"):
        redirect("")


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 309, 404])
def test_redirect_refuses_another_status(status: int) -> None:
    with pytest.raises(ValueError, match=f"redirect status {status}: allowed are 301, 302, 303, 307, 308"):
        redirect("/", status)
