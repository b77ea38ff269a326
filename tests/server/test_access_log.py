"""A line for each response, which uvicorn's own formatter must understand."""

from __future__ import annotations

import logging

import pytest
from uvicorn.logging import AccessFormatter

from emmett.server.access_log import is_access_logged, log_response
from tests.http.builders import make_request


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [("/", b"", "/"), ("/café", b"a=b&c", "/caf%C3%A9?a=b&c"), ('/a b\r\n"', b"", "/a%20b%0D%0A%22")],
)
def test_a_line(path: str, query: bytes, target: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "uvicorn.access")
    log_response(make_request("GET", path, query_string=query), 404)
    (record,) = caplog.records
    assert record.getMessage() == f'192.0.2.1:50000 - "GET {target} HTTP/1.1" 404'
    formatter = AccessFormatter("%(client_addr)s|%(request_line)s|%(status_code)s", use_colors=False)
    assert formatter.format(record) == f"192.0.2.1:50000|GET {target} HTTP/1.1|404 Not Found"


def test_a_peer_without_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "uvicorn.access")
    request = make_request()
    request.client = None
    log_response(request, 200)
    assert caplog.records[0].getMessage() == ' - "GET / HTTP/1.1" 200'


def test_whether_anybody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("uvicorn.access")
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [])
    assert not is_access_logged()
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    assert is_access_logged()
