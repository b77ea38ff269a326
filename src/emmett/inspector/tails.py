"""Tails: a sample of the messages of one connection or channel, for as long as someone is watching."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ..rare_log import RareLog
from .answers import TailedMessage, TailNews

# The most messages that a tail reports in one interval; further ones are only counted.
MAX_MESSAGES = 25
# Seconds between two reports of a tail.
INTERVAL = 0.25
# The most characters of a text, and bytes of a binary message, that a tail shows.
MAX_PAYLOAD = 1000
# The most tails in one process.
MAX_TAILS = 32
# Seconds until a tail ends if it is not renewed.
LEASE = 15.0

_log = RareLog(logging.getLogger("emmett.inspector"))

Deliver = Callable[[TailNews], None]
Data = str | bytes | bytearray | memoryview


class MessageSampler:
    """Collects messages, and reports a bounded number of them at intervals, with the number of further ones.

    Arguments:
        tail: the name of the tail.
        payloads: whether to report payloads.
        deliver: called with the news.
        loop: the event loop.
    """

    def __init__(self, tail: str, payloads: bool, deliver: Deliver, loop: asyncio.AbstractEventLoop) -> None:
        self.payloads = payloads
        self._tail = tail
        self._deliver = deliver
        self._loop = loop
        self._messages: list[TailedMessage] = []
        self._skipped = 0
        self._timer: asyncio.TimerHandle | None = None

    def note(self, message: Data, direction: str, is_hidden: bool = False) -> None:
        """Note a message.

        Arguments:
            message: the message.
            direction: "received", "sent" or "published".
            is_hidden: whether its payload is not reported in any case.
        """
        if self._timer is None:
            self._timer = self._loop.call_later(INTERVAL, self.report)
        if len(self._messages) < MAX_MESSAGES:
            self._messages.append(describe_message(message, direction, self.payloads and not is_hidden, time.time()))
        else:
            self._skipped += 1

    def report(self, ended: str = "") -> None:
        """Report the messages since the last report.

        Arguments:
            ended: why the tail has ended; empty if it has not.
        """
        self.stop()
        messages, self._messages = self._messages, []
        skipped, self._skipped = self._skipped, 0
        self._deliver(TailNews(self._tail, messages, skipped, ended))

    def stop(self) -> None:
        """Cancel the next report, until another message is noted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@dataclass(slots=True, eq=False)
class Tap:
    """A tapped connection, and its tails by name.

    Attributes:
        remove: removes the tap from the connection.
        samplers: the tails.
    """

    remove: Callable[[], None]
    samplers: dict[str, MessageSampler] = field(default_factory=dict)

    def note(self, message: Data, is_received: bool) -> None:
        """Note a message of the connection, on all tails."""
        for sampler in self.samplers.values():
            try:
                sampler.note(message, "received" if is_received else "sent")
            except Exception as error:
                # It runs where the application sends and receives, which must not fail by it.
                _log.warn("a tail of the inspector failed on a message: %r", error)


class TappableWebsocket(Protocol):
    """The methods of a websocket that a tail needs; see `Websocket.tap`."""

    def tap(self, report: Callable[[Data, bool], None], /) -> None:
        """Begin to report each message."""

    def untap(self) -> None:
        """Stop reporting messages."""


class Tails:
    """The tails on the connections of this process.

    Arguments:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._taps: dict[int, Tap] = {}
        # The connection of each tail, and the timer that ends the tail.
        self._leases: dict[str, tuple[int, asyncio.TimerHandle]] = {}

    def __len__(self) -> int:
        return len(self._leases)

    def watch(self, number: int, websocket: TappableWebsocket, tail: str, payloads: bool, deliver: Deliver) -> bool:
        """Begin or prolong a tail.

        Arguments:
            number: the number of the connection.
            websocket: the connection.
            tail: the name of the tail.
            payloads: whether to report payloads.
            deliver: called with the news.

        Returns:
            True; False if there are too many tails.
        """
        known = self._leases.get(tail)
        if known is not None and known[0] == number:
            known[1].cancel()
        elif known is not None or len(self._leases) >= MAX_TAILS:
            return False
        else:
            tap = self._taps.get(number)
            if tap is None:
                tap = self._taps[number] = Tap(websocket.untap)
                websocket.tap(tap.note)
            tap.samplers[tail] = MessageSampler(tail, payloads, deliver, self._loop)
        self._leases[tail] = (number, self._loop.call_later(LEASE, self.stop, tail))
        return True

    def stop(self, tail: str) -> None:
        """End a tail, and remove the tap if it was the connection's last one."""
        number, timer = self._leases.pop(tail, (0, None))
        if timer is None:
            return
        timer.cancel()
        tap = self._taps[number]
        tap.samplers.pop(tail).stop()
        if not tap.samplers:
            del self._taps[number]
            tap.remove()

    def end(self, number: int, reason: str) -> None:
        """Report that a connection has ended, and end its tails."""
        tap = self._taps.get(number)
        for tail, sampler in list(tap.samplers.items()) if tap is not None else ():
            sampler.report(reason)
            self.stop(tail)

    def stop_all(self) -> None:
        """End all tails."""
        for tail in list(self._leases):
            self.stop(tail)


def describe_message(message: Data, direction: str, payloads: bool, at: float) -> TailedMessage:
    """Return a message in the form of a tail.

    Arguments:
        message: the message.
        direction: "received", "sent" or "published".
        payloads: whether to show its payload.
        at: seconds since 1970.
    """
    kind = "text" if isinstance(message, str) else "binary"
    size = message.nbytes if isinstance(message, memoryview) else len(message)
    described = TailedMessage(round(at, 3), direction, kind, size)
    if payloads:
        described.is_cut = size > MAX_PAYLOAD
        if isinstance(message, str):
            # Lone surrogates cannot be encoded in UTF-8.
            described.payload = message[:MAX_PAYLOAD].encode("utf-8", "replace").decode()
        else:
            described.payload = bytes(memoryview(message).cast("B")[:MAX_PAYLOAD]).hex()
    return described
