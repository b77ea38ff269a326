"""The current context and its handles: `request`, `response`, `session`, `websocket`.

Each request and each connection runs in a task of its own, whose context holds its objects; tasks started there inherit
it. The handles are for application code: emmett itself passes the objects as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, cast

from .datastructures import sdict
from .engine import make_handle_functions
from .errors import UsageError
from .http.request import Request
from .http.response import Response
from .websockets.connection import Data
from .websockets.websocket import Websocket

current_request: ContextVar[Request | None] = ContextVar("emmett.request", default=None)
current_response: ContextVar[Response | None] = ContextVar("emmett.response", default=None)
current_session: ContextVar[sdict[Any] | None] = ContextVar("emmett.session", default=None)
# Without a default: `_WebsocketHandle` detects by the LookupError that there is none.
current_websocket: ContextVar[Websocket] = ContextVar("emmett.websocket")


def enter_request(request: Request, response: Response) -> None:
    """Set the request and the response of the current context.

    A server may start the task of a request in the context of the previous one on the same connection, which can belong
    to another visitor if a proxy is in between: nothing of the previous request is kept.
    """
    current_request.set(request)
    current_response.set(response)
    # A check costs less than setting the variable, and usually there is none.
    if current_session.get() is not None:
        current_session.set(None)


def enter_websocket(websocket: Websocket) -> None:
    """Set the websocket of the current context; nothing of a previous request is kept."""
    current_websocket.set(websocket)
    # As above: the context of the process has none of these.
    if current_request.get() is not None:
        current_request.set(None)
    if current_response.get() is not None:
        current_response.set(None)
    if current_session.get() is not None:
        current_session.set(None)


def _request() -> Request:
    request = current_request.get()
    if request is None:
        other = current_websocket.get(None) is not None
        hint = "; in a websocket handler use `websocket`" if other else ""
        raise UsageError(f"`request` is available only while a request is handled{hint}")
    return request


def _response() -> Response:
    response = current_response.get()
    if response is None:
        raise UsageError("`response` is available only while a request is handled")
    return response


def _session() -> sdict[Any]:
    session = current_session.get()
    if session is None:
        raise UsageError("`session` is available only inside a session pipe; this pipeline has none")
    return session


def _websocket() -> Websocket:
    try:
        return current_websocket.get()
    except LookupError:
        other = current_request.get() is not None
        hint = "; in a request handler use `request`" if other else ""
        raise UsageError(
            f"`websocket` is available only while a websocket is handled{hint}; to reach connections from elsewhere, "
            "publish to a channel that they subscribe to (emmett.Channels), or keep `websocket.connection`"
        ) from None


class _Handle:
    """Refers to the object of the current context.

    It cannot be hashed: in a set or as a key, it would refer to another object in each handler.
    """

    __slots__ = ("_find",)

    _find: Callable[[], Any]

    def __init__(self, find: Callable[[], Any]) -> None:
        object.__setattr__(self, "_find", find)

    def __hash__(self) -> int:
        name = self._find.__name__.strip("_")
        raise TypeError(f"`{name}` refers to another object in each handler: it cannot be a key or a member of a set")

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._find(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._find(), name)

    def __repr__(self) -> str:
        try:
            return repr(self._find())
        except UsageError as error:
            return f"<{error}>"


class _OpenHandle(_Handle):
    """Forwards attributes of any name."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        # Attributes that tools look up on any object, such as `__name__` and `__wrapped__`, must fail as usual.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(self._find(), name)


class _SessionHandle(_OpenHandle):
    """The session, whose values are also available as items."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        return self._find()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._find()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._find()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._find()

    def __iter__(self) -> Iterator[str]:
        return iter(self._find())

    def __len__(self) -> int:
        return len(self._find())


class _Forwarded:
    """A public attribute of the connection, on its handle."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, handle: object, owner: type) -> Any:
        return self if handle is None else getattr(_websocket(), self._name)


receive, send = make_handle_functions(current_websocket, _websocket)


class _WebsocketHandle(_Handle):
    """The connection. What each message calls is written out: a generic attribute costs ten times as much (design.md,
    the hot path). `receive` and `send` are no coroutines themselves but return that of the connection. They are plain
    functions in slots: for `websocket.send(...)` on an imported name CPython loads an attribute, and of a method it
    would make a bound one each time.

    The other public attributes are put here by name, below: in a class with `__getattr__` CPython looks up every
    attribute the slow way, also those that are there. What servers and channels call on a connection is not among them.
    """

    __slots__ = ("receive", "send")

    receive: Callable[[], Coroutine[Any, Any, str | bytes]]
    send: Callable[[Data], Coroutine[Any, Any, None]]

    def __init__(self, find: Callable[[], Websocket]) -> None:
        super().__init__(find)
        object.__setattr__(self, "receive", receive)
        object.__setattr__(self, "send", send)

    def __hash__(self) -> int:
        raise TypeError(
            "`websocket` refers to another connection in each handler and cannot be kept: keep `websocket.connection`, "
            "or let the connections subscribe to a channel (emmett.Channels)"
        )

    def __aiter__(self) -> Websocket:
        return _websocket()


# What an application may use of its connection, besides the methods written out above.
FORWARDED = (
    *("id", "scheme", "path", "host", "headers", "cookies", "query_params", "query_string", "client"),
    *("subprotocols", "subprotocol", "accepted", "closed", "close_code", "close_reason", "connection"),
    *("unread", "unsent"),
    *("accept", "receive_text", "receive_bytes", "receive_json", "send_json", "send_nowait"),
    *("ping", "close", "wait_closed"),
)

for _name in FORWARDED:
    setattr(_WebsocketHandle, _name, _Forwarded(_name))

request = cast(Request, _OpenHandle(_request))
response = cast(Response, _OpenHandle(_response))
session = cast("sdict[Any]", _SessionHandle(_session))
websocket = cast(Websocket, _WebsocketHandle(_websocket))
