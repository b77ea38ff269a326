"""TLS on the socket itself.

asyncio and uvloop run TLS over memory buffers, which costs the generator as much as the server. OpenSSL reading
from and writing to the socket directly costs far less, so that the server's share is what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import cast

READ_SIZE = 256 * 1024


class TLSTransport(asyncio.Transport):
    """As much of a transport as the loads use."""

    def __init__(self, secured: ssl.SSLSocket, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._socket = secured
        self._protocol = cast(asyncio.Protocol, protocol)
        self._unsent = bytearray()
        self._closed = False
        self._loop.add_reader(secured, self._readable)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def is_closing(self) -> bool:
        return self._closed

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        if self._unsent:
            self._unsent += data
            return
        sent = self._send(data)
        if sent < len(data):
            self._unsent += memoryview(data)[sent:]
            self._loop.add_writer(self._socket, self._writable)

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()

    def _send(self, data: bytes | bytearray | memoryview[int]) -> int:
        try:
            return self._socket.send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            self._lost(error)
            return len(data)

    def _writable(self) -> None:
        # All of it, the same bytes again after a refusal, as OpenSSL wants it.
        sent = self._send(self._unsent)
        if not self._closed:
            del self._unsent[:sent]
            if not self._unsent:
                self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        # What OpenSSL holds decrypted makes no socket readable, so it is read until there is nothing.
        while not self._closed:
            try:
                data = self._socket.recv(READ_SIZE)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                self._lost(error)
                return
            if not data:
                self._lost(None)
                return
            self._protocol.data_received(data)
            if not self._socket.pending():
                return

    def _lost(self, error: Exception | None) -> None:
        if not self._closed:
            self.abort()
            self._protocol.connection_lost(error)


def client_context() -> ssl.SSLContext:
    """Return the client's side of TLS, which takes any certificate: it is not what is measured."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def connect_tls(host: str, port: int, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
    """Open a connection and do the TLS handshake."""
    loop = asyncio.get_running_loop()
    plain = socket.socket()
    plain.setblocking(False)
    try:
        await loop.sock_connect(plain, (host, port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = client_context().wrap_socket(plain, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        await _handshake(secured)
    except BaseException:
        secured.close()
        raise
    return TLSTransport(secured, protocol)


async def _handshake(secured: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            secured.do_handshake()
            return
        # The client of TLS 1.2 and 1.3 waits for the server only; what it writes fits into the socket's buffer.
        readable = loop.create_future()
        loop.add_reader(secured, readable.set_result, None)
        try:
            await readable
        finally:
            loop.remove_reader(secured)
