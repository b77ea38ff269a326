"""The contract of brokers as tests. Use `emmett.testing.brokers.BrokerContract`; see `contract.py`."""

from .contract import BrokerContract

__all__ = ["BrokerContract"]
