"""From the URL of a server, or of several, to connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio.connection import AbstractConnection

from ....errors import ConfigurationError
from ....redis_urls import RedisURL, is_sentinel_url, parse_redis_url, parse_sentinel_url

CLUSTER = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


class RedisAddress(NamedTuple):
    """One server, and how to connect to it.

    Fields:
        url: what its URL says.
        is_durable: whether it has all that it ever acknowledged, also after a crash.
    """

    url: RedisURL
    is_durable: bool = False

    @property
    def label(self) -> str:
        """Its name in logs and errors, by which it is known: without user and password."""
        return self.url.label

    def make_connection(self, timeout: float, name: str) -> AbstractConnection:
        """Return a connection, not made yet. It never times out by itself, nor connects again.

        Arguments:
            timeout: seconds, for connecting.
            name: what CLIENT LIST calls it.
        """
        fixed = {
            "protocol": 2,
            "decode_responses": False,
            "socket_timeout": None,
            "socket_connect_timeout": timeout,
            "retry_on_timeout": False,
            "health_check_interval": 0,
            "client_name": name,
        }
        return self.url.kind(**{**self.url.options, **fixed})

    def move(self, host: str, port: int) -> RedisAddress:
        """Return another server of the same cluster or service, with the same user, password and TLS."""
        return self._replace(url=self.url.move(host or self.url.options["host"], port))


class RedisTarget(NamedTuple):
    """What the URLs of a broker name.

    Fields:
        addresses: the servers, or nodes of a cluster; with Sentinel one, whose host and port are to be found.
        is_cluster: whether they are nodes of a cluster.
        sentinels: the Sentinels; empty without.
        service: the name of the service that they know.
    """

    addresses: Sequence[RedisAddress]
    is_cluster: bool = False
    sentinels: Sequence[RedisAddress] = ()
    service: str = ""


def parse_urls(urls: str) -> RedisTarget:
    """Read the URLs of a broker, separated by commas.

    Raises:
        ConfigurationError: they cannot be read. They are not shown, as they may hold a password.
    """
    if is_sentinel_url(urls):
        found = parse_sentinel_url(urls, ["durable"])
        if _is_durable(found.server):
            raise ConfigurationError("a Redis service is not durable: a replica takes over without what it has not got")
        sentinels = [RedisAddress(sentinel) for sentinel in found.sentinels]
        return RedisTarget([RedisAddress(found.server)], False, sentinels, found.service)
    parts = [part.strip() for part in urls.split(",")]
    schemes = [part.partition("://")[0] for part in parts]
    is_cluster = schemes[0] in CLUSTER
    if any((scheme in CLUSTER) is not is_cluster for scheme in schemes):
        raise ConfigurationError("the URLs of a broker are all of one cluster, or none is")
    addresses = [_parse(part) for part in parts]
    if len({address.label for address in addresses}) < len(addresses):
        raise ConfigurationError("the URLs of a broker name the same server twice")
    return RedisTarget(addresses, is_cluster)


def _parse(url: str) -> RedisAddress:
    scheme, separator, rest = url.partition("://")
    found = parse_redis_url(f"{CLUSTER.get(scheme, scheme)}{separator}{rest}", ["durable"])
    is_durable = _is_durable(found)
    if is_durable and scheme in CLUSTER:
        # A replica takes over without what had not come to it yet.
        raise ConfigurationError("a Redis cluster is not durable: after a failover it may have lost what it confirmed")
    if scheme in CLUSTER and (database := found.options.get("db", 0)):
        raise ConfigurationError(f"a Redis cluster has no database but 0, and its URL says {database}")
    return RedisAddress(found, is_durable)


def _is_durable(url: RedisURL) -> bool:
    durable = url.settings.get("durable", "no")
    if durable not in ("yes", "no"):
        raise ConfigurationError(f"durable={durable!r} in the URL of a Redis broker: expected yes or no")
    return durable == "yes"
