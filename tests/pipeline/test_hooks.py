from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from functools import partial
from typing import Any

import pytest

from emmett import websockets
from emmett.errors import ConfigurationError, UsageError
from emmett.pipeline import DROP, NextPipe, Pipe, run_hooks
from emmett.pipeline.hooks import find_hook, find_hooks, invoke, is_async_function, is_awaitable


class Plain(Pipe):
    def __init__(self, suffix: str = "") -> None:
        self.suffix = suffix

    def on_receive(self, data: str, /) -> Any:
        return data + self.suffix


class Async(Plain):
    async def on_receive(self, data: str, /) -> Any:
        await asyncio.sleep(0)
        return data + self.suffix


class ReturnsAwaitable(Plain):
    def on_receive(self, data: str, /) -> Awaitable[str]:
        return Async(self.suffix).on_receive(data)


class Swallows(Plain):
    def on_receive(self, data: str, /) -> Any:
        return DROP


class SwallowsLater(Plain):
    async def on_receive(self, data: str, /) -> Any:
        await asyncio.sleep(0)
        return DROP


class Fails(Plain):
    def on_receive(self, data: str, /) -> Any:
        raise UsageError(data)


async def receive(data: str, *pipes: Pipe) -> Any:
    return await run_hooks(find_hooks(pipes, "on_receive", "data"), data)


async def test_data_passes_each_hook_in_order() -> None:
    assert await receive("0", Plain("1"), Async("2"), ReturnsAwaitable("3"), Plain("4")) == "01234"


async def test_without_hooks_the_data_is_unchanged() -> None:
    data = object()
    assert await run_hooks((), data) is data


@pytest.mark.parametrize("swallows", [Swallows(), SwallowsLater()], ids=["plain", "async"])
async def test_drop_stops_a_message(swallows: Pipe) -> None:
    assert await receive("text", Plain("1"), swallows, Fails()) is DROP


async def test_an_exception_from_a_hook_reaches_the_caller() -> None:
    with pytest.raises(UsageError, match="text1"):
        await receive("text", Async("1"), Fails(), Plain("2"))


async def test_a_hook_may_change_the_type_and_return_nothing() -> None:
    class Decode(Pipe):
        def on_receive(self, data: str, /) -> Any:
            return {"null": None, "{}": {}}[data]

    assert await receive("null", Decode()) is None
    assert await receive("{}", Decode()) == {}


def test_the_websocket_uses_the_same_drop() -> None:
    assert DROP is websockets.DROP


def test_a_hook_that_is_not_overridden_is_not_found() -> None:
    assert find_hook(Plain(), "open") is None
    assert find_hook(Pipe(), "pipe", "next_pipe") is None
    assert find_hooks([Pipe(), Plain()], "on_send", "data") == ()


def test_a_hook_knows_its_name_and_kind() -> None:
    plain, later = find_hooks([Plain(), Pipe(), Async()], "on_receive", "data")
    assert (plain.name, plain.is_async) == ("Plain.on_receive", False)
    assert (later.name, later.is_async) == ("Async.on_receive", True)


def test_a_hook_set_on_the_object_counts() -> None:
    pipe = Pipe()
    pipe.on_receive = lambda data, /: data * 2  # type: ignore[method-assign]
    hook = find_hook(pipe, "on_receive", "data")
    assert hook is not None
    assert hook.call("a") == "aa"


def test_a_hook_may_be_static() -> None:
    class Static(Pipe):
        @staticmethod
        def on_send(data: Any, /) -> Any:
            return [data]

    hook = find_hook(Static(), "on_send", "data")
    assert hook is not None
    assert hook.call(1) == [1]


def test_a_hook_without_a_readable_signature_is_accepted() -> None:
    pipe = Pipe()
    pipe.on_receive = max  # type: ignore[method-assign]
    hook = find_hook(pipe, "on_receive", "data")
    assert hook is not None
    assert hook.call("ab") == "b"


class NotCallable(Pipe):
    open = None  # type: ignore[assignment]


class Generates(Pipe):
    def on_stream(self) -> Iterator[bytes]:
        yield b""


class GeneratesLater(Pipe):
    async def close(self) -> AsyncIterator[None]:
        yield


class WantsArgument(Pipe):
    def open(self, connection: object) -> None:  # type: ignore[override]
        pass


class WantsNoData(Pipe):
    def on_send(self) -> None:  # type: ignore[override]
        pass


class WantsNoNext(Pipe):
    async def pipe(self, **kwargs: Any) -> None:  # type: ignore[override]
        pass


@pytest.mark.parametrize(
    ("pipe", "name", "arguments", "message"),
    [
        (NotCallable(), "open", (), "hook NotCallable.open is None: it must be a plain or an async function"),
        (Generates(), "on_stream", (), "hook Generates.on_stream has a `yield`"),
        (GeneratesLater(), "close", (), "hook GeneratesLater.close has a `yield`"),
        (WantsArgument(), "open", (), r"WantsArgument.open takes \(connection.*\) -> .*declared as \(self\)$"),
        (WantsNoData(), "on_send", ("data",), r"WantsNoData.on_send takes \(\) .*declared as \(self, data\)$"),
        (WantsNoNext(), "pipe", ("next_pipe",), r"WantsNoNext.pipe .*declared as \(self, next_pipe, \*\*kwargs\)$"),
    ],
)
def test_an_invalid_hook_is_refused(pipe: Pipe, name: str, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        find_hook(pipe, name, *arguments)


def test_pipe_may_name_the_variables_that_it_uses() -> None:
    class Loads(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, *, number: int, **kwargs: Any) -> Any:
            return await next_pipe(number=number, **kwargs)

    assert find_hook(Loads(), "pipe", "next_pipe") is not None


class AsyncCallable:
    async def __call__(self) -> None:
        pass


def test_async_functions_are_recognised() -> None:
    assert is_async_function(Async().on_receive)
    assert is_async_function(partial(Async().on_receive, "data"))
    assert is_async_function(AsyncCallable())
    assert not is_async_function(AsyncCallable)
    assert not is_async_function(Plain().on_receive)
    assert not is_async_function(Generates().on_stream)


async def test_awaitables_are_recognised() -> None:
    future = asyncio.get_running_loop().create_future()
    coroutine = AsyncCallable()()
    assert is_awaitable(future)
    assert is_awaitable(coroutine)
    await coroutine
    for value in ("", b"", None, {}, [], 0, DROP, object()):
        assert not is_awaitable(value)


async def test_an_awaitable_returned_by_a_plain_hook_is_awaited() -> None:
    done = asyncio.Event()

    class Opens(Pipe):
        def open(self) -> Any:
            return asyncio.get_running_loop().create_task(self.later())

        async def later(self) -> None:
            done.set()

    hook = find_hook(Opens(), "open")
    assert hook is not None
    assert not hook.is_async
    await invoke(hook)
    assert done.is_set()
