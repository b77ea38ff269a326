"""`Flow`: a handler with the hooks of its pipes around it, ready to run."""

from __future__ import annotations

from typing import Any, NamedTuple

from .chain import Call
from .hooks import Hook, invoke
from .outcome import log_outranked, outranks


class OpenHook(NamedTuple):
    """An `open` hook, and how many of the flow's `closes` are due before it has run."""

    hook: Hook
    closes_due: int


class Flow:
    """The pipeline of one route, composed once at registration, run for each request or websocket.

    Attributes:
        call: the `pipe`, success and failure hooks nested around the handler; the handler itself when there are none.
        opens: the open hooks, in list order.
        closes: the close hooks in list order; they run in reverse.
        has_hooks: whether there are any of these two. Without them `run(arguments)` is `call(**arguments)`.
        on_receive: the hooks that a received message passes, in calling order.
        on_send: the hooks that a sent message passes, in calling order, which is the reverse of the list's.
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

        When an open hook fails, the flow is left out and the pipes before it are closed. Every close hook that is due
        runs, also on cancellation and when another one failed.

        Arguments:
            arguments: the keyword arguments of the handler, as the path gave them.

        Returns:
            What the outermost pipe returned.

        Raises:
            BaseException: what the flow raised; else the first error of a close hook. A cancellation goes before both,
                and an error of a close hook before a redirect. What is not raised is logged.
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
        """Run the first `due` close hooks, the last of them first, while `error` is under way.

        Raises:
            BaseException: the error of a hook that takes the place of `error`.
        """
        while due:
            due -= 1
            hook = self.closes[due]
            try:
                await invoke(hook)
            except BaseException as failed:
                if error is None or outranks(failed, error):
                    # Recursion keeps the error in an except block alone: in a variable it would be a cycle.
                    await self._close(due, failed)
                    raise
                log_outranked(hook, failed)
