"""Turn the URLs of Redis servers into connections."""

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
        url: the parsed URL.
        is_durable: whether the server keeps everything that it has acknowledged, even after a crash.
    """

    url: RedisURL
    is_durable: bool = False

    @property
    def label(self) -> str:
        """Its name, also in logs and errors: without user and password."""
        return self.url.label

    def make_connection(self, timeout: float, name: str) -> AbstractConnection:
        """Return a connection that is not open yet. It neither times out nor reconnects by itself.

        Arguments:
            timeout: seconds to connect.
            name: its name in CLIENT LIST.
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
    """The servers that the URLs of a broker name.

    Fields:
        addresses: the servers, or nodes of a cluster; with Sentinel a single one, whose host and port are to be found.
        is_cluster: whether they are nodes of a cluster.
        sentinels: the Sentinels; empty without Sentinel.
        service: the name of the service at the Sentinels.
    """

    addresses: Sequence[RedisAddress]
    is_cluster: bool = False
    sentinels: Sequence[RedisAddress] = ()
    service: str = ""


def parse_urls(urls: str) -> RedisTarget:
    """Parse the URLs of a broker, separated by commas.

    Raises:
        ConfigurationError: the URLs are invalid. The message omits them, as they may contain a password.
    """
    if is_sentinel_url(urls):
        found = parse_sentinel_url(urls, ["durable"])
        if _is_durable(found.server):
            raise ConfigurationError("a Redis service is not durable: a replica may take over without the last writes")
        sentinels = [RedisAddress(sentinel) for sentinel in found.sentinels]
        return RedisTarget([RedisAddress(found.server)], False, sentinels, found.service)
    parts = [part.strip() for part in urls.split(",")]
    schemes = [part.partition("://")[0] for part in parts]
    is_cluster = schemes[0] in CLUSTER
    if any((scheme in CLUSTER) is not is_cluster for scheme in schemes):
        raise ConfigurationError("the URLs of a broker must all be nodes of one cluster, or none of them")
    addresses = [_parse(part) for part in parts]
    if len({address.label for address in addresses}) < len(addresses):
        raise ConfigurationError("the URLs of a broker name the same server twice")
    return RedisTarget(addresses, is_cluster)


def _parse(url: str) -> RedisAddress:
    scheme, separator, rest = url.partition("://")
    found = parse_redis_url(f"{CLUSTER.get(scheme, scheme)}{separator}{rest}", ["durable"])
    is_durable = _is_durable(found)
    if is_durable and scheme in CLUSTER:
        # A replica may take over without the latest writes.
        raise ConfigurationError("a Redis cluster is not durable: after a failover it may have lost what it confirmed")
    if scheme in CLUSTER and (database := found.options.get("db", 0)):
        raise ConfigurationError(f"a Redis cluster only has database 0, but its URL says {database}")
    return RedisAddress(found, is_durable)


def _is_durable(url: RedisURL) -> bool:
    durable = url.settings.get("durable", "no")
    if durable not in ("yes", "no"):
        raise ConfigurationError(f"durable={durable!r} in the URL of a Redis broker: expected yes or no")
    return durable == "yes"
