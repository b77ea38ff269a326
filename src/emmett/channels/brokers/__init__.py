"""Brokers: what carries publications between processes, behind the port of `port.py`."""
