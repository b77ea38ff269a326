"""What people say: its form, its bounds, and how fast it may come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

MAX_NAME = 24  # characters
MAX_TEXT = 1000  # characters
RATE = 5.0  # messages a second that one connection may send
BURST = 20.0  # messages that it may send at once after a pause


class Said(msgspec.Struct):
    """What the page sends. It makes up the id: what it sends twice, for want of an answer, is shown once."""

    id: Annotated[str, msgspec.Meta(pattern=r"\A[\w-]{8,40}\Z")]
    text: str


class Person(msgspec.Struct):
    """Who has said it.

    Fields:
        id: theirs alone, known to all.
        name: as they call themselves; others may have the same.
    """

    id: str
    name: str


class Message(msgspec.Struct):
    """What is published to a room."""

    id: str
    by: Person
    text: str
    at: float  # seconds since 1970


class Refused(Exception):
    """A message that is not published; `answer` is what its sender gets: the id, if there is one, and the reason."""

    def __init__(self, text: str, **more: Any) -> None:
        super().__init__(text)
        self.answer = {"text": text, "id": None, **more}


_decode = msgspec.json.Decoder(Said).decode
_encode = msgspec.json.Encoder().encode


def encode(message: Message) -> str:
    return _encode(message).decode()


def parse(frame: str | bytes) -> Said:
    """Read what a page has sent.

    Raises:
        Refused: it is of another form, empty or too long.
    """
    try:
        said = _decode(frame)
    except (ValueError, RecursionError):
        raise Refused("That is no message for the room.") from None
    said.text = tidy_text(said.text)
    if not said.text:
        raise Refused("There is nothing in this message.", id=said.id)
    if len(said.text) > MAX_TEXT:
        raise Refused(f"A message has at most {MAX_TEXT} characters; this one has {len(said.text)}.", id=said.id)
    return said


def tidy_text(text: str) -> str:
    """Leave out what is not seen, but for line breaks and what joins emoji and letters."""
    kept = "".join(letter for letter in text if letter.isprintable() or letter in "\n\u200c\u200d")
    return kept.strip()


def tidy_name(name: object) -> str:
    """Return a name in one line, without characters that are not seen; empty when it is none."""
    if not isinstance(name, str):
        return ""
    words = "".join(letter if letter.isprintable() else " " for letter in name).split()
    return " ".join(words)[:MAX_NAME].strip()


class Bucket:
    """How fast one connection may send: a bucket of tokens that fills with time.

    Arguments:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens = BURST
        self._at = clock()

    def take(self, said: Said) -> None:
        """Take a token for a message.

        Raises:
            Refused: there is none.
        """
        now = self._clock()
        self._tokens = min(BURST, self._tokens + (now - self._at) * RATE)
        self._at = now
        if self._tokens < 1:
            raise Refused("That was too fast. Wait a moment, then send it again.", id=said.id)
        self._tokens -= 1
