from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from emmett.errors import ConfigurationError
from emmett.pipeline import Pipe, compose_request, compose_websocket, requires, run_hooks
from tests.pipeline.recording import KINDS, Kind, Observer, Record, Wrapper, compose


async def handler(**kwargs: Any) -> Any:
    return kwargs


class OnlyMessages(Pipe):
    def __init__(self, name: str = "") -> None:
        self.name = name

    def on_receive(self, data: str, /) -> str:
        return f"{data}<{self.name}"

    def on_send(self, data: str, /) -> str:
        return f"{data}>{self.name}"


class OnlyStream(Pipe):
    def on_stream(self) -> None:
        pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pipes", [[], [Pipe()], [OnlyMessages(), OnlyStream(), Pipe()]], ids=len)
async def test_pipes_without_hooks_around_the_handler_add_no_calls(kind: Kind, pipes: list[Pipe]) -> None:
    flow = compose(kind, pipes, handler)
    assert flow.call is handler
    assert not flow.has_hooks
    assert flow.opens == ()
    assert flow.closes == ()
    assert await flow.run({"number": 1}) == {"number": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_open_and_close_hooks_alone_do_not_wrap_the_call(kind: Kind) -> None:
    class Opens(Pipe):
        def open(self) -> None:
            pass

        def close(self) -> None:
            pass

    flow = compose(kind, [Opens()], handler)
    assert flow.call is handler
    assert flow.has_hooks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["open", "close"])
def test_either_of_open_and_close_is_enough_to_have_hooks(kind: Kind, name: str) -> None:
    pipe = type("Pipe", (Pipe,), {name: lambda self: None})()
    assert compose(kind, [pipe], handler).has_hooks


async def test_received_messages_pass_in_list_order_and_sent_ones_in_reverse() -> None:
    flow = compose_websocket([OnlyMessages("A"), Pipe(), OnlyMessages("B"), OnlyMessages("C")], handler)
    assert await run_hooks(flow.on_receive, "m") == "m<A<B<C"
    assert await run_hooks(flow.on_send, "m") == "m>C>B>A"
    assert flow.on_stream == ()


def test_a_request_flow_has_stream_hooks_and_no_message_hooks() -> None:
    first, second = OnlyStream(), OnlyStream()
    flow = compose_request([first, OnlyMessages(), second], handler)
    assert [hook.call for hook in flow.on_stream] == [first.on_stream, second.on_stream]
    assert flow.on_receive == flow.on_send == ()


async def test_a_request_handler_may_be_a_plain_function() -> None:
    def plain(number: int) -> int:
        return number + 1

    record = Record()
    assert await compose_request([], plain).run({"number": 1}) == 2
    assert await compose_request([Wrapper("A", record)], plain).run({"number": 1}) == 2
    assert record.points[2:6] == ["A.pipe>", "A.pipe<", "A.success", "A.close_request"]


async def test_a_plain_request_handler_may_fail() -> None:
    def fails() -> None:
        raise ValueError("fault")

    record = Record()
    with pytest.raises(ValueError, match="fault"):
        await compose_request([Wrapper("A", record)], fails).call()
    assert record.points == ["A.pipe>", "A.failure"]


async def test_an_awaitable_returned_by_a_plain_request_handler_is_awaited() -> None:
    assert await compose_request([], lambda **kwargs: handler(**kwargs)).run({"number": 1}) == {"number": 1}


async def test_a_request_handler_may_be_an_async_generator() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    result = await compose_request([Observer("A", Record())], chunks).run({})
    assert [chunk async for chunk in result] == [b"a", b"b"]


class Handler:
    async def method(self) -> str:
        return "method"

    async def __call__(self) -> str:
        return "object"


@pytest.mark.parametrize(
    ("handle", "result"),
    [(Handler().method, "method"), (Handler(), "object"), (partial(handler, number=1), {"number": 1})],
    ids=["method", "object", "partial"],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_any_async_callable_is_a_handler(kind: Kind, handle: Callable[..., Any], result: Any) -> None:
    flow = compose(kind, [], handle)
    assert flow.call is handle
    assert await flow.run({}) == result


def plain_handler() -> None:
    pass


async def generating_handler() -> AsyncIterator[bytes]:
    yield b""


@pytest.mark.parametrize("handle", [plain_handler, generating_handler, lambda: handler()])
def test_a_websocket_handler_must_be_an_async_function(handle: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"websocket handler .* is not an async function: .*`async def`"):
        compose_websocket([], handle)


def test_the_error_names_the_websocket_handler() -> None:
    with pytest.raises(ConfigurationError, match="websocket handler plain_handler is not"):
        compose_websocket([], plain_handler)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("pipe", "message"),
    [
        (OnlyStream, r"pipeline contains the class OnlyStream: it must be a pipe, OnlyStream\(…\)"),
        ("auth", r"pipeline contains 'auth': it must be an instance of a subclass of emmett.Pipe"),
        (None, r"pipeline contains None: it must be"),
    ],
)
def test_anything_but_a_pipe_is_refused(kind: Kind, pipe: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        compose(kind, [pipe], handler)


@pytest.mark.parametrize("kind", KINDS)
def test_anything_but_a_function_is_refused_as_a_handler(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="handler is 'index': it must be a function"):
        compose(kind, [], "index")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_decorator_without_parentheses_is_recognised(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match=r"handler is a Requires pipe, not a function: .*parentheses"):
        compose(kind, [], requires(plain_handler))


@pytest.mark.parametrize("kind", KINDS)
def test_an_invalid_hook_is_found_at_composition(kind: Kind) -> None:
    pipe = type("Broken", (Pipe,), {"on_pipe_success": lambda self, result: None})()
    with pytest.raises(ConfigurationError, match=r"hook Broken.on_pipe_success takes"):
        compose(kind, [pipe], handler)
