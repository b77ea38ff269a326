"""The broker on NATS: one server, or a cluster. `broker.py` describes how it keeps its promises."""

from .broker import NatsBroker

__all__ = ["NatsBroker"]
