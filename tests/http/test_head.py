"""What a request and the handshake of a websocket have in common."""

from __future__ import annotations

from emmett import Websocket
from emmett.datastructures import Headers
from emmett.http.head import RequestHead
from emmett.http.request import Request


def test_it_is_parsed_once() -> None:
    head = RequestHead(b"a=1&b=&a=2", Headers([(b"host", b"x.test:81"), (b"cookie", b"c=3")]))
    assert (head.host, head.cookies["c"].value, head.query_params) == ("x.test:81", "3", {"a": ["1", "2"], "b": ""})
    assert head.cookies is head.cookies
    assert head.query_params is head.query_params


def test_nothing_of_it_need_be_there() -> None:
    head = RequestHead(b"", Headers())
    assert (head.host, len(head.cookies), head.query_params) == ("", 0, {})


def test_it_is_written_once() -> None:
    for kind in (Request, Websocket):
        assert issubclass(kind, RequestHead)
        assert not {"host", "cookies", "query_params"} & set(vars(kind))
