"""An application with everything that documents describe, and the validators of documents."""

from __future__ import annotations

import dataclasses
import enum
import json
import subprocess
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypedDict

import msgspec
import pydantic

from emmett import App, Pipe
from tests.tools import NODE_FOLDER, tool


class Say(msgspec.Struct):
    """Something to say."""

    room: str
    text: str


class Said(msgspec.Struct):
    """Something that was said."""

    text: str
    number: int = 1


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Cat(msgspec.Struct, tag=True):
    name: str


class Dog(msgspec.Struct, tag=True):
    name: str
    friends: list[Cat | Dog] = []


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Person(pydantic.BaseModel):
    """Somebody."""

    name: str
    parent: Person | None = None


class Options(TypedDict, total=False):
    colour: Colour


class TokenPipe(Pipe):
    security: Mapping[str, str] | None = {"type": "http", "scheme": "bearer"}


class KeyPipe(Pipe):
    security: Mapping[str, str] | None = {"type": "apiKey", "in": "header", "name": "X-Key"}


def make_app() -> App:
    """Return the application."""
    app = App(__name__)
    calls = app.calls("/api/<str:room>", pipeline=[TokenPipe()])
    calls.emits(Said)

    @calls.method(
        limit="20/s", timeout=5, pipeline=[KeyPipe()], errors={423: "The room is locked.", 17: "Nobody listens."}
    )
    async def say(message: Say) -> Said:
        """Say something.

        Everybody in the room gets it.
        """
        return Said(message.text)

    @calls.method()
    async def add(a: int, b: int = 0, *, point: Point | None = None, options: Options) -> int:
        return a + b

    @calls.method("pets/find it")
    async def find(pet: Cat | Dog, owner: Person) -> dict[str, list[Person]]:
        return {pet.name: [owner]}

    @calls.method()
    async def answer(prompt: str) -> AsyncIterator[Said]:
        """Answer in parts."""
        yield Said(prompt)

    @calls.event()
    async def typing(name: str) -> None:
        """Announce that somebody types."""

    @app.websocket("/chat(/<int:number>)?", receives=Say | str, sends=Said)
    async def chat(number: int | None) -> None:
        """Talk to everybody."""

    @app.websocket("/plain")
    async def plain() -> None:
        pass

    @app.route("/posts/<date:day>/<alpha:name>.html", errors={410: "It is gone.", 404: "There is none."})
    async def post(day: object, name: str) -> str:
        """Show a post.

        It is written in Markdown.
        """
        return name

    admin = app.module(__name__, "admin", url_prefix="admin", hostname="admin.example")

    @admin.route("/", methods=["get"], pipeline=[KeyPipe()])
    async def index() -> str:
        return ""

    return app


def read_asyncapi(*documents: dict[str, Any]) -> list[Any]:
    """Return the results of the official AsyncAPI parser for each document. The test needs the tool `asyncapi`."""
    run = subprocess.run(
        [tool("asyncapi"), "asyncapi.mjs"],
        cwd=NODE_FOLDER,
        input=json.dumps([json.dumps(document) for document in documents]),
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    found: list[Any] = json.loads(run.stdout)
    return found
