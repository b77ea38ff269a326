"""Counting the bytes of a websocket, for observers that ask for it. Without such observers it is not used at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from .websocket_protocol import TakeRead, WebsocketProtocol


class MeteredTransport(asyncio.Transport):
    """A transport that counts written bytes.

    Arguments:
        inner: the transport that does the work.

    Attributes:
        bytes_sent: the bytes written so far.
    """

    def __init__(self, inner: asyncio.Transport) -> None:
        super().__init__()
        self._inner = inner
        self.bytes_sent = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.bytes_sent += len(data)
        self._inner.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        pieces = list(list_of_data)
        self.bytes_sent += sum(map(len, pieces))
        self._inner.writelines(pieces)

    def write_eof(self) -> None:
        self._inner.write_eof()

    def can_write_eof(self) -> bool:
        return self._inner.can_write_eof()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._inner.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._inner.get_write_buffer_limits()

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()

    def is_reading(self) -> bool:
        return self._inner.is_reading()

    def close(self) -> None:
        self._inner.close()

    def abort(self) -> None:
        self._inner.abort()

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._inner.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._inner.get_protocol()


class ReadMeter:
    """Counts received bytes.

    Arguments:
        take: called with the bytes of each read.

    Attributes:
        bytes_received: the bytes read so far.
    """

    __slots__ = ("_take", "bytes_received")

    def __init__(self, take: TakeRead) -> None:
        self._take = take
        self.bytes_received = 0

    def data_received(self, data: bytes) -> None:
        """Count a read and pass it on."""
        self.bytes_received += len(data)
        self._take(data)


class MeteredProtocol(WebsocketProtocol):
    """A websocket that counts what it reads; its transport is a `MeteredTransport`."""

    __slots__ = ("_meter",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # A separate object: a method of this one would create a reference cycle.
        self._meter = ReadMeter(self.data_received)
        self.data_received = self._meter.data_received

    def count_early(self, data: bytes) -> None:
        """Count what came with the handshake."""
        self._meter.bytes_received += len(data)

    @property
    def bytes(self) -> tuple[int, int]:
        """Return the number of bytes received and sent."""
        transport = self._transport
        assert isinstance(transport, MeteredTransport)
        return self._meter.bytes_received, transport.bytes_sent
