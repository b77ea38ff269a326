"""Taps: report the messages of one connection as they pass, for the inspector. Untapped connections pay nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..wire.fields import HeaderFields
from .connection import Connection, Data, MessageBatch, Writer
from .hooks import Hook


class Report(Protocol):
    """What a tap calls for each message. It neither waits nor raises, and does not keep a message that may change."""

    def __call__(self, message: Data, is_received: bool, /) -> None: ...


class TappedWriter:
    """A writer that reports the messages that it has passed on."""

    def __init__(self, inner: Writer, report: Report) -> None:
        self._inner = inner
        self._report = report

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        """See `Writer.write`."""
        waiting = self._inner.write(message, more)
        self._report(message, False)
        return waiting

    def write_batch(self, batch: MessageBatch) -> bool | None:
        """See `Writer.write_batch`."""
        written = self._inner.write_batch(batch)
        if written:
            for message in batch.messages:
                self._report(message, False)
        return written

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """See `Writer.when_ready`."""
        self._inner.when_ready(callback, waiting)


class TappedConnection:
    """A connection that reports the messages sent on it.

    Arguments:
        inner: the connection that does the work.
        report: called with each message.
    """

    def __init__(self, inner: Connection, report: Report) -> None:
        self.inner = inner
        self._report = report
        self._tapped = TappedWriter(inner.writer, report)

    @property
    def writer(self) -> Writer:
        """See `Connection.writer`."""
        return self._tapped

    @property
    def unsent(self) -> int:
        """See `Connection.unsent`."""
        return self.inner.unsent

    def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> Awaitable[None] | None:
        """See `Connection.accept`."""
        return self.inner.accept(headers, subprotocol)

    def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> Awaitable[None] | None:
        """See `Connection.refuse`."""
        return self.inner.refuse(status, body, headers)

    def write_now(self, message: Data) -> None:
        """See `Connection.write_now`."""
        self.inner.write_now(message)
        self._report(message, False)

    def ping(self) -> Awaitable[float]:
        """See `Connection.ping`."""
        return self.inner.ping()

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """See `Connection.close`."""
        return self.inner.close(code, reason)


class TappedHook:
    """A hook on received messages that reports them before the hook that was there."""

    def __init__(self, inner: Hook | None, report: Report) -> None:
        self.inner = inner
        self._report = report

    async def __call__(self, message: Any) -> Any:
        self._report(message, True)
        return message if self.inner is None else await self.inner(message)
