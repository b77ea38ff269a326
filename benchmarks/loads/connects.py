"""Connections, one after another: TCP, handshake, one message there and back, Close.

On plain sockets: to open one through an event loop costs more than the server's part of it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
from collections.abc import Callable

from benchmarks.frames import FINAL_CLOSE, client_frame, echo_batch, masking_key
from benchmarks.handshake import END_OF_HEAD, HandshakeRefused, check_answer, upgrade_request
from benchmarks.loads.load import Connection, Load
from benchmarks.plan import LoadPlan

READ_SIZE = 64 * 1024
# close() then resets the connection. No side is left waiting (TIME_WAIT), and ports do not run out.
RESET = struct.pack("ii", 1, 0)
NORMAL_CLOSURE = (1000).to_bytes(2)


class Visitor(Connection):
    """Comes, says one thing, leaves, and comes again; a number distinguishes it from the others."""

    def __init__(self, plan: LoadPlan, number: int, failed: Callable[[str], None]) -> None:
        self._key = base64.b64encode(os.urandom(16))
        super().__init__(upgrade_request(plan.host, plan.port, plan.path, self._key), failed)
        self.plan = plan
        self.socket: socket.socket | None = None
        self._loop = asyncio.get_running_loop()
        self._message = echo_batch(number, 1, plan.size, websocket=not plan.raw)
        self._goodbye = client_frame(NORMAL_CLOSURE, masking_key(number), FINAL_CLOSE)
        self._data = b""
        self._steps = (self._raw_greeted if plan.raw else self._greeted, self._echoed, self._left)
        self._step = 0

    def send(self) -> None:
        """Open a connection and ask for a websocket."""
        plan, self.sent = self.plan, self.sent + 1
        try:
            # Waits no longer than the kernel: on the same machine a connection is there at once.
            self.socket = connection = socket.create_connection((plan.host, plan.port), timeout=10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.send(self.request)
            connection.setblocking(False)
        except OSError as error:
            self.failed(f"connection {self.sent} of one client: {error}")
            return
        self._step, self._data = 0, b""
        self._loop.add_reader(connection, self._readable)

    def close(self) -> None:
        """Drop the connection."""
        connection, self.socket = self.socket, None
        if connection is not None:
            self._loop.remove_reader(connection)
            connection.close()

    def _readable(self) -> None:
        if self.socket is None:
            return
        try:
            data = self.socket.recv(READ_SIZE)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._data += data
            self.bytes += len(data)
            self._steps[self._step](self.socket)
        except BlockingIOError:
            pass
        except (OSError, HandshakeRefused, ValueError) as error:
            self.failed(f"{error}, in step {self._step + 1} of 3 (handshake, message, close)")
            self.close()

    def _greeted(self, connection: socket.socket) -> None:
        if END_OF_HEAD in self._data:
            check_answer(self._data, self._key)
            self._next(connection, self._message.request)

    def _raw_greeted(self, connection: socket.socket) -> None:
        if self._matches(self.request):
            self._next(connection, self._message.request)

    def _echoed(self, connection: socket.socket) -> None:
        if self._matches(self._message.reply):
            self._next(connection, self._goodbye)

    def _left(self, connection: socket.socket) -> None:
        # A server may send a Close frame of its own wording; that it is one is what counts.
        if self.plan.raw or self._data[0] == FINAL_CLOSE:
            self.answered += 1
            self.close()
            if self.running:
                self.send()
        else:
            raise ValueError(f"{self._data[:40]!r} came instead of a Close frame")

    def _next(self, connection: socket.socket, data: bytes) -> None:
        self._step, self._data = self._step + 1, b""
        connection.send(data)

    def _matches(self, expected: bytes) -> bool:
        if not expected.startswith(self._data):
            raise ValueError(f"{self._data[:60]!r} came instead of {expected[:60]!r}")
        return len(self._data) == len(expected)


class ConnectsLoad(Load):
    """As many visitors at once as the plan has connections."""

    unfinished = "a connection was not through"

    async def open(self) -> None:
        self.connections = [Visitor(self.plan, number, self.watch.failed) for number in range(self.plan.connections)]
