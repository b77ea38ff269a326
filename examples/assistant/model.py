"""A model that needs no network: it knows a few answers, and says them word by word, as a large one does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, NamedTuple

PAUSE = 0.04  # seconds between two words


class ToolCall(NamedTuple):
    """What the model wants a tool of the page to do."""

    name: str
    params: dict[str, Any]


STORY = """\
A frame left the browser at dawn. It was small and masked, and it carried four bytes of good news. The first \
router let it pass without a word. The second one was busy, so the frame waited in a queue, read its own \
header twice, and tried not to think of fragmentation. In the afternoon it reached the server. Its mask came \
off, somebody counted its bytes, and a task that had slept all day woke up and read it. "Is that all?" asked \
the task. "There is more," said the frame, "but it comes in order." And so it was: the rest arrived one after \
another, nothing was lost, nothing came twice, and the last one carried the close code 1000, which means that \
everybody went home content."""

HELP = """\
I am a small model without a network, so I know little: ask me what time it is, ask me to make the page dark or light, \
or to forget this conversation, which I do only if you agree. And I can tell a long story."""


async def answer(prompt: str) -> AsyncGenerator[str | ToolCall, Any]:
    """Answer a prompt, piece by piece. The result of a `ToolCall` is to be sent into the generator."""
    words = set(re.findall(r"[a-z]+", prompt.lower()))
    if words & {"time", "clock", "date", "day"}:
        async for piece in say("Let me look at your clock."):
            yield piece
        now = yield ToolCall("read_clock", {})
        async for piece in say(f"On your side it is {now}."):
            yield piece
    elif theme := next((word for word in ("dark", "light") if word in words), None):
        yield ToolCall("set_theme", {"theme": theme})
        async for piece in say(f"The page is {theme} now."):
            yield piece
    elif words & {"forget", "clear", "delete"}:
        is_agreed = yield ToolCall("confirm", {"question": "Forget this conversation?"})
        if is_agreed:
            yield ToolCall("forget", {})
        async for piece in say("It is forgotten." if is_agreed else "Then I keep it."):
            yield piece
    else:
        async for piece in say(STORY if words & {"story", "tell", "long"} else HELP):
            yield piece


async def say(text: str) -> AsyncIterator[str]:
    """Say a text word by word."""
    for word in re.findall(r"\s*\S+", text):
        await asyncio.sleep(PAUSE)
        yield word
