"""The access logs: a line for each response, which uvicorn's own formatter must understand, and for each websocket."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from uvicorn.logging import AccessFormatter

from emmett.config import ServerSettings
from emmett.observers import RequestEnded, WebsocketEnded
from emmett.server.access_log import RequestLog, WebsocketLog, access_logs
from emmett.wire.targets import QueryLogging

CLIENT = ("192.0.2.1", 50_000)
REQUEST = RequestEnded("GET", "/", "", "1.1", CLIENT, "app.index", 404, True, 0.5)
WEBSOCKET = WebsocketEnded(7, "/é", "/%C3%A9", "", CLIENT, "app.room", 101, 4001, "", 1.25, 3, 4, None, None)


def line_of(
    event: RequestEnded | WebsocketEnded, caplog: pytest.LogCaptureFixture, logged: QueryLogging = "names"
) -> Any:
    settings = ServerSettings(log_query=logged)
    if isinstance(event, RequestEnded):
        caplog.set_level("INFO", "uvicorn.access")
        RequestLog(settings).request_ended(event)
    else:
        caplog.set_level("INFO", "emmett.access")
        WebsocketLog(settings).websocket_ended(event)
    (record,) = caplog.records
    return record


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [("/", "", "/"), ("/café", "token=secret&c", "/caf%C3%A9?token=*&*"), ('/a b\r\n"', "", "/a%20b%0D%0A%22")],
)
def test_a_request_has_a_line(path: str, query: str, target: str, caplog: pytest.LogCaptureFixture) -> None:
    record = line_of(REQUEST._replace(path=path, query=query), caplog)
    assert record.getMessage() == f'192.0.2.1:50000 - "GET {target} HTTP/1.1" 404'
    formatter = AccessFormatter("%(client_addr)s|%(request_line)s|%(status_code)s", use_colors=False)
    assert formatter.format(record) == f"192.0.2.1:50000|GET {target} HTTP/1.1|404 Not Found"
    assert (record.route, record.status, record.seconds) == ("app.index", 404, 0.5)


@pytest.mark.parametrize(("logged", "target"), [("all", "/?token=secret"), ("none", "/")])
def test_the_setting_decides_what_is_shown_of_a_query(
    logged: QueryLogging, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    record = line_of(REQUEST._replace(query="token=secret"), caplog, logged)
    assert record.getMessage() == f'192.0.2.1:50000 - "GET {target} HTTP/1.1" 404'


def test_a_peer_may_have_no_address(caplog: pytest.LogCaptureFixture) -> None:
    assert line_of(REQUEST._replace(client=None), caplog).getMessage() == ' - "GET / HTTP/1.1" 404'


def test_a_client_that_left_before_its_response_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    record = line_of(REQUEST._replace(status=None, complete=False), caplog)
    assert record.getMessage().endswith('"GET / HTTP/1.1" 499')


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, '192.0.2.1:50000 - "WEBSOCKET /%C3%A9" closed 4001 after 1.250 s, 3 in, 4 out'),
        ({"query": "a=b"}, '192.0.2.1:50000 - "WEBSOCKET /%C3%A9?a=*" closed 4001 after 1.250 s, 3 in, 4 out'),
        ({"code": None, "status": 403}, '192.0.2.1:50000 - "WEBSOCKET /%C3%A9" 403'),
        ({"code": None, "status": None}, '192.0.2.1:50000 - "WEBSOCKET /%C3%A9" -'),
    ],
)
def test_a_websocket_has_a_line(changes: dict[str, Any], line: str, caplog: pytest.LogCaptureFixture) -> None:
    record = line_of(WEBSOCKET._replace(**changes), caplog)
    assert record.getMessage() == line
    assert record.connection == 7


@pytest.mark.parametrize(
    ("requests", "websockets", "logs"),
    [
        (logging.WARNING, logging.WARNING, []),
        (logging.WARNING, logging.INFO, [WebsocketLog]),
        (logging.INFO, logging.WARNING, [RequestLog]),
        (logging.INFO, logging.INFO, [RequestLog, WebsocketLog]),
    ],
)
def test_a_disabled_log_costs_nothing(
    requests: int, websockets: int, logs: list[type], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(requests, "uvicorn.access"), caplog.at_level(websockets, "emmett.access"):
        assert [type(each) for each in access_logs(ServerSettings())] == logs
