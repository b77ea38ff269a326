"""Brokers, which carry publications between processes and implement the port of `port.py`."""

from .registry import make_broker

__all__ = ["make_broker"]
