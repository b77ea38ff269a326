"""Brokers: what carries publications between processes, behind the port of `port.py`."""

from .registry import make_broker

__all__ = ["make_broker"]
