import asyncio
from typing import Any

import pytest

from emmett import abort
from emmett.errors import CallError
from tests.calls.kit import make_app, wire_to


async def test_errors_become_codes(caplog: pytest.LogCaptureFixture) -> None:
    app, calls = make_app()

    @calls.method()
    async def fail(how: str) -> object:
        if how == "call":
            raise CallError(17, "no more seats", {"left": 0})
        if how == "abort":
            abort(403)
        if how == "abort with text":
            abort(404, "no such room")
        if how == "unencodable":
            return object()
        raise RuntimeError("a secret")

    async with wire_to(app) as wire:

        async def error(how: str) -> Any:
            return (await wire.ask(id=1, method="fail", params=[how]))["error"]

        assert await error("call") == {"code": 17, "message": "no more seats", "data": {"left": 0}}
        assert await error("abort") == {"code": 403, "message": "Forbidden"}
        assert await error("abort with text") == {"code": 404, "message": "no such room"}
        assert not caplog.records
        assert await error("raise") == {"code": -32603, "message": "Internal error"}
        assert "a secret" in caplog.text
        assert "Traceback" in caplog.text
        caplog.clear()
        assert await error("unencodable") == {"code": -32603, "message": "Internal error"}
        assert "cannot be encoded" in caplog.text


async def test_an_event_is_never_answered(caplog: pytest.LogCaptureFixture) -> None:
    app, calls = make_app()

    @calls.event()
    async def typing(room: str) -> None:
        raise RuntimeError

    @calls.method()
    async def fine() -> int:
        return 1

    async with wire_to(app) as wire:
        for params in ([], ["a"]):
            await wire.send(method="typing", params=params)
        assert await wire.ask(id=1, method="fine") == {"id": 1, "result": 1}
        # A caller that gives an id still gets a reply.
        assert (await wire.ask(id=2, method="typing"))["error"]["code"] == -32602
    assert "typing: the call failed" in caplog.text


async def test_a_call_that_takes_too_long_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    app, calls = make_app()

    @calls.method(timeout=0.001)
    async def slow() -> None:
        await asyncio.Event().wait()

    @calls.method(timeout=3600)
    async def own(fail: bool) -> int:
        if fail:
            raise TimeoutError
        return 1

    async with wire_to(app) as wire:
        reply = await wire.ask(id=1, method="slow")
        assert reply["error"]["code"] == -32802
        assert reply["error"]["data"] == {"timeout": 0.001}
        assert "timeout of 0.001 s" in caplog.text
        assert (await wire.ask(id=1, method="own", params=[True]))["error"]["code"] == -32603
        assert (await wire.ask(id=1, method="own", params=[False]))["result"] == 1
