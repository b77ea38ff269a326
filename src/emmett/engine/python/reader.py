"""The straight path of the frame reader: whole messages in one masked frame each, many in one read.

`_native/reader.c` is the same in C. `emmett.wire.frames.FrameReader` adds all other frames, and explains the fields.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, MutableSequence
from typing import NoReturn

from ...errors import FrameError
from ..header import FIN, LENGTH_16, MASKED, OP_BINARY, OP_TEXT
from ..masking import apply_mask

Buffer = bytes | bytearray

_FINAL_TEXT = FIN | OP_TEXT
_FINAL_BINARY = FIN | OP_BINARY
_MASKED_16 = MASKED | LENGTH_16

TakeApart = Callable[[Buffer, int], tuple[Buffer, Buffer]]
_TAKE_APART: tuple[TakeApart, ...] = tuple(struct.Struct(f"4s{length}s").unpack_from for length in range(LENGTH_16))
# Subtracted from the second byte of a small frame, this gives the length of the frame: the mask bit, minus two bytes of
# header and four of masking key.
_SMALL_FRAME = MASKED - 6


@functools.lru_cache(maxsize=128)
def _small_frames(max_message_size: int) -> tuple[TakeApart | None, ...]:
    """Return, for each value of a frame's second byte, the function that reads the masking key and payload after it.

    The entry is None if the frame is not masked, has a longer length field or exceeds `max_message_size` bytes. One
    call instead of two slices saves a tenth of the cost of parsing.
    """
    allowed = min(LENGTH_16 - 1, max_message_size)
    readers = [_TAKE_APART[length] if length <= allowed else None for length in range(LENGTH_16)]
    return (*(None for _ in range(MASKED)), *readers, None, None)


class BaseReader:
    """Reads the messages of a connection, as far as nearly every message goes.

    A subclass sets the fields, and provides `_read_frame`, `_refuse_text`, `_grow` and `finish`.
    """

    __slots__ = (
        "_buffer",
        "_fragments",
        "_grown",
        "_last_byte",
        "_max_bytes",
        "_max_message_size",
        "_max_messages",
        "_missing",
        "_read",
        "_small_frames",
        "_turn_bytes",
        "_turn_frames",
        "finished",
        "messages",
        "parsed",
        "step",
    )

    messages: MutableSequence[str | bytes]
    parsed: int
    finished: bool
    step: int
    _buffer: Buffer
    _fragments: list[str] | list[bytes] | None
    _grown: int
    _last_byte: int
    _max_bytes: int
    _max_message_size: int
    _max_messages: int
    _missing: int
    _read: int
    _turn_bytes: int
    _turn_frames: int

    def __init__(self) -> None:
        # An empty buffer is not a bytearray, which would cost memory in idle connections.
        self._buffer = b""
        self._small_frames: tuple[TakeApart | None, ...] | None = None

    def feed(self, data: Buffer) -> bool:
        """Parse the data of one read.

        Returns:
            Whether frames are held back because `messages` has no room or the turn is over. `resume` continues.

        Raises:
            FrameError: the peer violated RFC 6455; the earlier messages are in `messages`.
        """
        if self.finished:
            self.parsed += len(data)
            if self.parsed >= self._turn_bytes:
                self._turn_frames = self._read
            return self._read >= self._turn_frames
        if self._buffer:
            self._buffer += data
            self._grown += len(data)
            if self._grown >= self.step:
                self._grow(0)
            return self.resume()
        taken = self._parse(data)
        if taken == len(data):
            return False
        self._buffer = bytearray(memoryview(data)[taken:])
        self._grown += len(data) - taken
        if self._grown >= self.step:
            self._grow(0)
        return not self._missing

    def resume(self) -> bool:
        """Parse the held-back bytes, now that `messages` has room again.

        Returns, raises: as `feed`.
        """
        buffer = self._buffer
        if not isinstance(buffer, bytearray) or len(buffer) < self._missing:
            return False
        self._missing = 0
        del buffer[: self._parse(buffer)]
        if not buffer:
            self._buffer = b""
            return False
        return not self._missing

    @property
    def spent(self) -> bool:
        """Whether the work of a turn is done: nothing is parsed until `begin_turn`."""
        return self._read >= self._turn_frames

    @property
    def unparsed(self) -> int:
        """Received bytes that wait to be parsed."""
        return len(self._buffer)

    def _parse(self, data: Buffer) -> int:
        """Parse complete frames from `data` while there is room; return the number of bytes used."""
        messages = self.messages
        count = len(messages)
        parsed = self.parsed
        if not count:
            self._last_byte = parsed + self._max_bytes
        read = self._read
        # The limit of `read`.
        limit = read + self._max_messages - count
        if limit > self._turn_frames:
            limit = self._turn_frames
        last = self._last_byte - parsed
        end = len(data)
        position = 0
        small_frames = self._small_frames
        if small_frames is None:
            small_frames = self._small_frames = _small_frames(self._max_message_size)
        try:
            while True:
                # The fast path: complete messages in one masked frame of up to 64 KiB each. Every line here adds to the
                # cost of each message (`make bench-guard`); `_read_frame` checks all other frames. The loop ends by
                # `break` because CPython 3.11 specializes a comparison only if the jump after it is short.
                if self._fragments is None:
                    ready = end - 6
                    if ready >= last:
                        ready = last - 1
                    while True:
                        if position > ready or read >= limit:
                            break
                        first = data[position]
                        if first != _FINAL_TEXT and first != _FINAL_BINARY:
                            break
                        second = data[position + 1]
                        take_apart = small_frames[second]
                        if take_apart is not None:
                            stop = position + second - _SMALL_FRAME
                            if stop > end:
                                break
                            key, masked = take_apart(data, position + 2)
                        elif second == _MASKED_16 and position + 8 <= end:
                            size = data[position + 2] << 8 | data[position + 3]
                            stop = position + 8 + size
                            if not LENGTH_16 <= size <= self._max_message_size or stop > end:
                                break
                            key, masked = data[position + 4 : position + 8], data[position + 8 : stop]
                        else:
                            break
                        payload = apply_mask(masked, key)
                        messages.append(payload.decode() if first == _FINAL_TEXT else payload)
                        position = stop
                        read += 1
                if position >= end or read >= limit or (position >= last and messages):
                    return position
                self._read = read
                stop = self._read_frame(data, position, end)
                if stop == position:
                    self._missing -= position
                    return position
                position = stop
                if self.finished:
                    return end
                read = self._read
                last = self._last_byte - parsed
                limit = min(read + self._max_messages - len(messages), self._turn_frames)
                if position >= self._turn_bytes - parsed:
                    limit = read
        except UnicodeDecodeError:
            self._refuse_text()
        except FrameError:
            self.finish()
            raise
        finally:
            self._read = read
            self.parsed = parsed = parsed + position
            if parsed >= self._turn_bytes:
                self._turn_frames = read

    def _release(self) -> None:
        """Release the unparsed bytes."""
        self._buffer = b""

    # Provided by the subclass.

    def finish(self) -> None:
        """Ignore all further input, and release the buffers."""
        raise NotImplementedError

    def _read_frame(self, data: Buffer, position: int, end: int) -> int:
        """Read one frame of any kind that begins at `position`, and return where it ends."""
        raise NotImplementedError

    def _refuse_text(self) -> NoReturn:
        """Raise the error for a text that is not valid UTF-8."""
        raise NotImplementedError

    def _grow(self, size: int) -> None:
        """Note that so much more memory is held."""
        raise NotImplementedError
