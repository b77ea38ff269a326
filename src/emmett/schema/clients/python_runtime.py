"""The parts of the connection of generated Python clients: errors, pauses, bounded queues.

Each generated client contains a copy of what follows the imports here and in `python_connection`. Both therefore need
only `websockets` and `msgspec`.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from ssl import SSLContext
from typing import Any, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType
from websockets.asyncio.client import ClientConnection

# The connection. The same code is in every generated client.

Item = TypeVar("Item")
Query = Mapping[str, str]
ConnectionState = Literal["connecting", "open", "waiting", "closed"]

# A connection that lasted this many seconds was stable: the pauses are reset.
STABLE = 5.0
LONGEST_PAUSE = 30.0
# The most requests of the server that run at the same time.
MAX_ANSWERS = 100
FINAL_CODES = frozenset({1000, 1002, 1003, 1007, 1008, 1010})


class CallFailed(Exception):
    """The server answered a call with an error.

    Attributes:
        code: the code of the error.
        message: the message of the error.
        data: further data; None without any.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    @property
    def retry_after(self) -> float | None:
        """The seconds after which a call above a limit may be repeated; None for other errors."""
        try:
            seconds: object = self.data["retry_after"]
        except (TypeError, LookupError):
            return None
        return seconds if isinstance(seconds, (int, float)) else None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.data is None else f"{self.code}: {self.message} {self.data!r}"


class ConnectionLost(Exception):
    """The connection ended before a call was answered. The server may or may not have run the call.

    Attributes:
        code: the close code of the websocket (RFC 6455, 7.4); 4000 plus the HTTP status of a refused handshake.
        reason: the reason that came with the code.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the connection ended with {self.code}" + (f": {self.reason}" if self.reason else "")


class QueueFull(Exception):
    """Too many messages wait to be sent, or too many events or items of a stream wait to be read."""


def is_final(code: int, reason: str = "") -> bool:
    """Return whether a connection that ended with this close code would end in the same way again."""
    return code in FINAL_CODES or (4400 <= code < 4500 and code not in {4408, 4429})


def pause_after(code: int, attempt: int) -> float:
    """Return the seconds before the next attempt. The jitter spreads the clients of a server that has stopped."""
    # 1012 and 1001: the server restarts, and others may be available. 1013 and 4429: it is overloaded.
    shortest, longest = {1001: (0.0, 1.0), 1012: (0.0, 1.0), 1013: (5.0, 10.0), 4429: (5.0, 10.0)}.get(code, (0.5, 1.0))
    return random.uniform(shortest, longest) * min(2.0 ** min(attempt, 10), LONGEST_PAUSE / longest)


class ConnectionOptions(TypedDict, total=False):
    """Options of the connection and bounds of its queues.

    Members:
        query: variables of the query, such as a token. A function, plain or async, is called before each attempt.
        headers: header fields of the handshake.
        ssl: for `wss`; the default trusts the authorities of the system.
        timeout: seconds until a call fails that has no reply; 30 by default, None for no deadline.
        connect_timeout: seconds that an attempt to connect may take; 10 by default.
        max_queue: the most calls and events that wait for a connection; 100 by default.
        max_items: the most items of a stream, or events, that wait to be read; 1,000 by default.
        max_message_size: bytes of a received message; 1 MiB by default, None for any size.
        is_final: returns whether the connection stays closed after a close code.
    """

    query: Query | Callable[[], Query | Awaitable[Query]]
    headers: Mapping[str, str]
    ssl: SSLContext
    timeout: float | None
    connect_timeout: float
    max_queue: int
    max_items: int
    max_message_size: int | None
    is_final: Callable[[int, str], bool]


class _ReplyError(msgspec.Struct, omit_defaults=True):
    code: int
    message: str
    data: Any = None


class _Incoming(msgspec.Struct):
    id: int | str | float | None = None
    method: str | UnsetType = UNSET
    params: msgspec.Raw | UnsetType = UNSET
    result: msgspec.Raw | UnsetType = UNSET
    error: _ReplyError | None = None


class _ItemParams(msgspec.Struct):
    token: int
    value: msgspec.Raw


_decode_incoming = msgspec.json.Decoder(_Incoming | list[_Incoming]).decode


def _encode(message: dict[str, Any]) -> str:
    return msgspec.json.encode({"jsonrpc": "2.0", **message}).decode()


def _convert(raw: msgspec.Raw | UnsetType, type_: Any) -> Any:
    return msgspec.json.decode(b"{}" if isinstance(raw, UnsetType) else raw, type=type_)


class _Waiting(Generic[Item]):
    """A bounded queue with an end."""

    def __init__(self, max_items: int, label: str) -> None:
        self._max_items = max_items
        self._label = label
        self._items: deque[Item] = deque()
        self._changed = asyncio.Event()
        self._end: Exception | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether the reader should have its turn before more is added."""
        return len(self._items) > self._max_items // 2

    def put(self, item: Item) -> bool:
        """Add an item. One too many ends the queue with an error, and returns False."""
        if self._end is None and len(self._items) >= self._max_items:
            self.end(QueueFull(f"{self._label}: more than {self._max_items} items wait to be read"))
        if self._end is not None:
            return False
        self._items.append(item)
        self._changed.set()
        return True

    def end(self, error: Exception) -> None:
        """Make readers get an error after all items have been read."""
        if self._end is None:
            self._end = error
            self._changed.set()

    async def get(self) -> Item:
        """Return the next item, or raise the error that ended the queue."""
        while not self._items:
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()


class _PendingCall:
    """A call without its reply: one item for a call; for a stream its items, and an end."""

    def __init__(self, id_: int, max_items: int, label: str, is_stream: bool) -> None:
        self.id = id_
        self.is_stream = is_stream
        self.received: _Waiting[msgspec.Raw] = _Waiting(max_items, label)
        # The connection that it was sent on; None while it waits for one.
        self.sent_on: ClientConnection | None = None
        self.left_queue = asyncio.Event()

    def fail(self, error: Exception) -> None:
        self.received.end(error)
        self.left_queue.set()

    def take(self, message: _Incoming) -> None:
        error = message.error
        if error is not None:
            self.fail(CallFailed(error.code, error.message, error.data))
        elif self.is_stream:
            self.fail(StopAsyncIteration())
        else:
            self.received.put(msgspec.Raw(b"null") if isinstance(message.result, UnsetType) else message.result)


def path_segment(name: str, value: object) -> str:
    """Return a variable of a path, encoded.

    Raises:
        ValueError: it cannot be one segment of a path.
    """
    text = str(value)
    if text in {"", ".", ".."} or "/" in text:
        raise ValueError(f"{name}={text!r}: a variable of a path contains no slash, and is not empty, '.' or '..'")
    return quote(text, safe="")


def without_unset(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that were given."""
    return {name: value for name, value in params.items() if value is not UNSET}
