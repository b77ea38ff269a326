"""`requires`: continues the flow only if a condition is met."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError, HTTPException
from ..http.abort import redirect
from .decorator import DecoratorPipe
from .hooks import is_awaitable
from .pipe import NextPipe

Condition = Callable[[], Any]
Otherwise = str | Callable[[], Any] | None


class Requires(DecoratorPipe):
    """A pipe that continues the flow only if a condition is met. See `requires`."""

    def __init__(self, condition: Condition, otherwise: Otherwise = None) -> None:
        if not callable(condition):
            raise ConfigurationError(
                f"requires({condition!r}): the condition must be a function that decides for each request, such as "
                "`lambda: session.user`"
            )
        _check_takes_nothing("condition", condition)
        if isinstance(otherwise, str):
            try:
                redirect(otherwise)
            except HTTPException as answer:
                self._redirect_headers = answer.headers
            except ValueError as error:
                raise ConfigurationError(f"requires(…, otherwise={otherwise!r}): {error}") from None
        elif callable(otherwise):
            _check_takes_nothing("otherwise", otherwise)
        elif otherwise is not None:
            raise ConfigurationError(
                f"requires(…, otherwise={otherwise!r}): it must be None to answer with 403, an address to redirect to, "
                "or a function"
            )
        self._condition = condition
        self._otherwise = otherwise

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        if await _call(self._condition):
            return await next_pipe(**kwargs)
        if isinstance(self._otherwise, str):
            raise HTTPException(303, headers=self._redirect_headers)
        return await self._refuse()

    async def pipe_ws(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        if await _call(self._condition):
            return await next_pipe(**kwargs)
        return await self._refuse()

    async def pipe_call(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        if await _call(self._condition):
            return await next_pipe(**kwargs)
        return await self._refuse()

    async def _refuse(self) -> Any:
        if callable(self._otherwise):
            return await _call(self._otherwise)
        raise HTTPException(403)


def requires(condition: Condition, otherwise: Otherwise = None) -> Requires:
    """Let a request, websocket or call pass only if a condition is met.

    Put the result into a `pipeline=[...]` or decorate a handler with it, below `@app.route()` or `@app.websocket()`.

    Arguments:
        condition: a plain or async function without arguments, whose result counts as true or false. It runs once
            for each request, and for each websocket before the handshake is answered.
        otherwise: the answer if the condition is not met. `None`: 403. A `str`: a redirect (303) to that address; a
            websocket cannot be redirected and is refused with 403. A plain or async function without arguments: its
            result is the answer; a websocket that it did not accept is refused with 403. A call gets an error with
            code 403.

    Raises:
        ConfigurationError: an argument is of another kind.
    """
    return Requires(condition, otherwise)


async def _call(function: Callable[[], Any]) -> Any:
    result = function()
    return await result if is_awaitable(result) else result


def _check_takes_nothing(role: str, function: Callable[..., Any]) -> None:
    try:
        inspect.signature(function).bind()
    except TypeError:
        raise ConfigurationError(
            f"requires: {role} {function!r} takes arguments: it must be a function without arguments; write "
            "@requires(condition) with the condition in parentheses"
        ) from None
    except ValueError:
        return  # some callables written in C have no signature
