"""The broker on Redis or Valkey.

Live publications use PUBLISH. History is one stream per channel, which one script writes and publishes atomically;
presence is three keys per channel, again written by scripts. There are two connections to each server, however many
calls are made: one for calls, on which all calls of one turn of the event loop leave in one write, and one for
subscriptions.
"""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ....errors import BrokerUnavailable, UsageError
from ...publication import Position
from ..arguments import check_arguments
from ..port import KEY_KEPT, NO_NEEDS, Entry, History, Limits, Listener, Needs
from ..trial import try_channels
from . import scripts
from .address import parse_urls
from .cluster import Cluster
from .format import RedisNames, pack_live, unpack_logged
from .sentinels import Sentinels
from .servers import Servers
from .shards import Shards

# Milliseconds for which epoch and offset outlive the history, and presence outlives its members, so that their leaves
# can be reported.
EPOCH_KEPT = 86_400_000
GONE_KEPT = 3_600_000
# Larger than any offset, as Lua cannot count further.
TOO_LARGE = 2**53
# Connections per call of the script that keeps them: it blocks the server while it runs.
MAX_KEPT = 1_000


class RedisBroker:
    """A broker on servers shared by several processes. See `Broker` for the promises of each method.

    Arguments:
        urls: `redis://user:password@host:port/0`, `rediss://` for TLS, `unix:///path`, as redis-py reads them; several
            servers separated by commas; or nodes of a cluster, `redis+cluster://host:port`. A query `?durable=yes`
            declares that the server keeps everything that it has acknowledged, even after a crash or a failover:
            positions then stay valid. `appendonly yes` with `appendfsync always` makes a server durable; a replica that
            takes over is not.
        prefix: the prefix of all names on the servers.
        timeout: the maximum seconds for each call. A silent server is detected within twice this time.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(self, urls: str, *, prefix: str = "emmett", timeout: float = 5.0) -> None:
        check_arguments(prefix, timeout)
        self._target = parse_urls(urls)
        self._names = RedisNames(prefix)
        self._prefix = prefix
        self._timeout = timeout
        self._servers: Servers | None = None
        # The prefix of epochs that this process may have to begin.
        self._life = secrets.token_hex(8)
        self._epochs = itertools.count(1)

    async def start(self, listener: Listener) -> None:
        """Connect to all servers, or to the available ones of a cluster. See also `Broker` for all methods."""
        if self._servers is not None:
            raise UsageError("the Redis broker has already started")
        servers = self._servers = self._make_servers(listener)
        try:
            await servers.start()
        except BaseException:
            if self._servers is servers:
                self._servers = None
            raise

    async def stop(self) -> None:
        servers, self._servers = self._servers, None
        if servers is not None:
            await servers.stop()

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        servers = self._require()
        await servers.check()
        return await try_channels(self, servers.trial_channels(), needs)

    async def subscribe(self, names: Collection[str]) -> None:
        await self._require().subscribe(names)

    async def unsubscribe(self, names: Collection[str]) -> None:
        if self._servers is not None:
            self._servers.unsubscribe(names)

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        servers = self._require()
        wire = self._names.wire(channel)
        if limits is None:
            await servers.ask(channel, "PUBLISH", wire, pack_live(payload))
            return None
        ttl = _milliseconds(limits.ttl)
        arguments = (self._new_epoch(), wire, limits.size, ttl, ttl + EPOCH_KEPT, payload)
        answer = await servers.run(scripts.PUBLISH, channel, self._names.log_keys(channel), arguments)
        return servers.read(_position, answer, channel)

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        servers, kept = self._require(), _milliseconds(KEY_KEPT)
        wire, once = self._names.wire(channel), self._names.once_key(channel, key, limits is not None)
        if limits is None:
            await servers.run(scripts.PUBLISH_LIVE_ONCE, channel, (once,), (wire, pack_live(payload), kept))
            return None
        ttl = _milliseconds(limits.ttl)
        arguments = (self._new_epoch(), wire, limits.size, ttl, ttl + EPOCH_KEPT, payload, kept)
        keys = (*self._names.log_keys(channel), once)
        answer = await servers.run(scripts.PUBLISH_ONCE, channel, keys, arguments)
        return servers.read(_position, answer, channel)

    async def remove_history(self, channel: str, limits: Limits) -> None:
        await self._require().run(scripts.REMOVE, channel, self._names.log_keys(channel), ())

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        epoch, offset = ("", 0) if since is None else (since.epoch, min(since.offset, TOO_LARGE))
        arguments = (
            *(self._new_epoch(), EPOCH_KEPT, limits.size, _milliseconds(limits.ttl)),
            *(epoch, offset, -1 if limit is None else limit, -1 if max_bytes is None else max_bytes),
        )
        servers = self._require()
        answer = await servers.run(scripts.READ, channel, self._names.log_keys(channel), arguments)
        return servers.read(_history, answer, channel)

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        milliseconds = _milliseconds(ttl)
        arguments = (connection, member, info, milliseconds, milliseconds + GONE_KEPT)
        return bool(await self._run_in_room(scripts.JOIN, channel, arguments))

    async def leave(self, channel: str, connection: str) -> str | None:
        member = await self._run_in_room(scripts.LEAVE, channel, (connection,))
        return None if member is None else self._require().read(_text, member, channel)

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        milliseconds, all_of_them = _milliseconds(ttl), list(connections)
        gone: list[str] = []
        for begin in range(0, max(1, len(all_of_them)), MAX_KEPT):
            some = all_of_them[begin : begin + MAX_KEPT]
            is_last = begin + MAX_KEPT >= len(all_of_them)
            arguments = (int(is_last), milliseconds, milliseconds + GONE_KEPT, *some)
            answer = await self._run_in_room(scripts.KEEP, channel, arguments)
            gone += self._require().read(_texts, answer, channel)
        return gone

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        answer = await self._run_in_room(scripts.PRESENT, channel, ())
        return self._require().read(_present, answer, channel)

    async def take(self, bucket: str, calls: int, period: float) -> float:
        servers = self._require()
        arguments = (calls, _microseconds(period))
        answer = await servers.run(scripts.TAKE, bucket, (self._names.bucket_key(bucket),), arguments)
        return servers.read(_wait, answer, bucket)

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        keys = (self._names.lease_key(lease),)
        return bool(await self._require().run(scripts.HOLD, lease, keys, (holder, _milliseconds(ttl))))

    async def release(self, lease: str, holder: str) -> None:
        await self._require().run(scripts.RELEASE, lease, (self._names.lease_key(lease),), (holder,))

    async def _run_in_room(self, script: scripts.Script, channel: str, arguments: Sequence[Any]) -> Any:
        return await self._require().run(script, channel, self._names.room_keys(channel), arguments)

    def _make_servers(self, listener: Listener) -> Servers:
        common = (listener, self._names, self._timeout, self._prefix)
        if self._target.sentinels:
            return Sentinels(self._target, *common)
        return (Cluster if self._target.is_cluster else Shards)(self._target.addresses, *common)

    def _require(self) -> Servers:
        if self._servers is None:
            raise BrokerUnavailable("the Redis broker does not answer: it is not started")
        return self._servers

    def _new_epoch(self) -> str:
        return f"{self._life}-{next(self._epochs)}"


def _milliseconds(seconds: float) -> int:
    """Convert a time to milliseconds that the server can count, at least one."""
    return max(1, math.ceil(min(seconds, 10 * 365 * 86_400) * 1000))


def _microseconds(seconds: float) -> int:
    """Convert the period of a token bucket to microseconds that Lua can count, at least one."""
    return max(1, round(min(seconds, 10 * 365 * 86_400) * 1e6))


def _wait(answer: Any) -> float:
    return int(answer) / 1e6


def _position(answer: Any) -> Position:
    epoch, offset = answer
    return Position(epoch.decode(), offset)


def _history(answer: Any) -> History:
    name, top, is_complete, count, items = answer
    epoch = name.decode()
    entries: list[Entry] = [unpack_logged(epoch, item) for item in items]
    return History(entries, Position(epoch, top), bool(is_complete) and len(entries) == count)


def _text(value: bytes) -> str:
    return value.decode()


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode() for value in values]


def _present(answer: Any) -> dict[str, tuple[bytes, int]]:
    connections, over, members = answer
    infos = {member: value.partition(b":")[2] for member, value in zip(members[::2], members[1::2], strict=True)}
    ended = set(over)
    found: dict[str, tuple[bytes, int]] = {}
    for connection, member in zip(connections[::2], connections[1::2], strict=True):
        if connection not in ended:
            name = member.decode()
            found[name] = (infos[member], found.get(name, (b"", 0))[1] + 1)
    return found
