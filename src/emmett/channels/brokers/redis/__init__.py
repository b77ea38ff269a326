"""The broker on Redis or Valkey: one server, several, a cluster, or a service with Sentinels. See `broker.py`."""

from .broker import RedisBroker

__all__ = ["RedisBroker"]
