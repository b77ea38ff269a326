"""The broker on Redis or Valkey: one server, several, or a cluster. `broker.py` tells how it keeps its promises."""

from .broker import RedisBroker

__all__ = ["RedisBroker"]
