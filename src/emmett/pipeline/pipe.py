"""`Pipe`: what stands between a route and its handler."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol

from ..errors import ConfigurationError
from ..http.response import Response


class NextPipe(Protocol):
    """What lies behind a pipe: the next pipes and, at their end, the handler."""

    def __call__(self, **kwargs: Any) -> Awaitable[Any]:
        """Go on with these keyword arguments; the awaited value is what the handler side returned."""


class _Nothing:
    """Awaitable that is done at once, so that both `super().open()` and `await super().open()` do."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_NOTHING = _Nothing()


class Pipe:
    """The base of all pipes. A subclass overrides the hooks that it needs; the others cost nothing.

    Every hook may be a plain or an async function. One pipe object serves all requests, websockets and calls of its
    routes at the same time, so what belongs to a single one must not be kept on `self`.

    A class may override `pipe`, for all of them alike, or `pipe_request`, `pipe_ws` and `pipe_call`; both ways together
    raise `ConfigurationError` when the class is defined. `open` and `close` may go together with their specific forms:
    the common hook then opens first and closes last.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in vars(cls).items():
            if callable(value) and not name.startswith("_") and not hasattr(Pipe, name):
                _check_hook_name(cls, name)
        if cls.pipe is Pipe.pipe:
            return
        for specific in ("pipe_request", "pipe_ws", "pipe_call"):
            if getattr(cls, specific) is not getattr(Pipe, specific):
                raise ConfigurationError(
                    f"pipe {cls.__qualname__} has both `pipe` and `{specific}`: use either `pipe`, which serves "
                    "requests, websockets and calls alike, or `pipe_request`, `pipe_ws` and `pipe_call`, one for each"
                )

    def open(self) -> Any:
        """Run before every request, websocket and call. An error ends the flow before the handler is reached."""
        return _NOTHING

    def open_request(self) -> Any:
        """Run before the flow of every request, after `open`."""
        return _NOTHING

    def open_ws(self) -> Any:
        """Run before the flow of every websocket, after `open`; the handshake is not answered yet."""
        return _NOTHING

    def open_call(self) -> Any:
        """Run before every call to a method of `app.calls(...)`, after `open`."""
        return _NOTHING

    def close(self) -> Any:
        """Run after every request, websocket and call that was opened, whatever its end, also on cancellation."""
        return _NOTHING

    def close_request(self) -> Any:
        """Run after the flow of every request that was opened, before `close`."""
        return _NOTHING

    def close_ws(self) -> Any:
        """Run after the flow of every websocket that was opened, before `close`."""
        return _NOTHING

    def close_call(self) -> Any:
        """Run after every call that was opened, before `close`."""
        return _NOTHING

    # No positional arguments come: `*args` lets type checkers accept a hook that names the variables it wants.

    def pipe(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap what lies behind this pipe, for requests, websockets and calls.

        Arguments:
            next_pipe: goes on with the flow, `await next_pipe(**kwargs)`. It may be called once. Not calling it ends
                the flow here: a request is answered with what this hook returns, a websocket that was not accepted
                is refused with 403.
            kwargs: what will reach the handler: the variables of the path, as the pipes before changed them.

        Returns:
            What the pipe before sees as the result; in the end, what the request is answered with.
        """
        return next_pipe(**kwargs)

    def pipe_request(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap what lies behind this pipe, for requests only. See `pipe`."""
        return next_pipe(**kwargs)

    def pipe_ws(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap what lies behind this pipe, for websockets only. See `pipe`."""
        return next_pipe(**kwargs)

    def pipe_call(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap what comes after this pipe, for calls to a method of `app.calls(...)` only. See `pipe`.

        Arguments:
            kwargs: the parameters of the call. What this hook returns is the result.
        """
        return next_pipe(**kwargs)

    def on_pipe_success(self) -> Any:
        """Run when what lies behind this pipe returned, or ended with a redirect (`HTTPException` below 400)."""
        return _NOTHING

    def on_pipe_failure(self) -> Any:
        """Run when what lies behind this pipe raised anything else; a cancellation counts too."""
        return _NOTHING

    def on_receive(self, data: Any, /) -> Any:
        """Return what the handler's `receive()` gets for a message `data`, or `DROP` to swallow the message.

        The first pipe sees the `str` or `bytes` that the peer sent, each following one what the pipe before returned.
        """
        return data

    def on_send(self, data: Any, /) -> Any:
        """Return what is sent for the `data` that the handler gave to `send()`, or `DROP` to send nothing.

        The last pipe, the one nearest to the handler, comes first.
        """
        return data

    # Answers the CORS preflight of a route, given the methods that its path takes. A pipe that has it is asked in place
    # of the handler, the outermost one of the route that would take the method that the browser asks for.
    on_preflight: Callable[[frozenset[str]], Response] | None = None

    def on_stream(self) -> Any:
        """Run before the first byte of a streamed response is sent."""
        return _NOTHING


_HOOKS = tuple(name for name in vars(Pipe) if not name.startswith("_"))
# What hooks might be called, and are not.
_OTHER_NAMES = {"on_message": "on_receive", "on_success": "on_pipe_success", "on_failure": "on_pipe_failure"} | {
    f"{step}_{other}": f"{step}_ws" for step in ("open", "close", "pipe") for other in ("websocket", "socket")
}


def _check_hook_name(kind: type[Pipe], name: str) -> None:
    """Refuse a method whose name is nearly that of a hook: it would never be called."""
    close = difflib.get_close_matches(name, _HOOKS, n=1, cutoff=0.8)
    hook = _OTHER_NAMES.get(name) or (close[0] if close else None)
    if hook is not None:
        raise ConfigurationError(
            f"pipe {kind.__qualname__} has {name!r}, which is no hook; did you mean {hook!r}? The hooks are "
            f"{', '.join(sorted(_HOOKS))}; begin the name of a method of your own with an underscore"
        )
