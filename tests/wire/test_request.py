"""The checks of any request: target, Host, length of the body (RFC 9112, 3.2 and 6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import RequestError
from emmett.wire.request import check_request, check_target, find_host

RawHeaders = list[tuple[bytes, bytes]]

HOST = (b"host", b"example.com")


def status_of(
    *fields: tuple[bytes, bytes], method: bytes = b"GET", version: str = "1.1", target: bytes = b"/", host: bool = True
) -> int:
    """Return the status with which a request is refused."""
    with pytest.raises(RequestError) as refusal:
        check_request(method, version, target, [HOST, *fields] if host else list(fields))
    assert refusal.value.message.isascii()
    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 200
    return refusal.value.status


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [HOST, (b"content-length", b"5")],
        [HOST, (b"transfer-encoding", b"chunked")],
        [HOST, (b"transfer-encoding", b" Chunked\t")],
        [HOST, (b"cookie", "name=Åsa".encode()), (b"cookie", b"b=2")],
    ],
)
def test_valid_requests_are_accepted(headers: RawHeaders) -> None:
    assert check_request(b"POST", "1.1", b"/path?query", headers) == b"/path?query"


def test_http_1_0_needs_no_host() -> None:
    assert check_request(b"GET", "1.0", b"/", []) == b"/"
    assert status_of(host=False) == 400


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "2", "3", ""])
def test_other_versions_are_refused(version: str) -> None:
    assert status_of(version=version) == 505


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("host", [b"", b"a/?x=", b"a b", b"user@a", b"a:b", b"\xe9"])
def test_invalid_hosts_are_refused(version: str, host: bytes) -> None:
    assert status_of((b"host", host), version=version, host=False) == 400
    assert status_of(HOST, version=version) == 400


@pytest.mark.parametrize("field", [(b"x", b"a\0b"), (b"x", b"a\x85b"), (b"x y", b"a"), (b"", b"a"), (b"x\xe9", b"a")])
def test_invalid_fields_are_refused(field: tuple[bytes, bytes]) -> None:
    assert status_of(field) == 400


@pytest.mark.parametrize(
    ("codings", "status"),
    [
        ([b"identity"], 400),
        ([b"gzip"], 400),
        ([b""], 400),
        ([b","], 400),
        ([b"xchunked"], 400),
        ([b"chunked, gzip"], 400),
        ([b"chunked", b"gzip"], 400),
        ([b"chunked;q=1"], 400),
        ([b"gzip, chunked"], 501),
        ([b"gzip", b"Chunked"], 501),
        ([b"chunked, chunked"], 501),
    ],
)
def test_transfer_codings_are_checked(codings: list[bytes], status: int) -> None:
    fields = [(b"transfer-encoding", coding) for coding in codings]
    assert status_of(*fields, method=b"POST") == status


def test_http_1_0_has_no_transfer_coding() -> None:
    assert status_of((b"transfer-encoding", b"chunked"), version="1.0") == 400


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", b"/"),
        (b"//a//b", b"//a//b"),
        (b"/a?b?c", b"/a?b?c"),
        (b"/%ff%00", b"/%ff%00"),
        (b"http://example.com", b"/"),
        (b"http://EXAMPLE.com/", b"/"),
        (b"HTTPS://example.com?a", b"/?a"),
        (b"ws://example.com/a?b", b"/a?b"),
        (b"wss://example.com//a", b"//a"),
    ],
)
def test_valid_targets_are_accepted(target: bytes, path: bytes) -> None:
    assert check_target(b"GET", target, "example.com") == path


def test_the_asterisk_is_for_options() -> None:
    assert check_target(b"OPTIONS", b"*", "example.com") == b"*"
    assert status_of(target=b"*") == 400


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"a",
        b"?a",
        b"/a b",
        b"/a#b",
        b"/\xe9",
        b"/\0",
        b"/a\n",
        b"ftp://example.com/",
        b"http:/example.com",
        b"http://",
        b"http:///a",
        b"http://other/",
        b"http://example.com.other/",
        b"http://user@example.com/",
        b"http://example.com:80/",
        b"http://example.com#a",
        b"http://example.com\\@other/",
        b"example.com:80",
    ],
)
def test_invalid_targets_are_refused(target: bytes) -> None:
    assert status_of(target=target) == 400


def test_a_target_may_name_the_same_port_as_host() -> None:
    assert check_target(b"GET", b"http://[::1]:80/a", "[0::1]:80") == b"/a"
    assert check_target(b"GET", b"http://any/a", None) == b"/a"


def test_find_host_returns_the_host() -> None:
    assert find_host([(b"x", b"y"), (b"host", b" a\t"), (b"host", b"b")]) == "a"
    assert find_host([(b"x", b"y")]) is None


@given(st.one_of(st.binary(max_size=50), st.text("htps:/?#[]@.%*a\\", max_size=30).map(str.encode)))
def test_an_accepted_target_has_a_path(target: bytes) -> None:
    try:
        path = check_target(b"GET", target, None)
    except RequestError:
        return
    assert path.startswith(b"/")
    assert path.isascii()
    assert not set(path) & set(b" #\r\n\0")
    assert check_target(b"GET", path, None) == path
