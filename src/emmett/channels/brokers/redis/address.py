"""From the URL of a server, or of several, to connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection, Connection, parse_url

from ....errors import ConfigurationError

CLUSTER = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
EXPECTED = "expected redis://host:port/0, rediss://…, unix:///path, several of them with commas, or redis+cluster://…"
# What redis-py reads from a URL for its pool, which there is none of here.
OF_POOLS = {"max_connections", "timeout", "connection_class"}


class Address(NamedTuple):
    """One server, and how to connect to it.

    Fields:
        label: what it is called in logs and errors, and known by: without user and password.
        kind: redis-py's class of connections to it.
        options: what that class is called with.
        is_durable: whether it has all that it ever acknowledged, also after a crash.
    """

    label: str
    kind: type[AbstractConnection]
    options: Mapping[str, Any]
    is_durable: bool = False

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
        return self.kind(**{**self.options, **fixed})

    def move(self, host: str, port: int) -> Address:
        """Return another server of the same cluster, with the same user, password and TLS."""
        options = {**self.options, "host": host or self.options.get("host", "localhost"), "port": port}
        return self._replace(label=f"{options['host']}:{port}", options=options)


def parse_urls(urls: str) -> tuple[list[Address], bool]:
    """Read URLs; returns the addresses, and whether they are those of a cluster.

    Raises:
        ConfigurationError: they cannot be read. They are not shown, as they may hold a password.
    """
    parts = [part.strip() for part in urls.split(",")]
    schemes = [part.partition("://")[0] for part in parts]
    is_cluster = schemes[0] in CLUSTER
    if any((scheme in CLUSTER) is not is_cluster for scheme in schemes):
        raise ConfigurationError("the URLs of a broker are all of one cluster, or none is")
    addresses = [_parse(part) for part in parts]
    if len({address.label for address in addresses}) < len(addresses):
        raise ConfigurationError("the URLs of a broker name the same server twice")
    return addresses, is_cluster


def _parse(url: str) -> Address:
    scheme, separator, rest = url.partition("://")
    try:
        options: dict[str, Any] = dict(parse_url(f"{CLUSTER.get(scheme, scheme)}{separator}{rest}"))
    except ValueError:
        raise ConfigurationError(f"the URL of a Redis broker cannot be read: {EXPECTED}") from None
    durable = options.pop("durable", "no")
    if durable not in ("yes", "no"):
        raise ConfigurationError(f"durable={durable!r} in the URL of a Redis broker: expected yes or no")
    kind = options.get("connection_class", Connection)
    options = {name: value for name, value in options.items() if name not in OF_POOLS}
    if durable == "yes" and scheme in CLUSTER:
        # A replica takes over without what had not come to it yet.
        raise ConfigurationError("a Redis cluster is not durable: after a failover it may know less than it told")
    database = options.get("db", 0)
    if scheme in CLUSTER and database:
        raise ConfigurationError(f"a Redis cluster has no database but 0, and its URL says {database}")
    if scheme == "unix":
        where = str(options.get("path", ""))
        if not where:
            raise ConfigurationError("the URL of a Redis broker has no path: expected unix:///path")
    else:
        where = f"{options.setdefault('host', 'localhost')}:{options.setdefault('port', 6379)}"
    return Address(f"{where}/{database}" if database else where, kind, options, durable == "yes")
