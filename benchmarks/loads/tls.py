"""TLS on the socket itself.

asyncio and uvloop run TLS over memory buffers, which costs the generator as much as the server. OpenSSL reading
from and writing to the socket directly costs far less, so that the server's share is what is measured.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

READ_SIZE = 256 * 1024
WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TLSTransport(asyncio.Transport):
    """As much of a transport as the loads use."""

    def __init__(self, secured: ssl.SSLSocket, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._socket = secured
        self._unsent = bytearray()
        self._closed = False
        self.set_protocol(protocol)
        self._loop.add_reader(secured, self._readable)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def is_closing(self) -> bool:
        return self._closed

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        waits = bool(self._unsent)
        self._unsent += data
        if not waits:
            self._writable()
            if self._unsent and not self._closed:
                self._loop.add_writer(self._socket, self._writable)

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()

    def _writable(self) -> None:
        # All of it, the same bytes again after a refusal, as OpenSSL wants it.
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except WAITS:
            return
        except OSError as error:
            self._lost(error)
            return
        if not self._unsent:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        # What OpenSSL holds decrypted makes no socket readable, so it is read until there is nothing.
        pending = 1
        while pending and not self._closed:
            try:
                data = self._socket.recv(READ_SIZE)
            except WAITS:
                return
            except OSError as error:
                self._lost(error)
                return
            if not data:
                self._lost(None)
                return
            pending = self._socket.pending()
            self._protocol.data_received(data)

    def _lost(self, error: Exception | None) -> None:
        if not self._closed:
            self.abort()
            self._protocol.connection_lost(error)


async def connect_tls(host: str, port: int, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
    """Open a connection and do the TLS handshake; any certificate will do, it is not what is measured."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def shake_hands() -> ssl.SSLSocket:
        secured = context.wrap_socket(socket.create_connection((host, port), timeout=10))
        secured.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured.setblocking(False)
        return secured

    return TLSTransport(await asyncio.to_thread(shake_hands), protocol)
