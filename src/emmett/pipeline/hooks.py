"""Hooks in the form that a flow keeps: checked and sorted at registration, called without further checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from ..websockets.hooks import DROP, Drop
from .pipe import Pipe

_NEVER_AWAITABLE = frozenset({str, bytes, dict, list, type(None), Drop})


class Hook(NamedTuple):
    """One overridden hook of one pipe.

    Fields:
        call: the hook, bound to its pipe.
        is_async: whether `call` is an async function. A plain function may still return an awaitable.
        name: `Class.hook`, for messages.
    """

    call: Callable[..., Any]
    is_async: bool
    name: str


def find_hook(pipe: Pipe, name: str, *arguments: str) -> Hook | None:
    """Return the hook `name` of a pipe, or `None` when the pipe does not override it.

    Arguments:
        pipe: the pipe. A hook set on the object itself counts like one defined by its class.
        name: the name of a `Pipe` method.
        arguments: names of the positional arguments that the hook will be called with.

    Raises:
        ConfigurationError: the hook is not a function, is a generator, or cannot take these arguments.
    """
    call = getattr(pipe, name)
    if getattr(call, "__func__", call) is getattr(Pipe, name):
        return None
    label = f"{type(pipe).__qualname__}.{name}"
    if not callable(call):
        raise ConfigurationError(f"hook {label} is {call!r}: it must be a plain or an async function")
    if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
        raise ConfigurationError(f"hook {label} has a `yield`: it must be a plain or async function, not a generator")
    _check_arguments(label, call, arguments, open_ended=name.startswith("pipe"))
    return Hook(call, is_async_function(call), label)


def find_hooks(pipes: Iterable[Pipe], name: str, *arguments: str) -> tuple[Hook, ...]:
    """Return the hook `name` of each pipe that overrides it, in the order of the pipes."""
    return tuple(hook for pipe in pipes if (hook := find_hook(pipe, name, *arguments)) is not None)


def _check_arguments(label: str, call: Callable[..., Any], arguments: tuple[str, ...], *, open_ended: bool) -> None:
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return  # some callables written in C have no signature
    try:
        # `pipe` also receives the path variables as keyword arguments; their names are not known here.
        (signature.bind_partial if open_ended else signature.bind)(*arguments)
    except TypeError:
        expected = ", ".join(arguments)
        form = f"(self, {expected}, **kwargs)" if open_ended else f"(self, {expected})" if expected else "(self)"
        raise ConfigurationError(f"hook {label} takes {signature}: it must be declared as {form}") from None


def is_async_function(function: Callable[..., Any]) -> bool:
    """Return whether a call returns a coroutine: for an async function, or an object with an async `__call__`."""
    call = getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is wanted
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def is_awaitable(value: object) -> bool:
    """Return whether the result of a hook has to be awaited."""
    # A plain on_receive or on_send runs once per message, and inspect.isawaitable takes longer than most of them.
    return type(value) not in _NEVER_AWAITABLE and inspect.isawaitable(value)


async def invoke(hook: Hook) -> None:
    """Call a hook that takes no arguments and returns nothing, such as `open` or `on_stream`."""
    result = hook.call()
    if hook.is_async or is_awaitable(result):
        await result


async def run_hooks(hooks: Iterable[Hook], data: Any) -> Any:
    """Pass a message through `on_receive` or `on_send` hooks.

    Arguments:
        hooks: `Flow.on_receive` or `Flow.on_send`, already in calling order.
        data: the message.

    Returns:
        The result of the last hook; `DROP` as soon as a hook returns that, and the remaining hooks are not called.
    """
    for hook in hooks:
        data = hook.call(data)
        if hook.is_async or is_awaitable(data):
            data = await data
        if data is DROP:
            break
    return data
