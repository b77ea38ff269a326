"""The examples of docs/pipeline.md, run as written."""

from __future__ import annotations

import asyncio
import re
import sys
from types import ModuleType
from typing import Any

import httpx
import pytest

from emmett import App, Pipe
from tests.imports import ROOT

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs/pipeline.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the one example that contains a text, as a module."""

    def run(text: str) -> ModuleType:
        (source,) = (example for example in EXAMPLES if text in example)
        module = ModuleType("documented")
        monkeypatch.setitem(sys.modules, "documented", module)
        exec(compile(source, "docs/pipeline.md", "exec"), vars(module))
        return module

    return run


async def get(app: App, path: str, **cookies: str) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost", cookies=cookies
    ) as client:
        return await client.get(path)


async def talk(app: App, path: str, *messages: str, answers: int = 1) -> list[Any]:
    """Connect, send these messages, and leave after a number of answers: texts, and codes of closes and refusals."""
    path, _, query = path.partition("?")
    events: list[dict[str, Any]] = [{"type": "websocket.connect"}]
    events += [{"type": "websocket.receive", "text": message} for message in messages]
    received: list[Any] = []
    enough = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if events:
            return events.pop(0)
        await enough.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(event: Any) -> None:
        if event["type"] in ("websocket.send", "websocket.close", "websocket.http.response.start"):
            received.append(event.get("text") or event.get("status") or event.get("code"))
        if len(received) >= answers:
            enough.set()

    scope: dict[str, Any] = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "extensions": {"websocket.http.response": {}},
    }
    await app(scope, receive, send)
    return received


async def test_the_timer_works(load: Any) -> None:
    answer = await get(load("class Timer").app, "/")
    assert answer.text == "Hello!"
    assert re.fullmatch(r"app;dur=\d+\.\d", answer.headers["server-timing"])


async def test_the_places_of_pipelines_work(load: Any) -> None:
    assert (await get(load("class Mark").app, "/blog")).text == "app(module(first(second(handler))))"


async def test_the_arguments_work(load: Any) -> None:
    app = load("class LoadBook").app
    assert (await get(app, "/books/2")).text == "Dracula"
    assert (await get(app, "/books/3")).status_code == 404
    assert (await talk(app, "/books/1/chat"))[0] == "Let's talk about Frankenstein"
    assert await talk(app, "/books/3/chat") == [404]


async def test_the_cleaning_up_works(load: Any) -> None:
    assert (await get(load("class Database").app, "/")).text == "42"


async def test_the_transaction_works(load: Any) -> None:
    module = load("class Transaction")
    assert (await get(module.app, "/pay/5")).text == "paid"
    assert module.LOG == ["begin", "commit", "release"]
    module.LOG.clear()
    assert (await get(module.app, "/pay/500")).status_code == 402
    assert module.LOG == ["begin", "roll back", "release"]


async def test_the_message_hooks_work(load: Any) -> None:
    messages = ('{"number": 2}', "keepalive", '{"number": 5}')
    answers = await talk(load("class Keepalive").app, "/double", *messages, answers=2)
    assert answers == ['{"result": 4}', '{"result": 10}']


async def test_requires_works(load: Any) -> None:
    app = load("def logged_in").app
    answer = await get(app, "/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert (await get(app, "/account", user="ada")).text == "Your account"
    assert (await get(app, "/members")).status_code == 403
    assert (await get(app, "/members", user="ada")).text == "Members only"
    assert await talk(app, "/updates") == [403]
    assert (await talk(app, "/updates?ticket=valid"))[0] == "Welcome"


async def test_the_json_service_works(load: Any) -> None:
    app = load("api.pipeline = [service.json]").app
    for path, text in (("/api/version", '"1.0"'), ("/total/1/2", "3")):
        answer = await get(app, path)
        assert answer.text == text
        assert answer.headers["content-type"] == "application/json"
    assert (await talk(app, "/clock"))[0] == '{"time":"12:00"}'


def test_no_example_is_left_out() -> None:
    assert len(EXAMPLES) == 8


def test_every_hook_is_in_the_table() -> None:
    page = (ROOT / "docs/pipeline.md").read_text("utf-8")
    hooks = [name for name, hook in vars(Pipe).items() if not name.startswith("_") and callable(hook)]
    assert [name for name in hooks if f"`{name}(" not in page] == []
