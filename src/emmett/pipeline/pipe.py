"""`Pipe`: the base class of everything that runs between a route and its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from typing import Any, Protocol

from ..errors import ConfigurationError
from ..http.response import Response


class NextPipe(Protocol):
    """The rest of the flow inside a pipe: the following pipes and, innermost, the handler."""

    def __call__(self, **kwargs: Any) -> Awaitable[Any]:
        """Continue the flow with these keyword arguments. The awaited value is the result of the inner flow."""


class _Nothing:
    """An awaitable that completes at once, so that both `super().open()` and `await super().open()` work."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_NOTHING = _Nothing()


class Pipe:
    """The base of all pipes. A subclass overrides the hooks that it needs; the others cost nothing.

    Every hook may be a plain or an async function. One pipe object serves all requests, websockets and calls of its
    routes at the same time, so never keep the state of a single one on `self`.

    A class may override either `pipe`, for all three, or `pipe_request`, `pipe_ws` and `pipe_call`. Overriding both
    raises `ConfigurationError` when the class is defined. `open` and `close` can be combined with their specific forms:
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
        """Run before every request, websocket and call. An error ends the flow before it reaches the handler."""
        return _NOTHING

    def open_request(self) -> Any:
        """Run before the flow of every request, after `open`."""
        return _NOTHING

    def open_ws(self) -> Any:
        """Run before the flow of every websocket, after `open` and before the handshake is answered."""
        return _NOTHING

    def open_call(self) -> Any:
        """Run before every call to a method of `app.calls(...)`, after `open`."""
        return _NOTHING

    def close(self) -> Any:
        """Run after every request, websocket and call that was opened, however it ended, even on cancellation."""
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

    # No positional arguments are passed: `*args` lets type checkers accept a hook that names the variables it uses.

    def pipe(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap the rest of the flow, for requests, websockets and calls.

        Arguments:
            next_pipe: continues the flow, `await next_pipe(**kwargs)`. It can be called once. A hook that does not
                call it ends the flow: a request is answered with the hook's result, and a websocket that was not
                accepted is refused with 403.
            kwargs: the arguments for the handler: the variables of the path, as changed by the pipes before.

        Returns:
            The result that the pipe before sees. The result of the outermost pipe answers the request.
        """
        return next_pipe(**kwargs)

    def pipe_request(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap the rest of the flow, for requests only. See `pipe`."""
        return next_pipe(**kwargs)

    def pipe_ws(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap the rest of the flow, for websockets only. See `pipe`."""
        return next_pipe(**kwargs)

    def pipe_call(self, next_pipe: NextPipe, /, *args: Any, **kwargs: Any) -> Any:
        """Wrap the rest of the flow, only for calls to a method of `app.calls(...)`. See `pipe`.

        Arguments:
            kwargs: the parameters of the call. The result of this hook is the result of the call.
        """
        return next_pipe(**kwargs)

    def on_pipe_success(self) -> Any:
        """Run when the rest of the flow returned or ended with a redirect (`HTTPException` below 400)."""
        return _NOTHING

    def on_pipe_failure(self) -> Any:
        """Run when the rest of the flow raised any other exception, including a cancellation."""
        return _NOTHING

    def on_receive(self, data: Any, /) -> Any:
        """Return the value that `receive()` returns to the handler for a message `data`, or `DROP` to discard it.

        The first pipe sees the `str` or `bytes` that the peer sent, each following one the result of the pipe before.
        """
        return data

    def on_send(self, data: Any, /) -> Any:
        """Return the message to send for the `data` that the handler passed to `send()`, or `DROP` to send nothing.

        The last pipe of the list, nearest to the handler, runs first.
        """
        return data

    # Answers the CORS preflight of a route, given the methods of its path, in place of the handler. With several such
    # pipes, the outermost one of the route that takes the requested method answers.
    on_preflight: Callable[[frozenset[str]], Response] | None = None

    # The names of the arguments that the pipe passes to the handler, which are then not read from the request.
    passes: Collection[str] = ()

    # The credentials that the pipe requires, as a security scheme of OpenAPI, for documents:
    # {"type": "http", "scheme": "bearer"}.
    security: Mapping[str, Any] | None = None

    def on_stream(self) -> Any:
        """Run before the first byte of a streamed response is sent."""
        return _NOTHING


_HOOKS = tuple(name for name in vars(Pipe) if not name.startswith("_") and name not in ("passes", "security"))
# Names that look like hooks and are never called.
_OTHER_NAMES = {"on_message": "on_receive", "on_success": "on_pipe_success", "on_failure": "on_pipe_failure"} | {
    f"{step}_{other}": f"{step}_ws" for step in ("open", "close", "pipe") for other in ("websocket", "socket")
}


def _check_hook_name(kind: type[Pipe], name: str) -> None:
    """Refuse a method whose name resembles that of a hook, since it would never be called."""
    from difflib import get_close_matches

    close = get_close_matches(name, _HOOKS, n=1, cutoff=0.8)
    hook = _OTHER_NAMES.get(name) or (close[0] if close else None)
    if hook is not None:
        raise ConfigurationError(
            f"pipe {kind.__qualname__} has {name!r}, which is not a hook; did you mean {hook!r}? The hooks are "
            f"{', '.join(sorted(_HOOKS))}; start the names of your own methods with an underscore"
        )
