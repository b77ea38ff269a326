"""The assistant without a browser: tokens, tools, and streams that are stopped."""

from __future__ import annotations

from typing import Any

import pytest

from emmett.errors import CallError
from emmett.testing.calls import TestCalls
from examples.assistant import model
from examples.assistant.app import MAX_PROMPT, app


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PAUSE", 0.0)


async def answer(api: TestCalls, prompt: str) -> tuple[str, list[str]]:
    parts = [part async for part in api.answer(prompt=prompt)]
    text = "".join(part["text"] for part in parts if part["type"] == "token")
    return text, [part["name"] for part in parts if part["type"] == "tool"]


async def test_a_story_arrives_word_by_word() -> None:
    async with app.test_client_async() as client, client.calls("/api") as api:
        parts = [part async for part in api.answer(prompt="Tell me a story")]
        assert len(parts) == len(model.STORY.split())
        assert "".join(part["text"] for part in parts) == model.STORY
        assert await answer(api, "hello") == (model.HELP, [])


async def test_the_model_can_read_the_clock_of_the_page() -> None:
    async with app.test_client_async() as client, client.calls("/api") as api:
        api.answers("read_clock", lambda: "Monday at 10")
        text, tools = await answer(api, "What time is it?")
        assert text.endswith("On your side it is Monday at 10.")
        assert tools == ["read_clock"]


@pytest.mark.parametrize("is_agreed", [True, False])
async def test_the_model_asks_before_it_forgets(is_agreed: bool) -> None:
    forgotten: list[bool] = []
    async with app.test_client_async() as client, client.calls("/api") as api:
        api.answers("confirm", lambda question: is_agreed)
        api.answers("forget", lambda: forgotten.append(True))
        text, tools = await answer(api, "Forget this")
    assert (text, forgotten) == (("It is forgotten.", [True]) if is_agreed else ("Then I keep it.", []))
    assert tools == (["confirm", "forget"] if is_agreed else ["confirm"])


async def test_the_model_can_change_the_theme_of_the_page() -> None:
    themes: list[str] = []
    async with app.test_client_async() as client, client.calls("/api") as api:
        api.answers("set_theme", lambda theme: themes.append(theme))
        for theme in ("dark", "light"):
            text, _ = await answer(api, f"make it {theme}")
            assert text == f"The page is {theme} now."
    assert themes == ["dark", "light"]


async def test_a_stopped_answer_stops_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def endless(prompt: str) -> Any:
        try:
            while True:
                async for piece in model.say("on and on"):
                    yield piece
        finally:
            ended.append(prompt)

    monkeypatch.setattr(model, "answer", endless)
    async with app.test_client_async() as client, client.calls("/api") as api:
        call = api.answer(prompt="x")
        stream = aiter(call)
        assert await anext(stream) == {"type": "token", "text": "on"}
        await call.cancel()
        with pytest.raises(CallError, match="cancelled"):
            await call
        assert ended == ["x"]


@pytest.mark.parametrize("prompt", ["", "x" * (MAX_PROMPT + 1)])
async def test_prompts_are_limited(prompt: str) -> None:
    async with app.test_client_async() as client, client.calls("/api") as api:
        with pytest.raises(CallError, match="Invalid params"):
            await api.answer(prompt=prompt)


async def test_the_page_is_served() -> None:
    async with app.test_client_async() as client:
        page = await client.get("/")
        assert page.status == 200
        assert "assistant.js" in page.text
