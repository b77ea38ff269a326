"""The fields that log records of an application have about the current request or websocket."""

from __future__ import annotations

import logging

from emmett import App, websocket
from emmett.log_filter import ContextFilter
from emmett.logs import FIELD_NAMES, log_fields


class Recording(logging.Handler):
    """Keeps the fields of its records."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(ContextFilter())
        self.fields: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.fields.append({name: value for name in FIELD_NAMES if (value := getattr(record, name)) is not None})


def application(recording: Recording) -> App:
    app = App(__name__)
    logger = logging.Logger("shop")
    logger.addHandler(recording)

    @app.route("/orders")
    async def orders() -> str:
        logger.info("ordered")
        return ""

    @app.websocket("/room")
    async def room() -> None:
        async for _ in websocket:
            logger.info("said", extra=log_fields(code=1))

    return app


def test_records_of_a_handler_name_its_request_or_websocket() -> None:
    recording = Recording()
    with application(recording).test_client() as client:
        client.get("/orders")
        with client.websocket("/room") as socket:
            socket.send("hello")
    ordered, said = recording.fields
    assert (ordered["method"], ordered["path"]) == ("GET", "/orders")
    assert isinstance(ordered["client"], str)
    assert (said["path"], said["code"]) == ("/room", 1)
    assert str(ordered["route"]).endswith("orders")
    assert isinstance(said["connection"], int)
    assert ordered["request"] != said["request"]


def test_outside_of_a_handler_the_fields_are_empty() -> None:
    record = logging.makeLogRecord(log_fields(channel="room:1"))
    assert ContextFilter().filter(record)
    assert {getattr(record, name) for name in FIELD_NAMES if name != "channel"} == {None}
    assert record.channel == "room:1"  # type: ignore[attr-defined]
