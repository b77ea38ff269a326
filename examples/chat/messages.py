"""What people say, and what they hear: forms and bounds."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from emmett.channels import Kind, Publication, as_json
from emmett.errors import CallError

MAX_NAME = 24  # characters
MAX_TEXT = 1000  # characters
RATE = "20/4s"  # messages of one connection: twenty at once, and five more each second


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


class Welcome(msgspec.Struct):
    """What a page gets when it has entered a room.

    Fields:
        since: where to go on from, as long as nothing was said.
        recovered: whether everything that was missed will come; None for a new page.
        people: who is here.
        node: what the process is called, where there are several.
    """

    since: str
    recovered: bool | None
    people: list[dict[str, Any]]
    node: str


_encode = msgspec.json.Encoder().encode


def encode(message: Message) -> str:
    return _encode(message).decode()


def as_published(publication: Publication) -> str:
    """Return the event `published`: a message, a join, a leave or a gap."""
    if publication.kind in (Kind.JOIN, Kind.LEAVE):
        member = msgspec.json.decode(publication.data)
        person = as_person(member["member"], member["info"])
        position = None if publication.position is None else str(publication.position)
        params = _encode({"type": publication.kind.value, "data": person, "position": position}).decode()
    else:
        params = as_json(publication)
    return f'{{"jsonrpc":"2.0","method":"published","params":{params}}}'


def as_person(member: str, info: Any) -> dict[str, str]:
    """Return a member of a room for the pages.

    The member of an SDK is one of its connections, and its info says whose that is.
    """
    info = info or {}
    if "client" in info:
        return {"member": member, "id": info["user"], "name": (info.get("conn_info") or {}).get("name", "")}
    return {"member": member, "id": member, "name": info.get("name", "")}


def checked_text(text: str) -> str:
    """Return a text as it is published.

    Raises:
        CallError: it is empty or too long.
    """
    text = tidy_text(text)
    if not text:
        raise CallError(422, "There is nothing in this message.")
    if len(text) > MAX_TEXT:
        raise CallError(422, f"A message has at most {MAX_TEXT} characters; this one has {len(text)}.")
    return text


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
