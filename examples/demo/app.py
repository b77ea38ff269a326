"""The demo that `make run` serves: an echo, and a room in which everybody hears everybody.

Open its page in two windows and talk to yourself.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from pathlib import Path
from typing import Annotated

import msgspec

from emmett import App, Response, websocket

MAX_PEOPLE = 32
MAX_NAME = 24  # characters
MAX_TEXT = 500  # characters
MAX_HISTORY = 50  # messages that a newcomer is shown
MAX_WAITING = 128  # messages that wait for one member, who counts as too slow above that
PAUSE = 0.05  # seconds between two messages of one member: nobody can flood the room

app = App(__name__)
PAGE = Path(__file__).with_name("static").joinpath("index.html").read_text("utf-8")


@app.route("/")
async def index() -> Response:
    return Response(PAGE, content_type="text/html; charset=utf-8")


@app.websocket("/echo")
async def echo() -> None:
    while True:
        message = await websocket.receive()
        await websocket.send(message)


# What a visitor may send: {"type": "say", "text": "Hello"} and so on. msgspec checks every field.


class Say(msgspec.Struct, tag="say"):
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Typing(msgspec.Struct, tag="typing"):
    on: bool


class Rename(msgspec.Struct, tag="rename"):
    name: Annotated[str, msgspec.Meta(max_length=MAX_NAME)]


# What a member of the room is sent.


class Person(msgspec.Struct):
    id: int
    name: str
    typing: bool = False


class Said(msgspec.Struct, tag="said"):
    id: int
    name: str
    text: str
    at: float  # seconds since 1970


class Welcome(msgspec.Struct, tag="welcome"):
    you: int
    people: list[Person]
    history: list[Said]


class Joined(msgspec.Struct, tag="joined"):
    person: Person


class Changed(msgspec.Struct, tag="changed"):
    person: Person


class Left(msgspec.Struct, tag="left"):
    person: Person


FromMember = Say | Typing | Rename
ToMember = Welcome | Said | Joined | Changed | Left

parse = msgspec.json.Decoder(FromMember).decode


class TooSlow(Exception):
    """A member did not read what the others said."""


class Member:
    """A person in the room and what waits to be sent to them."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING)

    def put(self, text: str) -> bool:
        """Let a message wait for its turn; False when too many do, and the member is given up."""
        if not self._waiting.full():
            self._waiting.put_nowait(text)
            return True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)
        return False

    async def next(self) -> str:
        """Return the next message, once there is one."""
        text = await self._waiting.get()
        if text is None:
            raise TooSlow
        return text


class Room:
    """People who hear what each of them says. Telling them never waits for anybody."""

    def __init__(self) -> None:
        self.members: dict[int, Member] = {}
        self.history: deque[Said] = deque(maxlen=MAX_HISTORY)
        self._ids = itertools.count(1)

    @property
    def full(self) -> bool:
        return len(self.members) >= MAX_PEOPLE

    def join(self, name: object) -> Member:
        """Let somebody in, who may be called anything."""
        number = next(self._ids)
        person = Person(number, tidy(name) or f"Guest {number}")
        self.tell(Joined(person))
        member = self.members[number] = Member(person)
        people = [each.person for each in self.members.values()]
        member.put(to_json(Welcome(number, people, list(self.history))))
        return member

    def leave(self, member: Member) -> None:
        if self.members.pop(member.person.id, None):
            self.tell(Left(member.person))

    def take(self, member: Member, message: FromMember) -> None:
        """Act on what a member has sent."""
        person = member.person
        if person.id not in self.members:
            # Given up as too slow, and on the way out.
            return
        match message:
            case Say(text) if text.strip():
                person.typing = False
                said = Said(person.id, person.name, text.strip(), time.time())
                self.history.append(said)
                self.tell(said)
            case Typing(on) if on != person.typing:
                person.typing = on
                self.tell(Changed(person))
            case Rename(name) if tidy(name) not in ("", person.name):
                person.name = tidy(name)
                self.tell(Changed(person))

    def tell(self, message: ToMember) -> None:
        """Send a message to everybody. A member with too many messages waiting is removed."""
        text = to_json(message)
        slow = [member for member in self.members.values() if not member.put(text)]
        for member in slow:
            self.leave(member)


def tidy(name: object) -> str:
    """Return a name in one line, without characters that are not seen; empty when it is none."""
    if not isinstance(name, str):
        return ""
    words = "".join(letter if letter.isprintable() else " " for letter in name).split()
    return " ".join(words)[:MAX_NAME].strip()


def to_json(message: ToMember) -> str:
    return msgspec.json.encode(message).decode()


room = Room()


@app.websocket("/room", max_message_size=8 * 1024)
async def visit() -> None:
    await websocket.accept()
    if room.full:
        await websocket.close(1013, "the room is full")
        return
    member = room.join(websocket.query_params.name)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listen(member))
            tasks.create_task(speak(member))
    except* TooSlow:
        await websocket.close(1013, "you read too slowly")
    except* (ValueError, RecursionError):
        await websocket.close(1007, "this is no message for the room")
    finally:
        # Also when the visitor has gone: then `receive` or `send` has raised WebsocketClosed, which needs no handling.
        room.leave(member)


async def listen(member: Member) -> None:
    """Pass on what the member says."""
    while True:
        room.take(member, parse(await websocket.receive()))
        await asyncio.sleep(PAUSE)


async def speak(member: Member) -> None:
    """Tell the member what the others say. Each member has a task for it, so nobody waits for a slow one."""
    while True:
        await websocket.send(await member.next())
