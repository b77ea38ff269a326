import asyncio
import logging
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest

from emmett import App, websocket
from emmett.calls.calls import Calls
from emmett.errors import CallError, WebsocketClosed
from tests.calls.kit import wire_to

mark: ContextVar[str] = ContextVar("mark", default="clean")


def make_app(**settings: Any) -> tuple[App, Calls]:
    app = App(__name__)
    return app, app.calls("/api", **settings)


async def test_a_slow_call_blocks_no_other() -> None:
    app, calls = make_app()
    release = asyncio.Event()

    @calls.method()
    async def slow() -> str:
        await release.wait()
        return "slow"

    @calls.method()
    async def fast() -> str:
        return "fast"

    async with wire_to(app) as wire:
        await wire.send(id=1, method="slow")
        assert await wire.ask(id=2, method="fast") == {"id": 2, "result": "fast"}
        release.set()
        assert await wire.receive() == {"id": 1, "result": "slow"}


async def test_a_call_that_waits_runs_in_its_own_task() -> None:
    app, calls = make_app()
    tasks: list[asyncio.Task[Any] | None] = []
    release = asyncio.Event()

    @calls.method()
    async def slow() -> None:
        tasks.append(asyncio.current_task())
        await release.wait()
        assert asyncio.current_task() is tasks[0]

    @calls.method()
    async def fast() -> None:
        tasks.append(asyncio.current_task())

    async with wire_to(app) as wire:
        await wire.send(id=1, method="slow")
        await wire.ask(id=2, method="fast")
        release.set()
        assert await wire.receive() == {"id": 1, "result": None}
    assert tasks[0] is not tasks[1]


async def test_a_deadline_in_a_call_affects_only_that_call() -> None:
    app, calls = make_app()
    timeouts: list[asyncio.Timeout] = []

    @calls.method()
    async def slow() -> str:
        try:
            async with asyncio.timeout(3600) as timeout:
                timeouts.append(timeout)
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "never"

    @calls.method()
    async def expire() -> str:
        timeouts[0].reschedule(asyncio.get_running_loop().time())
        return "done"

    async with wire_to(app) as wire:
        await wire.send(id=1, method="slow")
        assert await wire.ask(id=2, method="expire") == {"id": 2, "result": "done"}
        assert await wire.receive() == {"id": 1, "result": "timed out"}
        assert await wire.ask(id=3, method="expire") == {
            "id": 3,
            "error": {"code": -32603, "message": "Internal error"},
        }


async def test_context_variables_set_by_a_call_do_not_reach_other_calls() -> None:
    app, calls = make_app()

    @calls.method()
    async def change(wait: bool) -> str:
        found = mark.get()
        mark.set("changed")
        if wait:
            await asyncio.sleep(0)
        return f"{found}, {mark.get()}"

    async with wire_to(app) as wire:
        for wait in (False, True, False, False):
            assert (await wire.ask(id=1, method="change", params=[wait]))["result"] == "clean, changed"


async def test_context_variables_set_on_opening_reach_every_call() -> None:
    app, calls = make_app()

    @calls.on_open
    async def opened() -> None:
        mark.set("opened")

    @calls.method()
    async def read() -> str:
        return mark.get()

    async with wire_to(app) as wire:
        assert (await wire.ask(id=1, method="read"))["result"] == "opened"


async def test_a_running_call_can_be_cancelled() -> None:
    app, calls = make_app()
    ended: list[str] = []

    @calls.method()
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    @calls.method()
    async def fast() -> int:
        return 1

    async with wire_to(app) as wire:
        for id_ in (0, "0", "a"):
            await wire.send(id=id_, method="slow")
            assert await wire.ask(method="$/cancelRequest", params={"id": id_}) == {
                "id": id_,
                "error": {"code": -32800, "message": "the call was cancelled"},
            }
        assert ended == ["slow"] * 3
        # A call that has ended, one that never existed, and nonsense are ignored.
        nonsense: list[Any] = [{"id": "a"}, {"id": 99}, {}, [], None, {"id": []}]
        for params in nonsense:
            await wire.send(method="$/cancelRequest", params=params)
        assert await wire.ask(id=1, method="fast") == {"id": 1, "result": 1}


async def test_only_the_id_of_the_right_type_is_cancelled() -> None:
    app, calls = make_app()
    release = asyncio.Event()

    @calls.method()
    async def slow() -> str:
        await release.wait()
        return "done"

    @calls.method()
    async def let_go() -> None:
        release.set()

    async with wire_to(app) as wire:
        await wire.send(id=1, method="slow")
        await wire.send(method="$/cancelRequest", params={"id": "1"})
        await wire.send(id=2, method="let_go")
        replies = [await wire.receive(), await wire.receive()]
        assert {"id": 1, "result": "done"} in replies


async def test_a_call_may_answer_when_it_is_cancelled() -> None:
    app, calls = make_app()

    @calls.method()
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "half"
        return "whole"

    async with wire_to(app) as wire:
        await wire.send(id=1, method="stubborn")
        assert await wire.ask(method="$/cancelRequest", params={"id": 1}) == {"id": 1, "result": "half"}


async def test_a_stray_cancellation_fails_only_the_call(caplog: pytest.LogCaptureFixture) -> None:
    app, calls = make_app()

    @calls.method()
    async def stray(wait: bool) -> None:
        if wait:
            await asyncio.sleep(0)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    @calls.method()
    async def fine() -> int:
        await asyncio.sleep(0)
        return 1

    async with wire_to(app) as wire:
        for wait in (False, True):
            reply = await wire.ask(id=1, method="stray", params=[wait])
            assert reply["error"]["code"] == -32603
            assert await wire.ask(id=2, method="fine") == {"id": 2, "result": 1}
    assert len([record for record in caplog.records if record.name == "emmett.calls"]) == 2


async def test_an_id_that_is_in_use_is_refused() -> None:
    app, calls = make_app()

    @calls.method()
    async def slow() -> None:
        await asyncio.Event().wait()

    async with wire_to(app) as wire:
        await wire.send(id=7, method="slow")
        reply = await wire.ask(id=7, method="slow")
        assert reply["error"]["code"] == -32600
        assert "7" in reply["error"]["data"]
        assert (await wire.ask(method="$/cancelRequest", params={"id": 7}))["error"]["code"] == -32800


async def test_events_run_one_after_another_in_order() -> None:
    app, calls = make_app()
    seen: list[str] = []
    gates = {name: asyncio.Event() for name in ("a", "b", "c")}

    @calls.event()
    async def typed(name: str) -> None:
        seen.append(f"+{name}")
        await gates[name].wait()
        seen.append(f"-{name}")

    @calls.method()
    async def open(name: str) -> None:
        gates[name].set()

    @calls.method()
    async def look() -> list[str]:
        return seen

    async with wire_to(app) as wire:
        for name in gates:
            await wire.send(method="typed", params=[name])
        for name in reversed(gates):
            await wire.ask(id=1, method="open", params=[name])
        while len((await wire.ask(id=2, method="look"))["result"]) < 6:
            pass
    assert seen == ["+a", "-a", "+b", "-b", "+c", "-c"]


async def test_an_ordered_method_does_not_overlap() -> None:
    app, calls = make_app()
    running = 0

    @calls.method(ordered=True)
    async def step(wait: bool) -> int:
        nonlocal running
        running += 1
        assert running == 1
        if wait:
            await asyncio.sleep(0)
        running -= 1
        return running

    async with wire_to(app) as wire:
        for id_ in range(20):
            await wire.send(id=id_, method="step", params=[id_ % 3 == 0])
        assert [await wire.receive() for _ in range(20)] == [{"id": id_, "result": 0} for id_ in range(20)]


async def test_a_call_that_waits_for_its_turn_can_be_cancelled() -> None:
    app, calls = make_app()
    release = asyncio.Event()
    ran: list[int] = []

    @calls.method(ordered=True)
    async def step(number: int) -> None:
        ran.append(number)
        await release.wait()

    @calls.method()
    async def let_go() -> None:
        release.set()

    async with wire_to(app) as wire:
        await wire.send(id=1, method="step", params=[1])
        await wire.send(id=2, method="step", params=[2])
        await wire.send(method="$/cancelRequest", params={"id": 2})
        await wire.send(id=3, method="let_go")
        replies = [await wire.receive() for _ in range(3)]
        assert {"id": 2, "error": {"code": -32800, "message": "the call was cancelled"}} in replies
    assert ran == [1]


async def test_reading_pauses_while_too_many_calls_are_in_flight() -> None:
    app, calls = make_app(max_in_flight=3)
    release = asyncio.Event()
    running = most = 0
    full = asyncio.Event()

    @calls.method()
    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await release.wait()
        running -= 1

    async with wire_to(app) as wire:
        for id_ in range(10):
            await wire.send(id=id_, method="slow")
        await full.wait()
        release.set()
        assert sorted([(await wire.receive())["id"] for _ in range(10)]) == list(range(10))
    assert most == 3


async def test_running_calls_end_before_the_connection_does() -> None:
    app, calls = make_app()
    started, ended = asyncio.Event(), asyncio.Event()
    closes: list[str] = []

    @calls.method()
    async def slow() -> None:
        started.set()
        await websocket.wait_closed()
        ended.set()

    @calls.on_close
    async def closed() -> None:
        closes.append("ended" if ended.is_set() else "still running")

    async with app.test_client_async() as client:
        async with client.calls("/api") as api:
            call = api.slow()
            await call.start()
            await started.wait()
        await ended.wait()
    assert closes == ["ended"]


async def test_calls_are_cancelled_after_the_grace() -> None:
    app, calls = make_app(disconnect_grace=0.01)
    started, cancelled = asyncio.Event(), asyncio.Event()

    @calls.method()
    async def hangs() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with app.test_client_async() as client:
        async with client.calls("/api") as api:
            call = api.hangs()
            await call.start()
            await started.wait()
        await cancelled.wait()


async def test_a_stream_ends_when_its_caller_leaves() -> None:
    app, calls = make_app()
    ended = asyncio.Event()

    @calls.method()
    async def numbers() -> AsyncIterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
                await asyncio.sleep(0)
        except WebsocketClosed:
            raise
        finally:
            ended.set()

    async with app.test_client_async() as client:
        async with client.calls("/api") as api:
            async for number in api.numbers():
                if number == 3:
                    break
        await ended.wait()


async def test_repeated_refusals_close_the_connection() -> None:
    app, calls = make_app(max_refusals="3/h")

    @calls.method()
    async def fine() -> int:
        return 1

    async with app.test_client_async() as client, client.websocket("/api") as raw:
        for _ in range(4):
            await raw.send("nonsense")
        for _ in range(4):
            await raw.receive()
        with pytest.raises(WebsocketClosed) as closed:
            await raw.receive()
    assert closed.value.code == 4429


async def test_a_bug_in_the_dispatcher_ends_the_connection_with_1011(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, calls = make_app()

    @calls.method()
    async def fine() -> int:
        return 1

    def broken(*_: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr("emmett.calls.conversation.RunningCall", broken)
    async with app.test_client_async() as client, client.calls("/api") as api:
        with pytest.raises(WebsocketClosed) as closed:
            await api.fine()
    assert closed.value.code == 1011
    assert any(record.levelno == logging.ERROR for record in caplog.records)


async def test_nothing_is_left_of_a_hundred_cancelled_streams() -> None:
    app, calls = make_app(max_streams=100, max_in_flight=200)

    @calls.method()
    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async with app.test_client_async() as client:
        async with client.calls("/api") as api:
            streams = [api.endless() for _ in range(100)]
            for stream in streams:
                assert await anext(aiter(stream)) == 1
                await stream.cancel()
            for stream in streams:
                with pytest.raises(CallError, match="cancelled"):
                    await stream
            # The replies are sent just before the calls end, and the client sends one more message after that.
            with pytest.raises(CallError, match="Method not found"):
                await api.unknown()
            conversation = next(iter(calls._conversations.values()))
            assert conversation._in_flight == 0
            assert (conversation._streams, conversation._by_key) == (0, None)
        assert not calls.connections
