"""A line for each response, which uvicorn's own formatter must understand."""

from __future__ import annotations

import logging

import pytest
from uvicorn.logging import AccessFormatter

from emmett.server.access_log import is_access_logged, log_response
from emmett.wire.targets import QueryLogging
from tests.http.builders import make_request


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [("/", b"", "/"), ("/café", b"token=secret&c", "/caf%C3%A9?token=*&*"), ('/a b\r\n"', b"", "/a%20b%0D%0A%22")],
)
def test_a_line(path: str, query: bytes, target: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "uvicorn.access")
    log_response(make_request("GET", path, query_string=query), 404)
    (record,) = caplog.records
    assert record.getMessage() == f'192.0.2.1:50000 - "GET {target} HTTP/1.1" 404'
    formatter = AccessFormatter("%(client_addr)s|%(request_line)s|%(status_code)s", use_colors=False)
    assert formatter.format(record) == f"192.0.2.1:50000|GET {target} HTTP/1.1|404 Not Found"


@pytest.mark.parametrize(("logged", "target"), [("all", "/?token=secret"), ("none", "/")])
def test_what_is_shown_of_a_query(logged: QueryLogging, target: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "uvicorn.access")
    log_response(make_request("GET", "/", query_string=b"token=secret"), 200, logged)
    assert caplog.records[0].getMessage() == f'192.0.2.1:50000 - "GET {target} HTTP/1.1" 200'


def test_a_peer_without_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "uvicorn.access")
    request = make_request()
    request.client = None
    log_response(request, 200)
    assert caplog.records[0].getMessage() == ' - "GET / HTTP/1.1" 200'


def test_whether_it_is_written() -> None:
    logger = logging.getLogger("uvicorn.access")
    before = logger.level
    logger.setLevel(logging.WARNING)
    assert not is_access_logged()
    logger.setLevel(logging.INFO)
    assert is_access_logged()
    logger.setLevel(before)
