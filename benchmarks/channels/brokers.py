"""The brokers that are measured: real servers, of the wheels that the tests use too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.nats import running_nats
from tests.ports import free_port
from tests.valkey import running_valkey


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker while it runs.

    Attributes:
        url: what EMMETT_BROKER is to say.
        pid: its process; None for the one in the memory of the server.
    """

    url: str
    pid: int | None


@contextmanager
def _memory() -> Iterator[RunningBroker]:
    yield RunningBroker("memory", None)


@contextmanager
def _valkey() -> Iterator[RunningBroker]:
    with running_valkey(free_port()) as valkey:
        yield RunningBroker(valkey.url, valkey.process_id)


@contextmanager
def _nats() -> Iterator[RunningBroker]:
    with running_nats() as nats:
        yield RunningBroker(nats.url, nats.process_id)


BROKERS: dict[str, Callable[[], AbstractContextManager[RunningBroker]]] = {
    "memory": _memory,
    "valkey": _valkey,
    "nats": _nats,
}
