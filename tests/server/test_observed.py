"""Events about peers that do not read; `tests/test_observers.py` tests those of openings and endings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from emmett.observers import Observer, Observers, SendStalled, SlowConsumer, WebsocketEnded, WebsocketOpened
from emmett.server.observed import tell_ended, tell_opened, tell_slow, tell_stalled


class Served:
    """A websocket of which only the handshake was read."""

    number = 3
    websocket: Any = None
    target = b"/a%20b?c=d"
    status: int | None = None
    began = 10.0
    route: str | None = "app.room"
    messages = (1, 2)
    bytes: tuple[int, int] | None = None

    def __init__(self) -> None:
        self.inbox: Any = SimpleNamespace(messages=[])

    def held(self) -> int:
        return 0

    def choke(self) -> None:
        pass

    unchoke = shed = choke


class Connection:
    """The connection as an application sees it."""

    path = "/a b"
    query_string = b"c=d"
    client = ("192.0.2.1", 5)
    subprotocol = "chat"
    close_code = 4001
    close_reason = "bye"

    def __init__(self) -> None:
        self.failure: BaseException | None = None


class Recorder(Observer):
    def __init__(self) -> None:
        self.events: list[object] = []

    def websocket_opened(self, event: WebsocketOpened) -> None:
        self.events.append(event)

    def websocket_ended(self, event: WebsocketEnded) -> None:
        self.events.append(event)

    def send_stalled(self, event: SendStalled) -> None:
        self.events.append(event)

    def slow_consumer(self, event: SlowConsumer) -> None:
        self.events.append(event)


def test_observers_see_the_events_of_a_websocket() -> None:
    recorder, served = Recorder(), Served()
    observers = Observers([recorder])
    connection = served.websocket = Connection()
    failure = connection.failure = LookupError()
    served.status = 101
    served.bytes = (10, 20)
    tell_opened(observers, served)
    tell_stalled(observers, served)
    tell_slow(observers, served, "it does not read", "send_timeout")
    tell_ended(observers, served, 12.5)
    opened = recorder.events.pop(0)
    assert isinstance(opened, WebsocketOpened)
    assert opened[:-2] == (3, "/a b", "c=d", Connection.client, "app.room", "chat", connection)
    assert opened.counts() == (1, 2, 10, 20)
    assert opened.waiting() == 0
    served.inbox.messages.append("waits")
    assert opened.waiting() == 1
    assert recorder.events == [
        SendStalled(Connection.client, "app.room", connection),
        SlowConsumer("websocket", Connection.client, "app.room", None, "it does not read", connection, "send_timeout"),
        WebsocketEnded(
            *(3, "/a b", "/a%20b", "c=d", Connection.client, "app.room", 101, 4001, "bye", 2.5, 1, 2, 10, 20),
            *(connection, failure),
        ),
    ]
    assert connection.failure is None


def test_a_websocket_that_was_never_open_has_no_code() -> None:
    recorder, served = Recorder(), Served()
    served.websocket = Connection()
    served.status = 403
    tell_ended(Observers([recorder]), served, 10.0)
    (event,) = recorder.events
    assert isinstance(event, WebsocketEnded)
    assert (event.status, event.code, event.reason) == (403, None, "")


def test_nothing_is_reported_without_observers_or_before_the_handler() -> None:
    recorder, served = Recorder(), Served()
    for observers in (Observers(), Observers([recorder])):
        tell_opened(observers, served)
        tell_stalled(observers, served)
        tell_ended(observers, served, 1.0)
    tell_slow(Observers(), served, "", "")
    assert not recorder.events
