"""Create the broker for a URL; its library is imported only when needed."""

from __future__ import annotations

import importlib
from typing import cast

from ...errors import ConfigurationError
from .port import Broker

# The package to install, by module.
PACKAGES = {"redis": "redis[hiredis]", "nats": "nats-py>=2.16,<2.17"}
# The module and the class, by scheme.
BROKERS = {
    "redis": ("redis", "RedisBroker"),
    "rediss": ("redis", "RedisBroker"),
    "unix": ("redis", "RedisBroker"),
    "redis+cluster": ("redis", "RedisBroker"),
    "rediss+cluster": ("redis", "RedisBroker"),
    "redis+sentinel": ("redis", "RedisBroker"),
    "rediss+sentinel": ("redis", "RedisBroker"),
    "nats": ("nats", "NatsBroker"),
    "tls": ("nats", "NatsBroker"),
}


def make_broker(url: str, prefix: str) -> Broker:
    """Return the broker for a URL.

    Arguments:
        url: `memory`; `redis://host:port/0`, `rediss://` for TLS, `unix:///path`, several separated by commas,
            `redis+cluster://`, `redis+sentinel://`; `nats://host:port`, `tls://`, several separated by commas.
        prefix: the prefix of all names in the broker, so that applications can share one.

    Raises:
        ConfigurationError: there is no such broker, or its library is not installed.
    """
    if url in ("memory", "memory://"):
        return cast(Broker, importlib.import_module(f"{__package__}.memory").MemoryBroker())
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in BROKERS:
        # Never the URL itself: it may contain a password.
        raise ConfigurationError(
            f"there is no broker for {scheme[:20]!r}: expected memory, redis://, rediss://, unix://, redis+cluster://, "
            "redis+sentinel:// or nats://"
        )
    module, name = BROKERS[scheme]
    try:
        made = getattr(importlib.import_module(f"{__package__}.{module}"), name)(url, prefix=prefix)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("emmett"):
            raise
        raise ConfigurationError(
            f"a broker at {scheme}:// needs the library {error.name!r}: pip install '{PACKAGES[module]}'"
        ) from None
    return cast(Broker, made)


def is_in_memory(broker: Broker) -> bool:
    """Return whether a broker reaches no further than this process."""
    return isinstance(broker, importlib.import_module(f"{__package__}.memory").MemoryBroker)
