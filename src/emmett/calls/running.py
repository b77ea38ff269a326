"""One call while it runs: from its parameters to its reply."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import UNSET, Raw, UnsetType

from ..errors import CallError, HTTPException, WebsocketClosed
from ..typed.faults import Fault
from ..typed.parameters import Signature
from ..websockets.websocket import Websocket
from .batch import CallBatch
from .codecs import Codec
from .jsonrpc import Error, ErrorCode, ErrorReply, Id, Reply, ResultReply
from .method import InvalidParams, Method, MethodKind
from .streaming import ItemSink, current_sink

logger = logging.getLogger("emmett.calls")


class Caller(Protocol):
    """The caller of a function: the connection that the call came from.

    Attributes:
        codec: how its messages are encoded.
        websocket: the connection.
        is_ending: whether all its calls are being cancelled.
    """

    codec: Codec
    websocket: Websocket
    is_ending: bool

    async def admit(self, method: Method) -> Error | None:
        """Count a call of the user, and return the error if it is refused."""

    def inject(self, signature: Signature, arguments: dict[str, Any]) -> None:
        """Add the injected arguments, which do not come from the caller."""

    async def send(self, message: Any) -> None:
        """Send a message. Wait while the peer does not keep up."""

    def send_reply(self, reply: Reply) -> Awaitable[None]:
        """Send the reply to a call."""


class RunningCall:
    """One call, stream or event of a connection.

    Arguments:
        caller: the connection that made the call.
        method: the method.
        id: its id; `UNSET` for an event.
        params: its parameters, not yet decoded.
        batch: collects the replies of its batch; None if it came alone.
    """

    __slots__ = ("_batch", "_caller", "_is_cancelled", "_task", "id", "method", "params")

    def __init__(
        self,
        caller: Caller,
        method: Method,
        id: Id | UnsetType,
        params: Raw | UnsetType,
        batch: CallBatch | None,
    ) -> None:
        self._caller = caller
        self.method = method
        self.id = id
        self.params = params
        self._batch = batch
        # The task to cancel; None while there is nothing to cancel.
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """Cancel the call at its caller's request. It is still answered."""
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()

    async def run(self, task: asyncio.Task[Any]) -> None:
        """Run the call, and send its reply.

        Arguments:
            task: the task that runs this.
        """
        reply: Reply | None
        if self._is_cancelled:
            # The call was cancelled while it waited for its turn.
            reply = self._cancelled()
        else:
            self._task = task
            method = self.method
            try:
                if method.is_plain:
                    result = await method.flow.call(**method.bind(self.params, self._caller.codec))
                else:
                    result = await self._result()
                reply = None if self.id is UNSET else ResultReply(self.id, result)
            except Exception as error:
                reply = self._failed(error)
            except asyncio.CancelledError as error:
                reply = self._interrupted(error, task)
            # From here on, a cancellation comes too late.
            self._task = None
        if reply is None:
            return
        try:
            if self._batch is None:
                await self._caller.send_reply(reply)
            else:
                await self._batch.add(reply)
        except WebsocketClosed:
            # The connection has ended, so there is no one to reply to.
            pass

    async def _result(self) -> Any:
        method = self.method
        if method.is_limited_per_user and (refusal := await self._caller.admit(method)) is not None:
            raise CallError(refusal.code, refusal.message, refusal.data)
        arguments = self._arguments()
        if method.options.timeout is not None:
            return await self._within(method.options.timeout, arguments)
        return await method.flow.run(arguments)

    def _arguments(self) -> dict[str, Any]:
        method, caller = self.method, self._caller
        if method.kind is MethodKind.STREAM:
            arguments, token = method.bind_stream(self.params, caller.codec)
            if token is UNSET:
                token = None if self.id is UNSET else self.id
            current_sink.set(ItemSink(caller.send, token))
        else:
            arguments = method.bind(self.params, caller.codec)
        if method.signature.is_injected:
            caller.inject(method.signature, arguments)
        return arguments

    async def _within(self, seconds: float, arguments: dict[str, Any]) -> Any:
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await self.method.flow.run(arguments)
        except TimeoutError:
            if not deadline.expired():
                raise
            logger.warning("%s: the call took longer than its timeout of %g s", self.method.name, seconds)
            raise CallError(
                ErrorCode.SERVER_CANCELLED, f"the call took longer than {seconds:g} s", {"timeout": seconds}
            ) from None

    def _failed(self, error: Exception | asyncio.CancelledError) -> Reply | None:
        """Return the reply to a call that raised."""
        if isinstance(error, InvalidParams):
            return self._error(ErrorCode.INVALID_PARAMS, "Invalid params", _describe(error.faults))
        if isinstance(error, CallError):
            return self._error(error.code, error.message, error.data)
        if isinstance(error, HTTPException):
            # `abort(403)`: the status is the code.
            body = error.body if isinstance(error.body, str) else ""
            return self._error(error.status, body or _phrase(error.status))
        if isinstance(error, WebsocketClosed) and self._caller.websocket.closed:
            return None
        logger.error("%s: the call failed", self.method.name, exc_info=error)
        return self._error(ErrorCode.INTERNAL_ERROR, "Internal error")

    def _interrupted(self, error: asyncio.CancelledError, task: asyncio.Task[Any]) -> Reply | None:
        """Return the reply to a call that was cancelled.

        Raises:
            asyncio.CancelledError: all of the connection's calls are.
        """
        if self._caller.is_ending:
            raise error
        # The cancellation was for this call, not for its task, which may go on to run another one.
        while task.cancelling():
            task.uncancel()
        return self._cancelled() if self._is_cancelled else self._failed(error)

    def _cancelled(self) -> Reply | None:
        return self._error(ErrorCode.REQUEST_CANCELLED, "the call was cancelled")

    def _error(self, code: int, message: str, data: Any = None) -> Reply | None:
        if self.id is UNSET:
            if code == ErrorCode.INVALID_PARAMS:
                logger.info("%s: dropped an event because its parameters do not fit: %s", self.method.name, data)
            return None
        return ErrorReply(self.id, Error(int(code), message, UNSET if data is None else data))


def _describe(faults: list[Fault]) -> list[dict[str, Any]]:
    return [{"path": list(fault.path), "message": fault.message} for fault in faults]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
