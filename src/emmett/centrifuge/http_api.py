"""The HTTP API: `ServerAPI` in the form of Centrifugo's HTTP API, so that its libraries work unchanged."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from ..channels import Position
from ..errors import BrokerUnavailable, ChannelDenied
from .codes import (
    FORCE_DISCONNECT,
    CommandFailed,
    bad_request,
    internal_error,
    limit_exceeded,
    method_not_found,
)
from .messages import NOTHING, StreamPosition
from .server_api import ServerAPI

# The most commands in a batch, and channels in a broadcast.
MAX_BATCH = 1000

logger = logging.getLogger("emmett.centrifuge")


class _Empty(msgspec.Struct):
    """The parameters of a method that has none."""


class _Publish(msgspec.Struct):
    channel: str
    data: Raw = NOTHING
    b64data: str = ""
    tags: dict[str, str] | None = None
    skip_history: bool = False
    idempotency_key: str = ""


class _Broadcast(msgspec.Struct):
    channels: list[str]
    data: Raw = NOTHING
    b64data: str = ""
    tags: dict[str, str] | None = None
    skip_history: bool = False
    idempotency_key: str = ""


class _Disconnect(msgspec.Struct):
    code: int = FORCE_DISCONNECT.code
    reason: str = FORCE_DISCONNECT.reason


class _DisconnectUser(msgspec.Struct):
    user: str = ""
    client: str = ""
    session: str = ""
    whitelist: list[str] = msgspec.field(default_factory=list)
    disconnect: _Disconnect = msgspec.field(default_factory=_Disconnect)


class _UserChannel(msgspec.Struct):
    user: str = ""
    channel: str = ""
    client: str = ""
    session: str = ""
    info: Any = None
    data: Any = None
    expire_at: float = 0


class _RefreshUser(msgspec.Struct):
    user: str = ""
    client: str = ""
    session: str = ""
    expired: bool = False
    expire_at: float | None = None


class _ChannelOnly(msgspec.Struct):
    channel: str


class _History(msgspec.Struct):
    channel: str
    limit: int = 0
    since: StreamPosition | None = None
    reverse: bool = False


class _ChannelPattern(msgspec.Struct):
    pattern: str = ""


class _BatchRequest(msgspec.Struct):
    commands: list[dict[str, Raw]]
    parallel: bool = False


class HTTPAPI:
    """Answers the requests of server libraries.

    Arguments:
        server: carries out the requests.
        keys: the keys; each request must have one of them.
    """

    def __init__(self, server: ServerAPI, keys: Sequence[str]) -> None:
        self._server = server
        self._keys = [key.encode() for key in keys]

    def is_allowed(self, header: str | None, authorization: str | None) -> bool:
        """Return whether a request has a key: in X-API-Key, or in Authorization after "apikey"."""
        scheme, _, credentials = (authorization or "").partition(" ")
        given = (header or (credentials.strip() if scheme.lower() == "apikey" else "")).encode()
        is_allowed = False
        for key in self._keys:
            # Every key is compared, in constant time.
            is_allowed |= hmac.compare_digest(given, key)
        return is_allowed

    async def answer(self, method: str, body: bytes) -> dict[str, Any]:
        """Return the answer to a request: under `result`, or `error` with code and message."""
        if method == "batch":
            return await self._batch(body)
        try:
            return {"result": await self._call(method, body)}
        except CommandFailed as error:
            return {"error": {"code": error.code, "message": error.message}}

    async def _batch(self, body: bytes) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(body, type=_BatchRequest)
            if len(request.commands) > MAX_BATCH or any(len(each) != 1 for each in request.commands):
                raise ValueError("expected up to 1000 commands with one method each")
            if any("batch" in each for each in request.commands):
                raise ValueError("a batch cannot contain a batch")
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return {"error": {"code": 107, "message": f"bad request: {error}"}}
        jobs = [self._reply(*next(iter(each.items()))) for each in request.commands]
        return {"replies": await asyncio.gather(*jobs) if request.parallel else [await job for job in jobs]}

    async def _reply(self, method: str, params: Raw) -> dict[str, Any]:
        found = await self.answer(method, bytes(params))
        return {method: found["result"]} if "result" in found else found

    async def _call(self, method: str, body: bytes) -> Any:
        if method not in _METHODS:
            raise method_not_found()
        type_, function = _METHODS[method]
        try:
            request: Any = msgspec.json.decode(body or b"{}", type=type_)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise CommandFailed(107, f"bad request: {error}") from None
        try:
            return await function(self._server, request)
        except ChannelDenied as error:
            raise CommandFailed(107, f"bad request: {error}") from None
        except BrokerUnavailable as error:
            logger.warning("%s: the broker of the channels does not answer: %s", method, error)
            raise internal_error() from None
        except ValueError as error:
            raise CommandFailed(107, f"bad request: {error}") from None


def _data_of(request: _Publish | _Broadcast) -> str | bytes:
    if request.b64data:
        try:
            return base64.b64decode(request.b64data, validate=True)
        except binascii.Error:
            raise bad_request() from None
    if request.data == NOTHING:
        raise bad_request()
    return bytes(request.data).decode()


def _position(position: Position | None) -> dict[str, Any]:
    return {} if position is None else {"offset": position.offset, "epoch": position.epoch}


async def _publish(server: ServerAPI, request: _Publish) -> Any:
    return await _publish_to(server, request.channel, _data_of(request), request)


async def _publish_to(server: ServerAPI, channel: str, data: str | bytes, request: _Publish | _Broadcast) -> Any:
    position = await server.publish(
        channel,
        data,
        tags=request.tags,
        skip_history=request.skip_history,
        idempotency_key=request.idempotency_key,
    )
    return _position(position)


async def _broadcast(server: ServerAPI, request: _Broadcast) -> Any:
    if len(request.channels) > MAX_BATCH:
        raise limit_exceeded()
    data = _data_of(request)
    responses: list[dict[str, Any]] = []
    for channel in request.channels:
        try:
            responses.append({"result": await _publish_to(server, channel, data, request)})
        except (ChannelDenied, ValueError) as error:
            responses.append({"error": {"code": 107, "message": f"bad request: {error}"}})
        except BrokerUnavailable:
            responses.append({"error": {"code": 100, "message": "internal server error"}})
    return {"responses": responses}


async def _disconnect(server: ServerAPI, request: _DisconnectUser) -> Any:
    ending = request.disconnect
    await server.disconnect(
        request.user,
        client=request.client or request.session,
        keep=request.whitelist,
        code=ending.code or FORCE_DISCONNECT.code,
        reason=ending.reason or FORCE_DISCONNECT.reason,
    )
    return {}


async def _unsubscribe(server: ServerAPI, request: _UserChannel) -> Any:
    await server.unsubscribe(request.user, request.channel, client=request.client or request.session)
    return {}


async def _subscribe(server: ServerAPI, request: _UserChannel) -> Any:
    client = request.client or request.session
    await server.subscribe(
        request.user,
        request.channel,
        client=client,
        info=request.info,
        data=request.data,
        expires_at=request.expire_at or None,
    )
    return {}


async def _refresh(server: ServerAPI, request: _RefreshUser) -> Any:
    client = request.client or request.session
    await server.refresh(request.user, client=client, expired=request.expired, expires_at=request.expire_at)
    return {}


async def _presence(server: ServerAPI, request: _ChannelOnly) -> Any:
    return {"presence": await server.presence(request.channel)}


async def _presence_stats(server: ServerAPI, request: _ChannelOnly) -> Any:
    present = await server.presence(request.channel)
    return {"num_clients": len(present), "num_users": len({each.user for each in present.values()})}


async def _history(server: ServerAPI, request: _History) -> Any:
    since = None if request.since is None else Position(request.since.epoch, request.since.offset)
    return await server.history(request.channel, limit=request.limit, since=since, reverse=request.reverse)


async def _history_remove(server: ServerAPI, request: _ChannelOnly) -> Any:
    await server.remove_history(request.channel)
    return {}


async def _channels(server: ServerAPI, request: _ChannelPattern) -> Any:
    found = await server.channels(request.pattern or "*")
    return {"channels": {channel: {"num_clients": count} for channel, count in found.items()}}


async def _info(server: ServerAPI, request: _Empty) -> Any:
    return {
        "nodes": [
            {
                "uid": each.node,
                "name": each.node,
                "version": "emmett",
                "num_clients": each.clients,
                "num_users": each.users,
                "num_subs": each.subscriptions,
                "num_channels": len(each.channels),
            }
            for each in await server.nodes()
        ]
    }


_METHODS: dict[str, tuple[type, Callable[[ServerAPI, Any], Awaitable[Any]]]] = {
    "publish": (_Publish, _publish),
    "broadcast": (_Broadcast, _broadcast),
    "disconnect": (_DisconnectUser, _disconnect),
    "unsubscribe": (_UserChannel, _unsubscribe),
    "subscribe": (_UserChannel, _subscribe),
    "refresh": (_RefreshUser, _refresh),
    "presence": (_ChannelOnly, _presence),
    "presence_stats": (_ChannelOnly, _presence_stats),
    "history": (_History, _history),
    "history_remove": (_ChannelOnly, _history_remove),
    "channels": (_ChannelPattern, _channels),
    "info": (_Empty, _info),
}
