from __future__ import annotations

import re

import pytest

from emmett.channels.brokers import make_broker
from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.registry import is_in_memory
from emmett.errors import ConfigurationError


@pytest.mark.parametrize("url", ["memory", "memory://"])
def test_memory_urls_make_a_memory_broker(url: str) -> None:
    broker = make_broker(url, "emmett")
    assert isinstance(broker, MemoryBroker)
    assert is_in_memory(broker)


def test_a_subclass_of_the_memory_broker_is_in_memory_too() -> None:
    class OwnBroker(MemoryBroker):
        pass

    assert is_in_memory(OwnBroker())
    assert not is_in_memory(make_broker("redis://localhost", "emmett"))


@pytest.mark.parametrize("url", ["", "redis", "http://:secret@host", "secret"])
def test_an_invalid_broker_is_reported_without_passwords(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected memory, redis://.* or nats://") as caught:
        make_broker(url.replace("secret", "x" * 30), "emmett")
    assert "x" * 21 not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "library", "package"),
    [
        ("redis://localhost,redis://other", "redis", "redis[hiredis]"),
        ("redis+cluster://localhost", "redis", "redis[hiredis]"),
        ("redis+sentinel://localhost/main", "redis", "redis[hiredis]"),
        ("unix:///tmp/valkey.sock", "redis", "redis[hiredis]"),
        ("nats://localhost", "nats", "nats-py>=2.16,<2.17"),
    ],
)
def test_a_library_that_is_not_installed_is_named(
    url: str, library: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported: list[str] = []

    def import_module(name: str) -> None:
        imported.append(name)
        raise ModuleNotFoundError(f"No module named {library!r}", name=library)

    monkeypatch.setattr("importlib.import_module", import_module)
    with pytest.raises(ConfigurationError, match=rf"{library}.*pip install '{re.escape(package)}'"):
        make_broker(url, "emmett")
    assert imported == [f"emmett.channels.brokers.{library}"]
