"""A websocket over HTTP/2 (RFC 8441), as browsers open one through a proxy that offers it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import h2.connection
import h2.errors
import h2.events
import h2.settings
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage


class Http2Websocket:
    """A client of one websocket on a connection of its own.

    Attributes:
        status: of the answer to the handshake.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self._reader = reader
        self._writer = writer
        self._http = h2.connection.H2Connection()
        self._stream = 0
        self._frames = Connection(ConnectionType.CLIENT)
        self._events: list[Event] = []

    async def open(self, name: str, path: str, *fields: tuple[str, str]) -> None:
        """Send the handshake once the server has said that it takes one, and read the answer."""
        self._http.initiate_connection()
        await self._flush()
        while not self._http.remote_settings.enable_connect_protocol:
            await self._read()
        self._stream = self._http.get_next_available_stream_id()
        head = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":path", path),
            (":authority", name),
            ("sec-websocket-version", "13"),
            *fields,
        ]
        self._http.send_headers(self._stream, head)
        await self._flush()
        while not self.status:
            await self._read()

    async def send(self, message: str | bytes) -> None:
        """Send a message."""
        data = self._frames.send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))
        while data:
            window = min(
                self._http.local_flow_control_window(self._stream), self._http.max_outbound_frame_size, len(data)
            )
            if window == 0:
                await self._read()
                continue
            self._http.send_data(self._stream, data[:window])
            data = data[window:]
            await self._flush()

    async def receive(self) -> str | bytes:
        """Return the next message."""
        pieces: list[Any] = []
        while True:
            event = await self._next_event()
            if isinstance(event, TextMessage | BytesMessage):
                pieces.append(event.data)
                if event.message_finished:
                    return (b"" if isinstance(event, BytesMessage) else "").join(pieces)

    async def closed(self) -> tuple[int, str | None]:
        """Wait for the Close frame; returns its code and reason."""
        while True:
            event = await self._next_event()
            if isinstance(event, CloseConnection):
                return event.code, event.reason

    async def _next_event(self) -> Event:
        while not self._events:
            await self._read()
        event = self._events.pop(0)
        if isinstance(event, Ping):
            self._http.send_data(self._stream, self._frames.send(event.response()))
            await self._flush()
        return event

    async def _read(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise EOFError("the proxy has ended the connection")
        for event in self._http.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.status = int(dict(event.headers or ())[b":status"])
            elif isinstance(event, h2.events.DataReceived):
                assert event.data is not None
                if self.status == 200 and event.data:
                    self._http.increment_flow_control_window(event.flow_controlled_length or 0)
                    self._http.increment_flow_control_window(event.flow_controlled_length or 0, self._stream)
                    self._frames.receive_data(event.data)
                    self._events.extend(self._frames.events())
            elif isinstance(event, h2.events.StreamReset) and not self.status:
                raise EOFError(f"the proxy has reset the stream: {event.error_code!r}")
        await self._flush()

    async def _flush(self) -> None:
        self._writer.write(self._http.data_to_send())
        await self._writer.drain()


@contextlib.asynccontextmanager
async def connect_over_http2(
    port: int, tls: ssl.SSLContext, name: str, path: str, *fields: tuple[str, str], source: str = "127.0.0.1"
) -> AsyncIterator[Http2Websocket]:
    """Connect to 127.0.0.1 and open a websocket over HTTP/2.

    Arguments:
        port: of the server.
        tls: trusts its certificate; it is changed to offer HTTP/2.
        name: the host that the handshake asks for.
        path: of the websocket.
        fields: further ones of the handshake.
        source: the address to come from.
    """
    tls.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname=name, local_addr=(source, 0)
    )
    try:
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        client = Http2Websocket(reader, writer)
        await client.open(name, path, *fields)
        yield client
    finally:
        writer.transport.abort()


async def offers_websockets(port: int, tls: ssl.SSLContext) -> bool:
    """Tell whether the server at 127.0.0.1 speaks HTTP/2 and takes websockets there."""
    tls.set_alpn_protocols(["h2", "http/1.1"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="example.com")
    try:
        if writer.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            return False
        http = h2.connection.H2Connection()
        http.initiate_connection()
        writer.write(http.data_to_send())
        while True:
            for event in http.receive_data(await reader.read(65536)):
                if isinstance(event, h2.events.RemoteSettingsChanged):
                    return bool(http.remote_settings.enable_connect_protocol)
    finally:
        writer.transport.abort()
