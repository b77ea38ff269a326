"""The outcome of a flow, and the error that propagates when a hook fails as well."""

from __future__ import annotations

import logging

from ..errors import HTTPException, PeerError, WebsocketClosed
from .groups import find_answer, leaves
from .hooks import Hook, invoke

logger = logging.getLogger("emmett.pipeline")


def is_success(error: BaseException) -> bool:
    """Return whether an exception is a successful result: an HTTP answer below 400, such as a redirect.

    A task group that is ended by a redirect raises it in a group.
    """
    answer = find_answer(error, (HTTPException,))
    return isinstance(answer, HTTPException) and answer.status < 400


def takes_precedence(new: BaseException, old: BaseException) -> bool:
    """Return whether the error of a hook replaces the error that is already propagating.

    The flow's own error wins, since it is the cause. A redirect gives way, since it promises success. A cancellation
    always propagates: an `HTTPException` in its place would be answered as if nothing had been cancelled.
    """
    return is_success(old) or (isinstance(old, Exception) and not isinstance(new, Exception))


async def invoke_during(hook: Hook, error: BaseException) -> None:
    """Call a hook while `error` propagates. The caller raises `error` again when this returns.

    Raises:
        BaseException: the hook's own error, if it takes precedence over `error`. Other errors are logged.
    """
    try:
        await invoke(hook)
    except BaseException as failed:
        if takes_precedence(failed, error):
            raise
        log_suppressed(hook, failed)


def log_suppressed(hook: Hook, error: BaseException) -> None:
    """Log the error of a hook that is not raised. Errors that a peer can cause are logged without a traceback."""
    if all(isinstance(leaf, PeerError | WebsocketClosed) for leaf in leaves(error)):
        logger.debug("%s: %s", hook.name, error)
    elif isinstance(error, Exception):
        logger.error("%s failed while another error was propagating", hook.name, exc_info=error)
