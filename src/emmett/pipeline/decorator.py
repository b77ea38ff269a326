"""Pipes that are also decorators of the handler, and how an application finds them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import ConfigurationError
from .pipe import Pipe

Handler = TypeVar("Handler", bound=Callable[..., Any])

_PIPES = "__emmett_pipes__"
_COLLECTED = "__emmett_pipes_collected__"


class DecoratorPipe(Pipe):
    """A pipe that may stand in a `pipeline=[...]` or decorate a handler, below `@app.route()` or `@app.websocket()`."""

    def __call__(self, function: Handler, /) -> Handler:
        """Put this pipe around a handler; the decorator nearest to the function is the innermost pipe.

        Raises:
            ConfigurationError: `function` is no function, or was registered before this decorator came, which would
                leave it without the pipe.
        """
        name = type(self).__qualname__
        _check_handler(name, function)
        if getattr(function, _COLLECTED, False):
            handler = getattr(function, "__qualname__", function)
            raise ConfigurationError(
                f"decorator {name} stands above the route of {handler}, which is registered without it: write it below "
                "@app.route() or @app.websocket(), next to the function"
            )
        # A new tuple each time: functools.wraps shares the attributes of the function that it wraps.
        setattr(function, _PIPES, (*getattr(function, _PIPES, ()), self))
        return function


def _check_handler(name: str, function: object) -> None:
    if not callable(function) or isinstance(function, (type, Pipe)):
        raise ConfigurationError(f"decorator {name} got {function!r}: it must be the function that handles a route")


def collect_pipes(handler: Callable[..., Any]) -> tuple[Pipe, ...]:
    """Return the pipes that decorate a handler, outermost first, and note that its route is registered.

    They belong behind the route's own `pipeline`. A decorator that comes after this call is an error.
    """
    with suppress(AttributeError):  # bound methods and the like take no attributes, and no decorators either
        setattr(handler, _COLLECTED, True)
    return tuple(reversed(getattr(handler, _PIPES, ())))
