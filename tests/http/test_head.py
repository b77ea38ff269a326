"""The common parts of a request and the handshake of a websocket."""

from __future__ import annotations

import pytest

from emmett import Websocket
from emmett.datastructures import Headers
from emmett.http.head import HEAD_SLOTS, RequestHead
from emmett.http.request import Request


class Head(RequestHead):
    """A head with the slots that normally only subclasses have."""

    __slots__ = HEAD_SLOTS


def test_a_head_is_parsed_once() -> None:
    head = Head(b"a=1&b=&a=2", Headers([(b"host", b"x.test:81"), (b"cookie", b"c=3")]))
    assert (head.host, head.cookies["c"].value, head.query_params) == ("x.test:81", "3", {"a": ["1", "2"], "b": ""})
    assert head.cookies is head.cookies
    assert head.query_params is head.query_params


def test_every_part_is_optional() -> None:
    head = Head(b"", Headers())
    assert (head.host, len(head.cookies), head.query_params) == ("", 0, {})


def test_the_id_is_made_once() -> None:
    for kind in (Request, Websocket):
        assert issubclass(kind, RequestHead)
        assert not {"host", "cookies", "query_params"} & set(vars(kind))


@pytest.mark.parametrize("given", ["4bf92f35-77b3", "a" * 128, "1-67891233-abcdef012345678912345678"])
def test_the_id_may_come_from_a_proxy(given: str) -> None:
    assert Head(b"", Headers([(b"x-request-id", given.encode())])).id == given


@pytest.mark.parametrize("given", ["", "short", "a" * 129, "with space", 'quote"1234', "-12345678", "line\n12345678"])
def test_without_a_proxy_a_request_has_its_own_id(given: str) -> None:
    heads = [Head(b"", Headers([(b"x-request-id", given.encode())])) for _ in range(2)]
    assert heads[0].id != heads[1].id
    assert heads[0].id == heads[0].id
    assert given not in (heads[0].id, heads[1].id)
