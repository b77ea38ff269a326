"""The assistant that `make assistant` serves: a stream of tokens that can be stopped, and tools of the page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from emmett import App, Response

from . import model

MAX_PROMPT = 500  # characters
PATIENCE = 120.0  # seconds that a tool of the page may take: it may ask the visitor

app = App(__name__)
calls = app.calls("/api", max_streams=4)
PAGE = Path(__file__).with_name("static").joinpath("index.html").read_text("utf-8")


class Token(msgspec.Struct, tag="token"):
    """The next piece of an answer."""

    text: str


class ToolUse(msgspec.Struct, tag="tool"):
    """A tool of the page that the model uses before it goes on."""

    name: str


@app.route("/")
async def index() -> Response:
    return Response(PAGE, content_type="text/html; charset=utf-8")


@calls.method(limit="20/m", timeout=300)
async def answer(
    prompt: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_PROMPT)],
) -> AsyncIterator[Token | ToolUse]:
    """Answer a prompt: what the model says, and the tools that it uses, in their order."""
    parts = model.answer(prompt)
    result: Any = None
    with contextlib.suppress(StopAsyncIteration):
        while True:
            part = await parts.asend(result)
            result = None
            if isinstance(part, str):
                yield Token(part)
            else:
                yield ToolUse(part.name)
                result = await calls.request(part.name, part.params, timeout=PATIENCE)
