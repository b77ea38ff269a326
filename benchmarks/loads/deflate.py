"""Echo of compressed messages (permessage-deflate, RFC 7692), offered as browsers offer it.

Every reply is inflated and compared: what a server writes may refer to its messages before, so that no bytes can be
foretold. What is sent was compressed beforehand, each message by itself, which every window allows.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from benchmarks.frames import COMPRESSED, FINAL_TEXT, client_frame, masking_key, split_frames
from benchmarks.handshake import HandshakeRefused
from benchmarks.loads.load import Connection, Load, opened

OFFER = "permessage-deflate; client_max_window_bits"
# What a sender takes off the end of each message, RFC 7692, section 7.2.1.
END = b"\x00\x00\xff\xff"


class DeflateConnection(Connection):
    """Sends a text compressed, inflates and checks the reply, sends it again."""

    def __init__(self, text: bytes, request: bytes, failed: Callable[[str], None]) -> None:
        super().__init__(request, failed)
        self.text = text
        self.compressed = 0  # replies
        self._rest = b""
        # A window of the largest size reads what was written with any; kept, it serves both ways of context takeover.
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        try:
            frames, self._rest = split_frames(self._rest + data)
            for first, payload in frames:
                self._check(first, payload)
        except (ValueError, zlib.error) as error:
            self.failed(str(error))

    def _check(self, first: int, payload: bytes) -> None:
        if first == FINAL_TEXT | COMPRESSED:
            self.compressed += 1
            payload = self._inflate.decompress(payload + END)
        elif first != FINAL_TEXT:
            raise ValueError(f"a frame began with {first:#x}")
        if payload != self.text or self.answered == self.sent:
            raise ValueError(f"the reply is {payload[:60]!r} instead of {self.text[:60]!r}")
        self.answered += 1
        if self.running:
            self.send()


class DeflateLoad(Load):
    """All connections send compressed messages, one in flight each."""

    async def open(self) -> None:
        self.connections = self._compressing = await opened(self.plan.connections, self._open)

    async def _open(self, number: int) -> DeflateConnection:
        opened = await self.open_websocket(self.plan.path, OFFER)
        if "permessage-deflate" not in opened.extensions:
            raise HandshakeRefused("the server does not take permessage-deflate")
        text = chat_text(number, self.plan.size)
        request = compressed_frame(text, window_bits(opened.extensions), number)
        connection = DeflateConnection(text, request, self.watch.failed)
        connection.attach(opened.transport)
        return connection

    async def finish(self) -> None:
        await super().finish()
        if not any(connection.compressed for connection in self._compressing):
            self.watch.failed("no reply was compressed")
        await self.watch.run_for(0)


def chat_text(connection: int, size: int) -> bytes:
    """Return text that compresses like the JSON of an application does, to about a fifth; each connection its own."""
    entries = (
        b'{"id":%d,"room":"lobby","from":"user-%d","text":"message %d of this room","at":%d},'
        % (number, (number * 7919 + connection) % 1000, number * 31 % 997, 1_700_000_000 + number * 37)
        for number in range(connection, connection + size // 60 + 1)
    )
    return b"".join(entries)[:size]


def compressed_frame(text: bytes, bits: int, number: int) -> bytes:
    """Return a compressed, masked message that needs no earlier one (RFC 7692, section 7.2.1)."""
    # zlib writes no window under 9, which those who ask for 8 read too.
    deflate = zlib.compressobj(wbits=-max(bits, 9))
    payload = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return client_frame(payload.removesuffix(END), masking_key(number), FINAL_TEXT | COMPRESSED)


def window_bits(extensions: str) -> int:
    """Return the window that a server's answer allows the client: `client_max_window_bits`, else 15."""
    found = re.search(r'client_max_window_bits\s*=\s*"?(\d+)', extensions)
    return int(found[1]) if found else zlib.MAX_WBITS
