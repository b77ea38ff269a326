"""Parse the URLs of Redis and Valkey servers, for the broker of channels and the session store.

redis-py parses the common parts. In addition, every option is checked when the URL is parsed: a misspelt one would
otherwise be found with the first connection, or never.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.exceptions import RedisError

from .errors import ConfigurationError
from .wire.authority import format_authority

SCHEMES = ("redis", "rediss", "unix")
SENTINEL_SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
SENTINEL_EXPECTED = "expected redis+sentinel://user:password@host:26379,host:26379/service/0"
PORT = 6379
SENTINEL_PORT = 26379
# Options of every URL, and those that need TLS: `ca` is a short name for `ssl_ca_certs`.
OPTIONS = {"db"}
FILES = {"ca", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
TLS_OPTIONS = FILES | {"ssl_cert_reqs", "ssl_check_hostname", "ssl_password"}
SENTINEL_OPTIONS = {"sentinel_username", "sentinel_password"}


class RedisURL(NamedTuple):
    """One server, and how to connect to it.

    Fields:
        label: its name in logs and errors, without user and password.
        kind: redis-py's class of connections to it.
        options: the keyword arguments of that class.
        settings: options of the URL that redis-py does not use.
    """

    label: str
    kind: type[AbstractConnection]
    options: Mapping[str, Any]
    settings: Mapping[str, str]

    def move(self, host: str, port: int) -> RedisURL:
        """Return another server with the same user, password, database and TLS."""
        options = {**self.options, "host": host, "port": port}
        return self._replace(label=_label(options), options=options)


class SentinelURL(NamedTuple):
    """A service, and the Sentinels that know its primary.

    Fields:
        sentinels: the Sentinels to ask.
        service: the name of the service, as the Sentinels know it.
        server: how to connect to the primary; its host and port are those of the first Sentinel.
    """

    sentinels: list[RedisURL]
    service: str
    server: RedisURL


def is_sentinel_url(url: str) -> bool:
    """Return whether a URL names Sentinels."""
    return url.strip().partition("://")[0] in SENTINEL_SCHEMES


def parse_redis_url(url: str, settings: Collection[str] = ()) -> RedisURL:
    """Parse the URL of one server: `redis://user:password@host:port/0`, `rediss://` for TLS, `unix:///path`.

    Arguments:
        settings: options that are allowed in addition to those of a connection.

    Raises:
        ConfigurationError: the URL is malformed or has an unknown option. The error does not show the URL, which may
            contain a password.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        if "Invalid value for" in str(error):
            raise ConfigurationError(f"the URL of a Redis server: {error}") from None
        raise ConfigurationError("the URL of a Redis server cannot be read") from None
    kind = options.pop("connection_class", Connection)
    given = parse_qsl(parts.query, keep_blank_values=True)
    is_tls = kind is SSLConnection
    _check_options(given, OPTIONS | set(settings) | (TLS_OPTIONS if is_tls else set()))
    if parts.scheme == "unix":
        if not parts.path:
            raise ConfigurationError("the URL of a Redis server has no path: expected unix:///path")
    elif not re.fullmatch(r"/?|/[0-9]+", parts.path):
        raise ConfigurationError("the path in the URL of a Redis server: expected the number of a database, such as /0")
    else:
        options.setdefault("host", "localhost")
        options.setdefault("port", PORT)
    found = {name: options.pop(name, "") for name, _ in given if name in settings}
    if "ca" in options:
        options["ssl_ca_certs"] = options.pop("ca")
    try:
        # This does not connect yet.
        kind(**options)
    except (RedisError, TypeError, ValueError) as error:
        raise ConfigurationError(f"the URL of a Redis server: {error}") from None
    return RedisURL(_label(options), kind, options, found)


def parse_sentinel_url(url: str, settings: Collection[str] = ()) -> SentinelURL:
    """Parse `redis+sentinel://user:password@host:26379,host:26379/service/0`; `rediss+sentinel://` is TLS everywhere.

    User and password are for the Redis servers; `sentinel_username=` and `sentinel_password=` are for the Sentinels.

    Arguments:
        settings: options that are allowed in addition to those of a connection.

    Raises:
        ConfigurationError: the URL is malformed. The error does not show it, since it may contain a password.
    """
    scheme, _, rest = url.strip().partition("://")
    path, _, query = rest.partition("?")
    hosts, _, path = path.partition("/")
    login, _, hosts = hosts.rpartition("@")
    service, _, database = path.partition("/")
    if scheme not in SENTINEL_SCHEMES or not all(hosts.split(",")):
        raise ConfigurationError(f"the URL of a Redis Sentinel cannot be read: {SENTINEL_EXPECTED}")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", service):
        raise ConfigurationError(f"the URL of a Redis Sentinel names no service: {SENTINEL_EXPECTED}")
    allowed = {*settings, *SENTINEL_OPTIONS}
    servers: list[RedisURL] = []
    for host in hosts.split(","):
        address = f"{login}@{host}" if login else host
        servers.append(parse_redis_url(f"{SENTINEL_SCHEMES[scheme]}://{address}/{database}?{query}", allowed))
    sentinels = [
        _as_sentinel(server, server.options["port"] if _has_port(host) else SENTINEL_PORT)
        for server, host in zip(servers, hosts.split(","), strict=True)
    ]
    return SentinelURL(sentinels, service, servers[0])


def _has_port(host: str) -> bool:
    return re.search(r":[0-9]+$", host) is not None and not host.endswith("]")


def _as_sentinel(server: RedisURL, port: int) -> RedisURL:
    """Return the options for a Sentinel: it has its own user, and no databases."""
    options = {name: value for name, value in server.options.items() if name not in ("username", "password", "db")}
    for name in ("username", "password"):
        if value := server.settings.get(f"sentinel_{name}"):
            options[name] = value
    return server._replace(options=options).move(server.options["host"], port)


def _check_options(given: list[tuple[str, str]], allowed: Collection[str]) -> None:
    for name, value in given:
        if name not in allowed:
            more = "" if name not in TLS_OPTIONS else "; it needs TLS: rediss://"
            raise ConfigurationError(
                f"the URL of a Redis server says {name[:40]}=…: expected {', '.join(sorted(allowed))}{more}"
            )
        if name in FILES and not os.path.isfile(value):
            raise ConfigurationError(f"the URL of a Redis server says {name}={value[:200]}: there is no such file")


def _label(options: Mapping[str, Any]) -> str:
    where = options["path"] if "path" in options else format_authority(options["host"], options["port"])
    database = options.get("db", 0)
    return f"{where}/{database}" if database else str(where)
