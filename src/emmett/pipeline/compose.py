"""Composition of pipes and a handler into a `Flow`.

Everything that can be decided before the first request is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ConfigurationError
from .chain import Call, around, observed
from .flow import Flow, OpenHook
from .hooks import Hook, find_hook, find_hooks, is_async_function, is_awaitable
from .pipe import Pipe


def compose_request(pipes: Sequence[Pipe], handler: Callable[..., Any]) -> Flow:
    """Compose the flow of a request route.

    Arguments:
        pipes: the pipeline, outermost pipe first.
        handler: the function of the route, called with the path variables; a plain or an async function.

    Raises:
        ConfigurationError: the handler or one of the pipes is invalid; the message says what is expected.
    """
    _check(pipes, handler)
    opens, closes = _find_openings(pipes, "request")
    return Flow(
        _chain(pipes, "pipe_request", handler if is_async_function(handler) else _as_async(handler)),
        opens=opens,
        closes=closes,
        on_stream=find_hooks(pipes, "on_stream"),
    )


def compose_websocket(pipes: Sequence[Pipe], handler: Callable[..., Any]) -> Flow:
    """Compose the flow of a websocket route.

    Arguments:
        pipes: the pipeline, outermost pipe first.
        handler: the function of the route, called with the path variables; an async function.

    Raises:
        ConfigurationError: the handler or one of the pipes is invalid; the message says what is expected.
    """
    _check(pipes, handler)
    if not is_async_function(handler):
        raise ConfigurationError(
            f"websocket handler {_describe(handler)} is not an async function: a websocket handler waits for messages, "
            "so it must be declared with `async def`, without `yield`"
        )
    opens, closes = _find_openings(pipes, "ws")
    return Flow(
        _chain(pipes, "pipe_ws", handler),
        opens=opens,
        closes=closes,
        on_receive=find_hooks(pipes, "on_receive", "data"),
        on_send=find_hooks(pipes, "on_send", "data")[::-1],
    )


def compose_call(pipes: Sequence[Pipe], handler: Callable[..., Any]) -> Flow:
    """Compose the flow of a method that clients call over a websocket.

    Arguments:
        pipes: the pipeline, outermost pipe first.
        handler: the function called with the arguments of the call; a plain or an async function.

    Raises:
        ConfigurationError: the handler or one of the pipes is invalid; the message says what is expected.
    """
    _check(pipes, handler)
    opens, closes = _find_openings(pipes, "call")
    return Flow(
        _chain(pipes, "pipe_call", handler if is_async_function(handler) else _as_async(handler)),
        opens=opens,
        closes=closes,
    )


def _check(pipes: Sequence[Pipe], handler: object) -> None:
    for pipe in pipes:
        if isinstance(pipe, type) and issubclass(pipe, Pipe):
            raise ConfigurationError(
                f"pipeline contains the class {pipe.__qualname__}: it must be a pipe, {pipe.__name__}(…)"
            )
        if not isinstance(pipe, Pipe):
            raise ConfigurationError(f"pipeline contains {pipe!r}: it must be an instance of a subclass of emmett.Pipe")
    if isinstance(handler, Pipe):
        raise ConfigurationError(
            f"handler is a {type(handler).__qualname__} pipe, not a function: a decorator such as @requires(condition) "
            "needs its arguments in parentheses"
        )
    if not callable(handler):
        raise ConfigurationError(f"handler is {handler!r}: it must be a function")


def _describe(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", None) or repr(handler)


def _as_async(handler: Callable[..., Any]) -> Call:
    async def call(**kwargs: Any) -> Any:
        result = handler(**kwargs)
        return await result if is_awaitable(result) else result

    return call


def _chain(pipes: Sequence[Pipe], specific: str, handler: Call) -> Call:
    call = handler
    for pipe in reversed(pipes):
        hook = find_hook(pipe, specific, "next_pipe") or find_hook(pipe, "pipe", "next_pipe")
        success = find_hook(pipe, "on_pipe_success")
        failure = find_hook(pipe, "on_pipe_failure")
        if hook is not None:
            call = around(call, hook, success, failure)
        elif success is not None or failure is not None:
            call = observed(call, success, failure)
    return call


def _find_openings(pipes: Sequence[Pipe], kind: str) -> tuple[tuple[OpenHook, ...], tuple[Hook, ...]]:
    """Return the open hooks and the close hooks of one kind: `request`, `ws` or `call`.

    A close hook is due once the matching open hook has run. Without a matching one, it is due once all the open hooks
    of its pipe have run.
    """
    opens: list[OpenHook] = []
    closes: list[Hook] = []
    for pipe in pipes:
        open_common, close_common = find_hook(pipe, "open"), find_hook(pipe, "close")
        if open_common is not None:
            opens.append(OpenHook(open_common, len(closes)))
            if close_common is not None:
                closes.append(close_common)
        if (open_specific := find_hook(pipe, f"open_{kind}")) is not None:
            opens.append(OpenHook(open_specific, len(closes)))
        if open_common is None and close_common is not None:
            closes.append(close_common)
        if (close_specific := find_hook(pipe, f"close_{kind}")) is not None:
            closes.append(close_specific)
    return tuple(opens), tuple(closes)
