"""An incremental reader of frames (RFC 6455, section 5). `encoding` encodes the frames that a server sends.

Compressed messages (RFC 7692) take the same path as fragments and long frames; see `inflater`.

Pure: bytes in, messages out. The reader appends complete messages to a list that it shares with the connection's inbox,
and reports control frames to its owner. It parses only as much as the list has room for and as one connection may use
in a turn of the event loop; the rest waits, unparsed, in its buffer. The bound of the inbox therefore holds for a read
of any size, and no kind of frame stalls other connections.
"""

from __future__ import annotations

import codecs
import contextlib
import sys
from collections import deque
from collections.abc import MutableSequence
from typing import NoReturn, Protocol

from ..engine import BaseReader, apply_mask
from ..engine.header import FIN, LENGTH_16, MASKED, OP_BINARY, OP_TEXT
from ..errors import FrameError
from .close import CloseCode
from .close_search import find_close_frame
from .inflater import Inflater

OP_CONTINUATION = 0x0
OP_CLOSE = 0x8
OP_PING = 0x9
OP_PONG = 0xA

RSV = 0x70
# Marks the first frame of a compressed message (RFC 7692, 6).
RSV1 = 0x40
MAX_CONTROL_PAYLOAD = 125

# The work of a turn, before other connections are served: frames of any kind, and bytes after inflation. This takes
# about 1 ms with small frames, and some 2 ms with a message that inflates to 1 MiB.
FRAMES_A_TURN = 128
BYTES_A_TURN = 1024 * 1024

Buffer = bytes | bytearray

_KNOWN_OPCODES = frozenset((OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG))
_new_utf8_decoder = codecs.getincrementaldecoder("utf-8")


class ReaderOwner(Protocol):
    """The owner of a reader."""

    def on_control(self, opcode: int, payload: bytes) -> None:
        """Process a Ping, Pong or Close, in stream order.

        Raises:
            FrameError: the frame is invalid.
        """

    def on_growth(self) -> None:
        """Note that what is held has grown by `step` bytes: beside whole messages, that is parts of frames, fragments
        and what was inflated.
        """


class FrameReader(BaseReader):
    """Reads the frames that a client sends.

    Arguments:
        messages: receives complete messages, `str` for text and `bytes` for binary; the owner removes them on the left.
        owner: processes the control frames.
        max_message_size: bytes in a message, over all its fragments, after inflation.
        max_fragments: frames in a message.
        max_messages: length of `messages` at which parsing pauses.
        max_bytes: bytes parsed since `messages` was last empty at which parsing pauses.

    After a Close frame or an error, all further input is ignored (RFC 6455, 1.4 and 7.1.7).

    Parsing also pauses, with `spent` set, after the work of a turn; `begin_turn` allows the same amount again. The
    reader has no clock and no loop: the owner begins a turn when other connections have had theirs.
    """

    __slots__ = (
        "_compressed",
        "_decoder",
        "_delivered",
        "_fragment_count",
        "_fragment_held",
        "_fragment_size",
        "_looked_at",
        "_max_fragments",
        "inflater",
        "owner",
    )

    def __init__(
        self,
        messages: MutableSequence[str | bytes],
        owner: ReaderOwner,
        *,
        max_message_size: int,
        max_fragments: int,
        max_messages: int,
        max_bytes: int,
    ) -> None:
        super().__init__()
        self.messages = messages
        # Complete messages read so far; and their number when delivery stopped, None while messages are delivered.
        self._read = 0
        self._delivered: int | None = None
        # Bytes parsed so far: does not change while a frame is incomplete.
        self.parsed = 0
        # A Close frame or an error was read: all further input is ignored.
        self.finished = False
        self.owner = owner
        # Inflates compressed messages; None without compression. Must be set before the first frame.
        self.inflater: Inflater | None = None
        # The native engine counts in words of the machine.
        self._max_message_size = min(max_message_size, sys.maxsize)
        self._max_fragments = max_fragments
        self._max_messages = min(max_messages, sys.maxsize)
        self._max_bytes = min(max_bytes, sys.maxsize)
        # The base has `_buffer`, too: received but unparsed bytes, which are part of a frame, or complete frames for
        # which `messages` had no room.
        # Length that the buffer must reach before parsing can continue; avoids a new attempt for every read of a frame
        # that arrives in many reads.
        self._missing = 0
        # Limit of `parsed` until `messages` is empty again. Bytes that inflation adds lower it.
        self._last_byte = self._max_bytes
        # Limits of `parsed` and `_read` in this turn. Bytes that inflation adds, and frames that are not a complete
        # message, lower them.
        self._turn_bytes = BYTES_A_TURN
        self._turn_frames = FRAMES_A_TURN
        # How far `find_close` has searched, counted as `parsed`.
        self._looked_at = 0
        # The current fragmented message: its pieces, their number and bytes on the wire, the decoder of a text, whether
        # it is compressed.
        self._fragments = None
        self._fragment_count = 0
        self._fragment_size = 0
        self._compressed = False
        self._decoder: codecs.IncrementalDecoder | None = None
        # The memory that the pieces take, and by how much this reader has grown since it said so.
        self._fragment_held = 0
        self._grown = 0
        # The growth, in bytes, after which the owner is notified; by default, never.
        self.step = sys.maxsize

    @property
    def received(self) -> int:
        """Messages read and delivered so far."""
        return self._read if self._delivered is None else self._delivered

    @property
    def in_frame(self) -> bool:
        """Whether a frame is incomplete."""
        return self._missing > 0

    @property
    def held(self) -> int:
        """Bytes of memory that parts of frames and messages take, beside whole messages."""
        return self.unparsed + self._fragment_held

    def begin_turn(self) -> None:
        """Allow the work of another turn."""
        self._turn_bytes = self.parsed + BYTES_A_TURN
        self._turn_frames = self._read + FRAMES_A_TURN

    def find_close(self) -> bytes | None:
        """Search the held-back bytes for a Close frame, without consuming the messages before it.

        Each call inspects the headers of a bounded number of frames, and continues where the last call ended.

        Returns:
            The payload of the Close frame; None if none was found.
        """
        buffer = self._buffer
        found, position = find_close_frame(buffer, max(self._looked_at - self.parsed, 0))
        self._looked_at = self.parsed + position
        if found is None:
            return None
        return apply_mask(bytes(buffer[found]), bytes(buffer[found.start - 4 : found.start]))

    def discard(self) -> bool:
        """Stop delivering messages; deliver only control frames.

        Returns:
            As `feed`.
        """
        if self._delivered is None:
            self._delivered = self._read
            self.messages = deque(maxlen=0)
            if self.inflater is not None:
                self.inflater.discard()
            self._max_messages = self._max_bytes = sys.maxsize
        # An error need not be reported to the peer: a Close frame is on its way.
        with contextlib.suppress(FrameError):
            return self.resume()
        return False

    def finish(self) -> None:
        """Ignore all further input, and release the buffers."""
        self.finished = True
        self._release()
        self._fragments = self._decoder = None
        self._fragment_held = 0

    def _refuse_text(self) -> NoReturn:
        self.finish()
        raise FrameError(CloseCode.INVALID_DATA, "text is not valid UTF-8") from None

    def _grow(self, size: int) -> None:
        """Say when so much more is held that it should be known."""
        self._grown += size
        if self._grown >= self.step:
            self._grown = 0
            self.owner.on_growth()

    def _read_frame(self, data: Buffer, position: int, end: int) -> int:
        """Read one frame of any kind that begins at `position`.

        Returns the position after it; `position` itself if the frame is incomplete, with `_missing` set to the length
        that `data` must reach.
        """
        first = data[position]
        opcode = first & 0x0F
        self._check_first(first, opcode)
        if end - position < 2:
            self._missing = position + 2
            return position
        second = data[position + 1]
        length = second & 0x7F
        if not second & MASKED:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "frame from a client is not masked")
        start = position + 6
        if opcode >= OP_CLOSE:
            if length > MAX_CONTROL_PAYLOAD:
                raise FrameError(CloseCode.PROTOCOL_ERROR, "control frame with more than 125 bytes")
        elif length >= LENGTH_16:
            start += 2 if length == LENGTH_16 else 8
            if end < start - 4:
                self._missing = start - 4
                return position
            length = _long_length(data[position + 2 : start - 4])
        # The inflater of this frame, if it is compressed; a continuation follows the first frame of its message.
        inflater = self.inflater if first & RSV1 or (self._compressed and opcode == OP_CONTINUATION) else None
        allowed = self._max_message_size if inflater is None else inflater.max_wire_size
        if opcode < OP_CLOSE and self._fragment_size + length > allowed:
            raise FrameError(CloseCode.MESSAGE_TOO_BIG, f"message over {allowed} bytes")
        stop = start + length
        if stop > end:
            self._missing = stop
            return position
        with memoryview(data) as view:
            payload = apply_mask(view[start:stop], data[start - 4 : start])
        if opcode >= OP_CLOSE:
            self.finished = opcode == OP_CLOSE
            self._turn_frames -= 1
            self.owner.on_control(opcode, payload)
            return stop
        if not first & FIN or self._fragments is not None:
            self._count_fragment(length)
        if not first & FIN:
            self._turn_frames -= 1
        if inflater is not None:
            self._compressed = not first & FIN
            payload = inflater.inflate(payload, final=not self._compressed)
            inflated = max(len(payload) - length, 0)
            self._last_byte -= inflated
            self._turn_bytes -= inflated
        self._take_data(first, opcode, payload)
        if inflater is not None:
            self._grow(inflated)
        return stop

    def _check_first(self, first: int, opcode: int) -> None:
        """Check the first byte of a frame: reserved bits, opcode, its place among fragments (RFC 6455, 5.2 to 5.4)."""
        if first & RSV and (first & RSV != RSV1 or self.inflater is None):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "reserved bit without an extension")
        if first & RSV1 and opcode not in (OP_TEXT, OP_BINARY):
            raise FrameError(
                CloseCode.PROTOCOL_ERROR, "reserved bit of compression on a frame other than the first of a message"
            )
        if opcode not in _KNOWN_OPCODES:
            raise FrameError(CloseCode.PROTOCOL_ERROR, f"reserved opcode {opcode:#x}")
        if opcode >= OP_CLOSE:
            if not first & FIN:
                raise FrameError(CloseCode.PROTOCOL_ERROR, "fragmented control frame")
        elif opcode == OP_CONTINUATION:
            if self._fragments is None:
                raise FrameError(CloseCode.PROTOCOL_ERROR, "continuation without a message to continue")
        elif self._fragments is not None:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "new message inside a fragmented message")

    def _count_fragment(self, length: int) -> None:
        """Count the frames and bytes of a fragmented message."""
        self._fragment_count += 1
        if self._fragment_count > self._max_fragments:
            raise FrameError(CloseCode.MESSAGE_TOO_BIG, f"message in more than {self._max_fragments} fragments")
        self._fragment_size += length

    def _take_data(self, first: int, opcode: int, payload: bytes) -> None:
        """Deliver a complete message, or keep a fragment."""
        if first & FIN and self._fragments is None:
            self.messages.append(payload.decode() if opcode == OP_TEXT else payload)
            self._read += 1
            return
        if self._fragments is None:
            self._fragments = []
            self._decoder = _new_utf8_decoder() if opcode == OP_TEXT else None
        # A text is decoded fragment by fragment, so that invalid UTF-8 ends the connection as soon as it is detected.
        decoder = self._decoder
        piece = payload if decoder is None else decoder.decode(payload, bool(first & FIN))
        self._fragments.append(piece)  # type: ignore[arg-type]
        size = sys.getsizeof(piece)
        self._fragment_held += size
        self._grow(size)
        if first & FIN:
            pieces = self._fragments
            self.messages.append((b"" if decoder is None else "").join(pieces))  # type: ignore[arg-type]
            self._read += 1
            self._fragments = None
            self._decoder = None
            self._fragment_count = 0
            self._fragment_size = 0
            self._fragment_held = 0


def _long_length(field: Buffer) -> int:
    """Read a length of 16 or 64 bits (RFC 6455, 5.2): in its shortest form, with its highest bit clear."""
    length = int.from_bytes(field, "big")
    if len(field) == 2:
        if length < LENGTH_16:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "length not in its shortest form")
    elif length >> 63:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "length with its highest bit set")
    elif length < 0x10000:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "length not in its shortest form")
    return length
