"""Every error that emmett raises, in one tree.

::

    EmmettError
    ├── ConfigurationError        the application is set up wrongly; raised at registration (also a ValueError)
    ├── UsageError                a call at the wrong place or time (also a RuntimeError)
    ├── HTTPException             ends a handler with an HTTP answer: abort(), redirect()
    │   ├── ChannelDenied         a channel that may not be joined or published to
    │   │   └── InvalidChannel    a name that no channel can have (also a ValueError)
    │   └── BrokerUnavailable     the broker of the channels does not answer
    │       └── BrokerRefused     it answers, but refuses the request: waiting does not help
    ├── CallError                 answers a call with an error, or reports the error that answered a call
    ├── SlowSubscriber            a subscriber that did not keep up with its channels
    ├── WebsocketClosed           the connection has ended: code and reason say how
    └── PeerError                 the other side broke the rules
        ├── RequestError          a request that cannot be read: the HTTP status to answer with
        │   ├── InvalidRequest    a request whose body or query does not match the types of its handler
        │   └── HandshakeError    an upgrade request that is refused
        └── MessageError          a message that the application cannot take: the close code to answer with
            └── FrameError        a frame that breaks RFC 6455

`emmett.testing` adds two more: `RefusedHandshake` and `RedirectError`, which are also `EmmettError`s.

Mistakes of the application and of the peer are separate: an error that a peer can cause is a `PeerError`, and is never
logged with a traceback.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple


class EmmettError(Exception):
    """The base of all errors that emmett raises."""


class ConfigurationError(EmmettError, ValueError):
    """The application is set up wrongly: a path, a pipe, an option. The message says what is allowed."""


class UsageError(EmmettError, RuntimeError):
    """A call at the wrong place or time, such as `request` outside of a request."""


class HTTPException(EmmettError):
    """Ends the handler with an HTTP answer.

    Arguments:
        status: the HTTP status code, 100 to 599.
        body: the body of the answer; if empty, the application's error page or the status phrase is sent.
        headers: header fields of the answer, a mapping or pairs of name and value.

    Attributes:
        headers: the header fields by name. The values of a repeated name are joined by `", "` (RFC 9110, 5.3).
        set_cookies: the Set-Cookie lines given as pairs: unlike other fields, they cannot be joined.
    """

    def __init__(
        self,
        status: int,
        body: str | bytes = "",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers: dict[str, str] = {}
        self.set_cookies: list[str] = []
        if headers is None or isinstance(headers, Mapping):
            self.headers.update(headers or {})
        else:
            self._add_pairs(headers)

    def _add_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        spelled: dict[str, str] = {}
        for name, value in pairs:
            if name.lower() == "set-cookie":
                self.set_cookies.append(value)
                continue
            first = spelled.setdefault(name.lower(), name)
            self.headers[first] = f"{self.headers[first]}, {value}" if first in self.headers else value

    @property
    def fields(self) -> list[tuple[str, str]]:
        """All header fields of the answer, as pairs."""
        return [*self.headers.items(), *(("set-cookie", line) for line in self.set_cookies)]


class ChannelDenied(HTTPException):
    """A channel may not be joined or published to. If uncaught, the handler ends with 403, or close code 1008.

    Arguments:
        message: which channel, and why not.
    """

    def __init__(self, message: str) -> None:
        super().__init__(403)
        self.message = message

    def __str__(self) -> str:
        return self.message


class InvalidChannel(ChannelDenied, ValueError):
    """A name that no channel can have. Names often come from visitors: if uncaught it refuses like its base class."""


class BrokerUnavailable(HTTPException):
    """The broker of the channels does not answer. If uncaught, the handler ends with 503, or close code 1011.

    Arguments:
        message: which broker, and how it failed; never its password.
    """

    def __init__(self, message: str) -> None:
        super().__init__(503)
        self.message = message

    def __str__(self) -> str:
        return self.message


class BrokerRefused(BrokerUnavailable):
    """The broker answers but refuses: wrong password, missing permission, wrong kind of server. Waiting does not help.

    Arguments:
        message: which broker, what it refuses and how to permit it; never its password.
        names: the channels and patterns that it refuses to subscribe; empty for any other refusal.
    """

    def __init__(self, message: str, names: Collection[str] = ()) -> None:
        super().__init__(message)
        self.names = frozenset(names)


class CallError(EmmettError):
    """Answers a call with an error, or reports the error that answered a call made by emmett.

    Arguments:
        code: a code of the application, or one of `emmett.calls.ErrorCode`.
        message: one sentence on what went wrong; the caller sees it.
        data: further details, any value that can be encoded; None to leave it out.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class SlowSubscriber(EmmettError):
    """A subscriber took its publications too slowly, and its namespace is configured to disconnect it."""


class WebsocketClosed(EmmettError):
    """The websocket connection has ended.

    Arguments:
        code: the close code (RFC 6455, 7.4); 1006 when the connection broke without a Close frame, 1005 when the
            peer's Close frame carried none.
        reason: the close reason, often empty.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        # A plain number, even for a member of `CloseCode`.
        self.code = code = int(code)
        self.reason = reason
        self.args = (code, reason)

    def __str__(self) -> str:
        return f"websocket closed with code {self.code}" + (f": {self.reason}" if self.reason else "")


class PeerError(EmmettError):
    """The other side broke the rules of the protocol."""


class RequestError(PeerError):
    """A request that cannot be served as sent.

    Arguments:
        status: the HTTP status to answer with, 400 to 599.
        message: what is wrong and what would be right; it is sent to the peer.
        headers: header fields that the answer must carry, such as `Allow`.
    """

    # The media type of the message.
    content_type = "text/plain; charset=utf-8"

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers: dict[str, str] = dict(headers or {})


# The names of RFC 9110; those of `HTTPStatus` differ between versions of Python.
_TITLES = {400: "Bad Request", 415: "Unsupported Media Type", 422: "Unprocessable Content"}


class RequestFault(NamedTuple):
    """A fault of a request.

    Fields:
        source: "body" or "query".
        path: the members and indexes that lead to it; empty for the body itself.
        message: what is wrong.
    """

    source: str
    path: tuple[str | int, ...]
    message: str


class InvalidRequest(RequestError):
    """A request whose body or query does not match the types of its handler.

    It is answered with problem details (RFC 9457) that list all faults.

    Arguments:
        status: 400 for a body that is not JSON, 415 for one of another media type, 422 for anything else.
        faults: all of them.
    """

    content_type = "application/problem+json"

    def __init__(self, status: int, faults: Sequence[RequestFault]) -> None:
        self.faults = tuple(faults)
        problem = {
            "type": "about:blank",
            "title": _TITLES[status],
            "status": status,
            "detail": f"The request has {len(faults)} fault{'s' if len(faults) > 1 else ''}.",
            "errors": [{"in": each.source, "path": each.path, "message": each.message} for each in faults],
        }
        # Imported here: most applications never answer with one.
        import json

        super().__init__(status, json.dumps(problem))


class HandshakeError(RequestError):
    """An upgrade request that is refused (RFC 6455, 4.2)."""


class MessageError(PeerError):
    """A message that the application cannot take, such as binary data in place of the expected text.

    Arguments:
        code: the close code to answer with (RFC 6455, 7.4.1): 1003 for the wrong kind, 1007 for data that is not what
            it claims to be.
        reason: what is wrong; it is sent to the peer, so it is short and contains no secrets.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = int(code)
        super().__init__(self.code, reason)
        self.reason = reason


class FrameError(MessageError):
    """A frame that breaks RFC 6455; its code is 1002, 1007 or 1009."""
