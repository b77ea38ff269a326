"""How a flow ended, and which error goes on when a hook fails on top of it."""

from __future__ import annotations

import logging

from ..errors import HTTPException, PeerError, WebsocketClosed
from .groups import find_answer, leaves
from .hooks import Hook, invoke

logger = logging.getLogger("emmett.pipeline")


def is_success(error: BaseException) -> bool:
    """Tell whether an exception is a result in disguise: an HTTP answer below 400, such as a redirect.

    A task group that a redirect has ended raises it in a group.
    """
    answer = find_answer(error, (HTTPException,))
    return isinstance(answer, HTTPException) and answer.status < 400


def outranks(new: BaseException, old: BaseException) -> bool:
    """Tell whether the error of a hook takes the place of the one that is under way.

    The flow's own error wins, as it is the cause. A redirect gives way, since it promises that all went well. A
    cancellation always goes through: an `HTTPException` in its place would be answered as if nobody had cancelled.
    """
    return is_success(old) or (isinstance(old, Exception) and not isinstance(new, Exception))


async def invoke_beside(hook: Hook, error: BaseException) -> None:
    """Call a hook while `error` is under way; the caller raises `error` again when this returns.

    Raises:
        BaseException: the hook's own error, where it outranks `error`. Any other is logged.
    """
    try:
        await invoke(hook)
    except BaseException as failed:
        if outranks(failed, error):
            raise
        log_outranked(hook, failed)


def log_outranked(hook: Hook, error: BaseException) -> None:
    """Log the error of a hook that nobody will see raised. What a peer can cause shows no traceback."""
    if all(isinstance(leaf, PeerError | WebsocketClosed) for leaf in leaves(error)):
        logger.debug("%s: %s", hook.name, error)
    elif isinstance(error, Exception):
        logger.error("%s failed while another error was under way", hook.name, exc_info=error)
