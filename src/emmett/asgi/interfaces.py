"""Errors with the command to use, for servers that call an application in another way than ASGI 3."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, cast

from .types import ASGIReceive, ASGIScope, ASGISend

Call = Callable[[Any, ASGIScope, ASGIReceive, ASGISend], Coroutine[Any, Any, None]]

WSGI = (
    "the server calls the application as WSGI, but an emmett App is an ASGI 3 application. With gunicorn, install "
    "uvicorn-worker and type: gunicorn -k uvicorn_worker.UvicornWorker app:app"
)
RSGI = (
    "the server calls the application as RSGI, but an emmett App is an ASGI 3 application. With granian, type: "
    "granian --interface asgi app:app"
)
OTHER = "the server calls the application with {count} arguments; ASGI 3 has three: scope, receive, send"


class _BoundCall(functools.partial[Coroutine[Any, Any, None]]):
    """The call of one application. As a partial, it passes for the coroutine function that servers expect."""

    def __call__(self, *arguments: Any, **named: Any) -> Coroutine[Any, Any, None]:
        if len(arguments) + len(named) != 3:  # daphne names them
            # Raised at once, not in a coroutine, which a WSGI server would never await. uvicorn expects this type when
            # it tests whether an application is a factory.
            raise TypeError(_explanation((*arguments, *named.values())))
        return self.func(*self.args, *arguments, **named)


class ASGICall:
    """A method `__call__(self, scope, receive, send)` that explains the error when it is called in another way.

    Arguments:
        function: the method.
    """

    def __init__(self, function: Call) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, application: Any, owner: type) -> Any:
        """Return the call of an application."""
        return self if application is None else _BoundCall(self._function, application)


def explain_other_interfaces(function: Call) -> Call:
    """Decorate the method `__call__` of an application."""
    return cast(Call, ASGICall(function))


def _explanation(arguments: tuple[Any, ...]) -> str:
    if len(arguments) == 2:
        return WSGI if isinstance(arguments[0], dict) and "REQUEST_METHOD" in arguments[0] else RSGI
    return OTHER.format(count=len(arguments))
