"""The application's own commands: from `app.command(name)` to click."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import click

from .errors import CommandLineError


def as_click_command(name: str, function: Callable[..., Any] | click.Command) -> click.Command:
    """Return the click command for a function or command that `app.command(name)` registered.

    Arguments:
        name: its name on the command line.
        function: a plain or async function, or a click command, whose function may be async, too. An async function
            runs on its own event loop.

    Returns:
        The command. When run, it raises `CommandLineError` if the function has parameters that nothing provides.
    """
    if isinstance(function, click.Command):
        return _runnable(function, name)
    has_parameters = hasattr(function, "__click_params__")
    callback = _synchronous(function) if has_parameters else _without_arguments(name, function)
    return click.command(name, help=inspect.getdoc(function))(callback)


def _runnable(command: click.Command, name: str | None = None) -> click.Command:
    """Return a copy of a command and its subcommands that runs async functions."""
    runnable = copy.copy(command)
    runnable.name = name or command.name
    if command.callback is not None:
        runnable.callback = _synchronous(command.callback)
    if isinstance(runnable, click.Group):
        runnable.commands = {each: _runnable(below) for each, below in runnable.commands.items()}
    return runnable


def _synchronous(function: Callable[..., Any]) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(function):
        return function

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(function(*args, **kwargs))

    return run


def _without_arguments(name: str, function: Callable[..., Any]) -> Callable[[], Any]:
    call = _synchronous(function)

    def run() -> Any:
        try:
            # Not the signature of the wrapped function: click.pass_context provides its argument.
            inspect.signature(function, follow_wrapped=False).bind()
        except TypeError as error:
            raise CommandLineError(
                f"the command {name!r} cannot be called without arguments: {error}",
                f"write @click.command() and @click.argument(…) below @app.command({name!r})",
            ) from None
        return call()

    return run
