"""The contract of brokers as tests. `emmett.testing.brokers.BrokerContract` is what you need; see `contract.py`."""

from .contract import BrokerContract

__all__ = ["BrokerContract"]
