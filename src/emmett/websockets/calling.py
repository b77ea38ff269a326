"""Checks on the callers of a connection: their thread, and the end of their tasks with the connection."""

from __future__ import annotations

import asyncio

from ..errors import UsageError, WebsocketClosed


def check_caller(loop: asyncio.AbstractEventLoop, call: str) -> None:
    """Check that a call comes from the event loop of its connection: transports and compression are not thread-safe.

    Arguments:
        loop: the event loop of the connection.
        call: the name of the called method.

    Raises:
        UsageError: the call comes from another thread, or from another event loop.
    """
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is not loop:
        raise UsageError(
            f"{call}() works only in the event loop of its connection; in another thread use "
            f"loop.call_soon_threadsafe(connection.{call}, data), with the loop and the connection that the handler "
            "gets from asyncio.get_running_loop() and websocket.connection"
        )


def excuse_closing(task: asyncio.Task[object] | None) -> None:
    """Keep asyncio from logging `WebsocketClosed` for a task whose result is never retrieved.

    The end of a connection is not an error: a task that waits in `receive()` may end with this exception unnoticed.

    Arguments:
        task: the task that gets the exception.
    """
    if task is not None:
        # Only one callback, however often the task calls.
        task.remove_done_callback(_excuse)
        task.add_done_callback(_excuse)


def _excuse(task: asyncio.Task[object]) -> None:
    # Retrieving the exception marks it as seen, which must not happen to any other exception.
    if isinstance(getattr(task, "_exception", None), WebsocketClosed):
        task.exception()
