"""Actions of the server on clients and channels, from any process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..channels import Channels, Details, Position
from ..channels.encoding import encode_data
from ..channels.envelope import pack
from ..channels.names import check_channel
from ..wire.close import check_to_send
from .codec import JSON, json_data
from .codes import FORCE_DISCONNECT, not_available
from .control import Control, NodeReport, Order
from .history import read_history
from .messages import ClientInfo, HistoryRequest, HistoryResult, StreamPosition
from .presence import read_presence


class ServerAPI:
    """Acts on the clients of all processes through the broker. It also works in a program that does not serve.

    Arguments:
        channels: the channels of the application.
        control: sends orders to all processes.
        max_history: the maximum number of publications in an answer.
    """

    def __init__(self, channels: Channels, control: Control, max_history: int) -> None:
        self._channels = channels
        self._control = control
        self._max_history = max_history

    async def publish(
        self,
        channel: str,
        data: Any,
        *,
        tags: Mapping[str, str] | None = None,
        skip_history: bool = False,
        exclude: str = "",
        idempotency_key: str = "",
    ) -> Position | None:
        """Publish to a channel without asking `may_publish`.

        Arguments:
            channel, data: as for `Channels.publish`.
            tags: names and values that clients get in addition to the data.
            skip_history: whether to keep the publication out of the history.
            exclude: the id of a client that must not get it.
            idempotency_key: as for `Channels.publish`.

        Raises:
            BrokerUnavailable, InvalidChannel, TypeError, ValueError: as `Channels.publish`.
        """
        details = Details(tags=dict(tags or {}), exclude=exclude) if tags or exclude else None
        if not skip_history:
            return await self._channels.publish(
                channel, data, check=False, details=details, idempotency_key=idempotency_key
            )
        check_channel(channel)
        content = data if isinstance(data, (str, bytes)) else encode_data(data)
        running = self._channels.running()
        most = running.hub.namespaces.of(channel).max_message_size
        if len(content) > most:
            raise ValueError(f"{len(content)} bytes for channel {channel!r}: max_message_size is {most}")
        payload = pack(content, details=details)
        if idempotency_key:
            return await running.broker.publish_once(channel, payload, None, idempotency_key)
        return await running.broker.publish(channel, payload, None)

    async def broadcast(
        self,
        channels: Collection[str],
        data: Any,
        *,
        tags: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> dict[str, Position | None]:
        """Publish the same data to many channels, up to the first error, and return the positions.

        Arguments:
            idempotency_key: as for `publish`, in each channel; with it the call may be repeated after an error.

        Raises:
            BrokerUnavailable, InvalidChannel, TypeError, ValueError: as `Channels.publish`.
        """
        key = idempotency_key
        return {channel: await self.publish(channel, data, tags=tags, idempotency_key=key) for channel in channels}

    async def disconnect(
        self,
        user: str,
        *,
        client: str = "",
        keep: Collection[str] = (),
        code: int = FORCE_DISCONNECT.code,
        reason: str = FORCE_DISCONNECT.reason,
    ) -> None:
        """Disconnect the clients of a user, on all nodes.

        Arguments:
            user: the user.
            client: the id of one of the clients; empty for all.
            keep: ids of clients to exclude.
            code, reason: as for `Client.disconnect`.

        Raises:
            BrokerUnavailable: the broker does not answer.
            ValueError: the code or the reason cannot be sent, or neither user nor client is given.
        """
        check_to_send(code, reason)
        await self._send(Order("disconnect", user, client, list(keep), code=code, reason=reason))

    async def unsubscribe(self, user: str, channel: str = "", *, client: str = "") -> None:
        """Unsubscribe the clients of a user from a channel, or from all, on all nodes.

        Raises:
            BrokerUnavailable, ValueError: as `disconnect`.
        """
        await self._send(Order("unsubscribe", user, client, channel=channel))

    async def subscribe(
        self,
        user: str,
        channel: str,
        *,
        client: str = "",
        info: Any = None,
        data: Any = None,
        expires_at: float | None = None,
    ) -> None:
        """Subscribe the clients of a user to a channel, on all nodes.

        Arguments:
            info: information about the clients for others in this channel; any value that JSON can express.
            data: data for the clients; any value that JSON can express.
            expires_at: when the subscription expires, in seconds since 1970; None for never. It ends the connection
                with 3006, and the client comes back without the subscription.

        Raises:
            BrokerUnavailable, InvalidChannel, ValueError: as `disconnect` and `Channels.publish`.
        """
        check_channel(channel)
        order = Order("subscribe", user, client, channel=channel, info=json_data(info), data=json_data(data))
        order.expires_at = expires_at
        await self._send(order)

    async def refresh(
        self, user: str, *, client: str = "", expired: bool = False, expires_at: float | None = None
    ) -> None:
        """Change when the connections of a user expire, on all nodes.

        Arguments:
            expired: whether they expire now, and are closed with 3005.
            expires_at: when they expire, in seconds since 1970; None for never.

        Raises:
            BrokerUnavailable, ValueError: as `disconnect`.
        """
        await self._send(Order("refresh", user, client, code=int(expired), expires_at=expires_at))

    async def presence(self, channel: str) -> dict[str, ClientInfo]:
        """Return the clients in a channel, on all nodes, by their ids.

        Raises:
            BrokerUnavailable: the broker does not answer.
            CommandFailed: its namespace has no presence.
        """
        check_channel(channel)
        return await read_presence(self._channels.running(), channel)

    async def history(
        self, channel: str, *, limit: int = 0, since: Position | None = None, reverse: bool = False
    ) -> HistoryResult:
        """Return publications of a channel, and the position of the newest one.

        Arguments:
            limit: the maximum number of publications; a negative one for `max_history`.
            since: the position after which they begin, or with `reverse`, before which they begin.
            reverse: whether to begin with the newest.

        Raises:
            BrokerUnavailable: the broker does not answer.
            CommandFailed: its namespace has no history, or the position has another epoch than the channel.
        """
        check_channel(channel)
        at = None if since is None else StreamPosition(offset=since.offset, epoch=since.epoch)
        request = HistoryRequest(channel=channel, limit=limit, since=at, reverse=reverse)
        return await read_history(self._channels.running(), request, JSON, self._max_history)

    async def remove_history(self, channel: str) -> None:
        """Remove the publications in the history of a channel. Its position remains: clients go on from there.

        A client that has missed some of them is not recovered.

        Raises:
            BrokerUnavailable: the broker does not answer.
            CommandFailed: its namespace has no history.
        """
        check_channel(channel)
        running = self._channels.running()
        limits = running.hub.namespaces.of(channel).limits
        if limits is None:
            raise not_available()
        await running.broker.remove_history(channel, limits)

    async def channels(self, pattern: str = "*") -> dict[str, int]:
        """Return the channels that clients are subscribed to, on all nodes, with the number of their clients.

        With a broker that processes share, this takes a second, because it waits for the answers of the nodes.

        Arguments:
            pattern: the channels, with `*` and `?`.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        counts: dict[str, int] = {}
        for report in await self._control.survey(pattern):
            for channel, count in report.channels.items():
                counts[channel] = counts.get(channel, 0) + count
        return counts

    async def nodes(self) -> list[NodeReport]:
        """Return the report of each node. This takes as long as `channels`.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        return await self._control.survey()

    async def _send(self, order: Order) -> None:
        if not (order.user or order.client):
            raise ValueError(f"{order.action}: expected a user or the id of a client")
        await self._control.send(order)
