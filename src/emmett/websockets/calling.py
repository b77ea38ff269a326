"""What the callers of a connection may do: which thread they are in, and how their tasks end with it."""

from __future__ import annotations

import asyncio

from ..errors import UsageError, WebsocketClosed


def check_caller(loop: asyncio.AbstractEventLoop, call: str) -> None:
    """Check that a call comes from the event loop of its connection: transports and compression know no threads.

    Arguments:
        loop: the event loop of the connection.
        call: the call, as the application writes it.

    Raises:
        UsageError: it comes from another thread, or from another event loop.
    """
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is not loop:
        raise UsageError(
            f"{call}() works only in the event loop of its connection; in another thread use "
            f"loop.call_soon_threadsafe(connection.{call}, data), with asyncio.get_running_loop() and "
            "websocket.connection as the handler has them"
        )


def excuse_closing(task: asyncio.Task[object] | None) -> None:
    """Keep asyncio from logging `WebsocketClosed` of a task whose result nobody looks at.

    A connection that ends is no fault: a task that waits in `receive()` meanwhile may end with it unseen.

    Arguments:
        task: the task that gets the error.
    """
    if task is not None:
        # Once only, however often it asks.
        task.remove_done_callback(_excuse)
        task.add_done_callback(_excuse)


def _excuse(task: asyncio.Task[object]) -> None:
    # To ask for the exception marks it as seen: other ones than ours must not be.
    if isinstance(getattr(task, "_exception", None), WebsocketClosed):
        task.exception()
