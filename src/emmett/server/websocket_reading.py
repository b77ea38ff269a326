"""The incoming side: data from the transport becomes messages in the inbox, as fast as the handler takes them.

Reading pauses when a read brings more than the inbox has room for and the handler is busy. It also pauses when one
connection has done the work of a turn: uvloop reads up to 32 times before it serves other connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Protocol

from ..config import WebsocketSettings
from ..engine import BaseReading
from ..errors import FrameError
from ..websockets.inbox import Inbox
from ..wire.frames import OP_PING, FrameReader
from ..wire.inflater import Inflater

# The sweep lets a paused connection read, one read at a time, up to this number of unparsed bytes. This reveals Pongs,
# the Close frame and the end of a peer even while the handler takes no messages.
READ_AHEAD = 64 * 1024


class ReadConnection(Protocol):
    """The connection that is read."""

    def on_control(self, opcode: int, payload: bytes) -> None:
        """Process a Pong or a Close frame, in its place among the messages.

        Raises:
            FrameError: the frame is invalid.
        """

    def on_ping(self, payload: bytes) -> None:
        """Process the latest Ping of a read, after all of the read is parsed (RFC 6455, 5.5.3)."""

    def on_fault(self, error: FrameError) -> None:
        """Handle a protocol error of the peer, after which all input is ignored."""

    def on_caught_up(self) -> None:
        """Note that all held-back bytes are parsed, although reading is paused or the transport is gone."""

    def on_growth(self) -> None:
        """What is held has grown by a step."""


class Reading(BaseReading):
    """The incoming data of one connection.

    Arguments:
        loop: the event loop.
        transport: the transport to read from.
        settings: the limits.
        connection: the connection, until `release`.
        step: bytes by which what is held grows before the connection learns of it.
    """

    __slots__ = (
        "_loop",
        "_noted",
        "_transport",
        "_turn_planned",
        "choked",
    )

    reader: FrameReader
    _connection: ReadConnection

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        settings: WebsocketSettings,
        connection: ReadConnection,
        step: int,
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._connection = connection
        self.inbox = Inbox(loop, self)
        self.reader = FrameReader(
            self.inbox.messages,
            self,
            max_message_size=settings.max_message_size,
            max_fragments=settings.fragment_limit,
            max_messages=settings.inbox_messages,
            max_bytes=settings.inbox_bytes,
        )
        self.reader.step = step
        # Bytes parsed when growth was last reported to the connection.
        self._noted = 0
        # Data received before the handshake was answered; None afterwards.
        self._early = ()
        # The payload of the latest Ping, until it is answered.
        self._ping = None
        # Whether further messages are delivered to the handler.
        self._wanted = True
        # Whether the peer has hung up while the transport may still have unread data.
        self._rest_expected = False
        # Whether the next turn of this connection is scheduled.
        self._turn_planned = False
        self.paused = False
        # Whether reading is paused because the process holds too much.
        self.choked = False
        # Whether data has arrived since the last check. A flag instead of a time, because every read sets it.
        self.heard = False
        # Whether the transport is gone.
        self.lost = False

    def inflate(self, inflater: Inflater) -> None:
        """Inflate messages from now on."""
        self.reader.inflater = inflater

    def keep_early(self, data: bytes) -> None:
        """Keep the data of a read before the handshake is answered, and pause reading."""
        if self._early is not None:
            self._early += (data,)
            self.pause()
            self._connection.on_growth()

    def begin(self) -> None:
        """Deliver the early data after the handshake was accepted, and resume reading."""
        early, self._early = self._early, None
        self.resume()
        for data in early or ():
            self.take(data)

    def forget(self) -> None:
        """The handshake was refused: nothing counts that has come or comes."""
        self.choked = False
        self._early = None
        self._wanted = False
        self.reader.finished = True

    def discard(self) -> None:
        """Deliver no more messages: from now on only control frames count."""
        self.choked = False
        self._wanted = False
        self.inbox.held_back = False
        if self.reader.discard():
            self._plan_turn()
        self.resume()

    def expect_rest(self) -> None:
        """Read the remaining data of a peer that has hung up, as the handler takes it."""
        self._rest_expected = True
        self.inbox.held_back = True

    def lose(self) -> None:
        """Deliver the received data as the handler takes it, after the transport is gone."""
        self.lost = True
        self._rest_expected = False
        self._hold_back_rest()
        if not self.inbox.held_back:
            # The rest of an incomplete message will never come.
            self.reader.finish()
        self.inbox.wake()

    def _hold_back_rest(self) -> None:
        if not self._wanted or self._early is not None or self.reader.finished:
            self.inbox.held_back = False
            return
        # There is no peer any more to report an error to.
        with contextlib.suppress(FrameError):
            self.inbox.held_back = self.reader.resume()
            if self.reader.spent:
                self._plan_turn()
            return
        self.inbox.held_back = False

    def release(self) -> None:
        """Release the connection, which would otherwise wait for the garbage collector."""
        self._connection = _NOBODY
        self.inbox.owner = self.reader.owner = _NOBODY

    def held(self) -> int:
        """Return the bytes of memory that what has come takes."""
        early = sum(map(len, self._early)) if self._early else 0
        return early + self.reader.held + sum(map(sys.getsizeof, self.inbox.messages))

    def choke(self) -> None:
        """Read no more until `unchoke`, whatever else asks for it."""
        if self._wanted:
            self.choked = True
            self.pause()

    def unchoke(self) -> None:
        """Read on, unless the inbox is full."""
        self.choked = False
        if not self.inbox.held_back and not self._early:
            self.resume()

    def shed(self) -> None:
        """Forget all that has come: the process holds too much."""
        self._early = None
        self._wanted = self._rest_expected = self.inbox.held_back = False
        self.reader.finish()
        self.inbox.messages.clear()
        self.inbox.wake()

    def read_ahead(self) -> bool:
        """Resume for one read although the handler takes nothing; return False if too much data is unparsed."""
        waiting = self.reader.unparsed if self._early is None else sum(map(len, self._early))
        if self.choked or waiting >= READ_AHEAD:
            return False
        self.resume()
        return True

    def pause(self) -> None:
        """Pause reading."""
        if not self.paused and not self.lost:
            self.paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self.paused and not self.lost and not self.choked:
            self.paused = False
            self._transport.resume_reading()

    def on_growth(self) -> None:
        """See `ReaderOwner.on_growth`."""
        self._connection.on_growth()

    def on_unclaimed(self) -> None:
        """See `InboxOwner.on_unclaimed`. A byte of a text may take four in memory."""
        if (self.reader.parsed - self._noted) * 4 >= self.reader.step:
            self._noted = self.reader.parsed
            self._connection.on_growth()

    def on_control(self, opcode: int, payload: bytes) -> None:
        """See `ReaderOwner.on_control`."""
        if opcode == OP_PING:
            self._ping = payload
        else:
            # No frame may follow the answer to a Close frame.
            self._answer_ping()
            self._connection.on_control(opcode, payload)

    def _answer_ping(self) -> None:
        payload, self._ping = self._ping, None
        if payload is not None:
            self._connection.on_ping(payload)

    def _hold_back(self) -> None:
        """Handle a read with more data than may be parsed now."""
        self.inbox.held_back = self._wanted and not self.reader.finished
        if self.reader.spent:
            if self._turn_planned:
                # The loop would continue reading without a turn for other connections.
                self.pause()
            else:
                self._plan_turn()
        elif not self.inbox.awaited:
            # A waiting handler takes the messages before the next read; a busy one does not.
            self.pause()

    def _plan_turn(self) -> None:
        if not self._turn_planned:
            self._turn_planned = True
            self._loop.call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        self._turn_planned = False
        self.reader.begin_turn()
        self._go_on()

    def _fail(self, error: FrameError) -> None:
        self._answer_ping()
        self.inbox.held_back = False
        self._connection.on_fault(error)
        self.inbox.wake()


def _do_nothing(*_: object) -> None:
    pass


class _Nobody:
    """A placeholder for a connection that has ended, and for the owner of its reader and inbox."""

    on_control = on_ping = on_fault = on_caught_up = on_growth = refill = on_unclaimed = staticmethod(_do_nothing)


_NOBODY = _Nobody()
