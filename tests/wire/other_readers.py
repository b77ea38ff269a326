"""One stream, read by our reader, by websockets and by wsproto, and the result of each."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import wsproto
from websockets.frames import Close, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from emmett.errors import FrameError
from emmett.wire.close import parse_close
from emmett.wire.frames import OP_CLOSE, FrameReader
from tests.wire.frame_maker import PING, PONG
from tests.wire.owner import Owner

# The size limit of messages, for readers that have one.
MAX_SIZE = 300
_PLENTY = 1 << 40
_new_utf8_decoder = codecs.getincrementaldecoder("utf-8")

OPEN, CLOSED, FAILED = "open", "closed", "failed"


class Verdict(NamedTuple):
    """The result of reading a stream.

    Attributes:
        messages: the whole messages.
        controls: opcode and payload of Pings and Pongs.
        end: whether it still reads, has seen a Close, or found a fault.
        code: the close code, of the peer or for the fault; 0 while it still reads.
        reason: the reason in the Close of the peer.
    """

    messages: tuple[str | bytes, ...]
    controls: tuple[tuple[int, bytes], ...]
    end: str = OPEN
    code: int = 0
    reason: str = ""


class OurVerdict(NamedTuple):
    """Ours; `parsed` is where the frame begins at which reading stopped."""

    verdict: Verdict
    parsed: int


def read_ours(pieces: Sequence[bytes]) -> OurVerdict:
    """Read as the default server does."""
    messages: deque[str | bytes] = deque()
    closes: list[tuple[int, str]] = []

    class Parsing(Owner):
        def on_control(self, opcode: int, payload: bytes) -> None:
            if opcode == OP_CLOSE:
                closes.append(parse_close(payload))
            else:
                super().on_control(opcode, payload)

    owner = Parsing()
    reader = FrameReader(
        messages,
        owner,
        max_message_size=MAX_SIZE,
        max_fragments=_PLENTY,
        max_messages=_PLENTY,
        max_bytes=_PLENTY,
    )
    end, code, reason = OPEN, 0, ""
    try:
        for piece in pieces:
            reader.begin_turn()
            held_back = reader.feed(piece)
            while held_back:
                reader.begin_turn()
                held_back = reader.resume()
    except FrameError as error:
        end, code = FAILED, error.code
    else:
        if closes:
            end, (code, reason) = CLOSED, closes[0]
    return OurVerdict(Verdict(tuple(messages), tuple(owner.controls), end, code, reason), reader.parsed)


class _Collector:
    """Puts fragments together, for readers that leave that to their callers."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.controls: list[tuple[int, bytes]] = []
        self._pieces: list[str] | list[bytes] = []

    def add(self, piece: str | bytes, final: bool) -> None:
        self._pieces.append(piece)  # type: ignore[arg-type]
        if final:
            empty = piece[:0]
            self.messages.append(empty.join(self._pieces))  # type: ignore[arg-type]
            self._pieces = []

    def verdict(self, end: str = OPEN, code: int = 0, reason: str = "") -> Verdict:
        return Verdict(tuple(self.messages), tuple(self.controls), end, int(code), reason)


def read_websockets(pieces: Sequence[bytes]) -> Verdict:
    """Read with the sans-I/O server of websockets; it leaves the decoding of text to its caller."""
    protocol = ServerProtocol(state=State.OPEN, max_size=MAX_SIZE)
    collector = _Collector()
    decoder: codecs.IncrementalDecoder | None = None
    for piece in pieces:
        protocol.receive_data(piece)
        for frame in protocol.events_received():
            payload = bytes(frame.data)  # type: ignore[union-attr]
            opcode = frame.opcode  # type: ignore[union-attr]
            if opcode is Opcode.CLOSE:
                close = Close.parse(payload)
                return collector.verdict(CLOSED, close.code, close.reason)
            if opcode in (Opcode.PING, Opcode.PONG):
                collector.controls.append((opcode.value, payload))
                continue
            if opcode is not Opcode.CONT:
                decoder = _new_utf8_decoder() if opcode is Opcode.TEXT else None
            final = frame.fin  # type: ignore[union-attr]
            try:
                collector.add(payload if decoder is None else decoder.decode(payload, final), final)
            except UnicodeDecodeError:
                return collector.verdict(FAILED, 1007)
        if protocol.parser_exc is not None:
            assert protocol.close_sent is not None
            return collector.verdict(FAILED, protocol.close_sent.code)
    return collector.verdict()


def read_wsproto(pieces: Sequence[bytes]) -> Verdict:
    """Read with wsproto; it reports a fault of the peer as a Close of its own."""
    connection = wsproto.connection.Connection(wsproto.ConnectionType.SERVER)
    collector = _Collector()
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            if isinstance(event, TextMessage):
                collector.add(event.data, event.message_finished)
            elif isinstance(event, BytesMessage):
                collector.add(bytes(event.data), event.message_finished)
            elif isinstance(event, Ping):
                collector.controls.append((PING, bytes(event.payload)))
            elif isinstance(event, Pong):
                collector.controls.append((PONG, bytes(event.payload)))
            elif isinstance(event, CloseConnection):
                by_peer = connection.state is wsproto.connection.ConnectionState.REMOTE_CLOSING
                end, reason = (CLOSED, event.reason or "") if by_peer else (FAILED, "")
                return collector.verdict(end, event.code, reason)
    return collector.verdict()
