"""`Flow`: a handler with the hooks of its pipes around it, ready to run."""

from __future__ import annotations

from typing import Any, NamedTuple

from .chain import Call
from .hooks import Hook, invoke
from .outcome import log_suppressed, takes_precedence


class OpenHook(NamedTuple):
    """An `open` hook, with the number of the flow's `closes` that are due before it runs."""

    hook: Hook
    closes_due: int


class Flow:
    """The pipeline of one route, composed once at registration and run for each request, websocket or call.

    Attributes:
        call: the `pipe`, success and failure hooks nested around the handler; the handler itself when there are none.
        opens: the open hooks, in list order.
        closes: the close hooks in list order; they run in reverse.
        has_hooks: whether there are open or close hooks. Without them, `run(arguments)` equals `call(**arguments)`.
        on_receive: the hooks for received messages, in calling order.
        on_send: the hooks for sent messages, in calling order, which is the reverse of list order.
        on_stream: the hooks to call before a streamed response is sent.
    """

    __slots__ = ("call", "closes", "has_hooks", "on_receive", "on_send", "on_stream", "opens")

    def __init__(
        self,
        call: Call,
        *,
        opens: tuple[OpenHook, ...] = (),
        closes: tuple[Hook, ...] = (),
        on_receive: tuple[Hook, ...] = (),
        on_send: tuple[Hook, ...] = (),
        on_stream: tuple[Hook, ...] = (),
    ) -> None:
        self.call = call
        self.opens = opens
        self.closes = closes
        self.has_hooks = bool(opens or closes)
        self.on_receive = on_receive
        self.on_send = on_send
        self.on_stream = on_stream

    async def run(self, arguments: dict[str, Any]) -> Any:
        """Run the open hooks, the flow and the close hooks.

        If an open hook fails, the flow is skipped and only the pipes before it are closed. Every close hook that is
        due runs, even on cancellation and when another close hook failed.

        Arguments:
            arguments: the keyword arguments of the handler, taken from the path.

        Returns:
            The result of the outermost pipe.

        Raises:
            BaseException: the error of the flow, otherwise the first error of a close hook. A cancellation takes
                precedence over both, and an error of a close hook over a redirect. Errors that are not raised are
                logged.
        """
        if not self.has_hooks:
            return await self.call(**arguments)
        due = 0
        try:
            for opening in self.opens:
                due = opening.closes_due
                await invoke(opening.hook)
            due = len(self.closes)
            result = await self.call(**arguments)
        except BaseException as error:
            await self._close(due, error)
            raise
        await self._close(due, None)
        return result

    async def _close(self, due: int, error: BaseException | None) -> None:
        """Run the first `due` close hooks in reverse order while `error` propagates.

        Raises:
            BaseException: the error of a hook that replaces `error`.
        """
        while due:
            due -= 1
            hook = self.closes[due]
            try:
                await invoke(hook)
            except BaseException as failed:
                if error is None or takes_precedence(failed, error):
                    # The recursion keeps the error inside an except block: a variable would create a cycle.
                    await self._close(due, failed)
                    raise
                log_suppressed(hook, failed)
