"""The feed: who hears what is put on the board, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Protocol

import msgspec

from emmett import Websocket, WebsocketClosed

from .board import MAX_NOTICES, Board, Notice

MAX_READERS = 500
MAX_WAITING = 2 * MAX_NOTICES  # messages that wait for one reader of `/events`, who counts as too slow above that


class People(msgspec.Struct, tag="people"):
    """Who reads the feed now."""

    names: list[str]


Message = Notice | People


def encode(message: Message) -> str:
    """Return what both kinds of readers get: the same JSON."""
    return msgspec.json.encode(message).decode()


class Full(Exception):
    """There are as many readers as there may be."""


class TooSlow(Exception):
    """A reader has gone, or does not keep up."""


class Reader(Protocol):
    """Somebody who hears the feed."""

    name: str
    login: str  # which login it belongs to; random

    def send(self, message: Message) -> None:
        """Take a message without waiting; raises `TooSlow` when that cannot be."""

    def end(self) -> None:
        """The login has ended."""


class SocketReader:
    """A reader with a websocket."""

    def __init__(self, name: str, login: str, socket: Websocket) -> None:
        self.name = name
        self.login = login
        self._socket = socket

    def send(self, message: Message) -> None:
        try:
            self._socket.send_nowait(encode(message))
        except WebsocketClosed:
            # Its handler notices too, and ends.
            raise TooSlow from None

    def end(self) -> None:
        """Nothing to do: the end of a session closes its websockets."""


class StreamReader:
    """A reader of server-sent events: what it has not been sent yet waits in a queue, `None` at its end."""

    def __init__(self, name: str, login: str) -> None:
        self.name = name
        self.login = login
        self._waiting: asyncio.Queue[Message | None] = asyncio.Queue(MAX_WAITING)
        self.next = self._waiting.get

    def send(self, message: Message) -> None:
        if self._waiting.full():
            # The browser comes back, and asks for what it has missed.
            self.end()
            raise TooSlow
        self._waiting.put_nowait(message)

    def end(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)


class Feed:
    """Send it to all readers. It never waits for one: a slow reader delays nobody else."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._readers: set[Reader] = set()

    @property
    def is_full(self) -> bool:
        return len(self._readers) >= MAX_READERS

    @property
    def names(self) -> list[str]:
        return sorted({reader.name for reader in self._readers})

    @contextlib.contextmanager
    def telling(self, reader: Reader, after: int) -> Iterator[None]:
        """Tell a reader what was put up after a notice, then everything else, as long as the block runs.

        Raises:
            Full: there are too many readers.
        """
        if self.is_full:
            raise Full
        names = self.names
        self._readers.add(reader)
        try:
            for notice in self._board.after(after):
                self._tell(reader, notice)
            if self.names == names:
                self._tell(reader, People(names))
            self._tell_names(names)
            yield
        finally:
            self._leave(reader)

    def tell(self, message: Message) -> None:
        """Send a message to everybody."""
        names = self.names
        for reader in list(self._readers):
            self._tell(reader, message)
        self._tell_names(names)

    def end(self, login: str) -> None:
        """End what was opened with a login."""
        for reader in list(self._readers):
            if reader.login == login:
                reader.end()

    def _tell(self, reader: Reader, message: Message) -> None:
        try:
            reader.send(message)
        except TooSlow:
            self._readers.discard(reader)

    def _leave(self, reader: Reader) -> None:
        names = self.names
        self._readers.discard(reader)
        self._tell_names(names)

    def _tell_names(self, before: list[str]) -> None:
        """Tell who reads, if that has changed."""
        if self.names != before:
            self.tell(People(self.names))
