"""The head of a response, byte for byte."""

from __future__ import annotations

import pytest

from emmett.server.response_head import ResponseHeads

DATE = (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")


def test_a_head_is_written() -> None:
    fields = [("x-name", "Å"), ("content-length", "5")]
    assert ResponseHeads().write(200, [DATE], fields, "connection: close\r\n") == (
        b"HTTP/1.1 200 OK\r\n"
        b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"x-name: \xc5\r\n"
        b"content-length: 5\r\n"
        b"connection: close\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize(("status", "line"), [(204, b"204 No Content"), (599, b"599 "), (299, b"299 ")])
def test_the_status_line_is_written(status: int, line: bytes) -> None:
    assert ResponseHeads().write(status, [], [], "") == b"HTTP/1.1 " + line + b"\r\n\r\n"


def test_the_common_fields_change() -> None:
    heads = ResponseHeads()
    for common, expected in (([DATE], [b"date"]), ([], []), ([DATE, (b"server", b"x")], [b"date", b"server"])):
        for _ in range(2):
            lines = heads.write(200, common, [], "").split(b"\r\n")[1:-2]
            assert [line.partition(b":")[0] for line in lines] == expected
