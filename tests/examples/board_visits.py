"""Visitors of the notice board: their names, and how they fill in forms."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import msgspec

from emmett.testing import AsyncTestClient
from emmett.testing.response import TestResponse
from emmett.testing.streamed_response import StreamedResponse
from emmett.testing.websocket import TestWebsocket
from examples.board.app import app

PASSWORDS = {"ada": "analytical engine", "grace": "nanosecond"}
# The smallest possible picture: one transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000020001e221bc330000"
    "000049454e44ae426082"
)


class _HiddenFields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"] or ""] = given["value"] or ""


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's forms: the CSRF token."""
    parser = _HiddenFields()
    parser.feed(page)
    assert parser.fields, page
    return parser.fields


async def try_password(client: AsyncTestClient, user: str, password: str) -> TestResponse:
    """Fill in the form of the login."""
    fields = hidden_fields((await client.get("/login")).text)
    return await client.post("/login", data={"user": user, "password": password, **fields})


async def log_in(client: AsyncTestClient, user: str = "ada") -> dict[str, str]:
    """Log in, and return the hidden fields of the board's forms."""
    answer = await try_password(client, user, PASSWORDS[user])
    assert (answer.status, answer.headers["location"]) == (303, "/"), answer.text
    page = await client.get("/")
    assert page.status == 200
    return hidden_fields(page.text)


@contextlib.asynccontextmanager
async def visit(user: str = "ada") -> AsyncIterator[tuple[AsyncTestClient, dict[str, str]]]:
    """Start the board, and log a visitor in. Return the client and the hidden fields."""
    async with app.test_client_async() as client:
        yield client, await log_in(client, user)


async def hear(websocket: TestWebsocket, kind: str = "notice") -> dict[str, Any]:
    """Return the next message of a kind."""
    while True:
        message: dict[str, Any] = msgspec.json.decode(await websocket.receive())
        if message["type"] == kind:
            return message


class Events:
    """The events of `/events`, as a browser reads them.

    Arguments:
        response: the response.

    Attributes:
        last_id: the ID that a reconnecting browser sends in Last-Event-ID.
    """

    def __init__(self, response: StreamedResponse) -> None:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        self._lines = response.lines()
        self.last_id = ""

    async def next(self, kind: str = "notice") -> dict[str, Any] | None:
        """Return the next message of a kind; None at the end of the stream."""
        async for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "id":
                self.last_id = value
            if field == "data" and (message := msgspec.json.decode(value))["type"] == kind:
                found: dict[str, Any] = message
                await anext(self._lines)
                return found
        return None
