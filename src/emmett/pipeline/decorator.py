"""Pipes that also decorate handlers, and the function that collects them."""

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
    """A pipe for a `pipeline=[...]` that can also decorate a handler, below `@app.route()` or `@app.websocket()`."""

    def __call__(self, function: Handler, /) -> Handler:
        """Put this pipe around a handler. The decorator nearest to the function is the innermost pipe.

        Raises:
            ConfigurationError: `function` is not a function, or its route is registered already and would not get the
                pipe.
        """
        name = type(self).__qualname__
        _check_handler(name, function)
        if getattr(function, _COLLECTED, False):
            handler = getattr(function, "__qualname__", function)
            raise ConfigurationError(
                f"decorator {name} is above the route of {handler}, which is registered without it: write it below "
                "@app.route() or @app.websocket(), next to the function"
            )
        # A new tuple each time: functools.wraps shares the attributes of the function that it wraps.
        setattr(function, _PIPES, (*getattr(function, _PIPES, ()), self))
        return function


def _check_handler(name: str, function: object) -> None:
    if not callable(function) or isinstance(function, (type, Pipe)):
        raise ConfigurationError(f"decorator {name} got {function!r}: it must be the function that handles a route")


def collect_pipes(handler: Callable[..., Any]) -> tuple[Pipe, ...]:
    """Return the pipes that decorate a handler, outermost first, and record that its route is registered.

    They go inside the route's own `pipeline`. Applying a decorator after this call is an error.
    """
    with suppress(AttributeError):  # bound methods and the like take neither attributes nor decorators
        setattr(handler, _COLLECTED, True)
    return tuple(reversed(getattr(handler, _PIPES, ())))
