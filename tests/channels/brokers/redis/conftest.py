"""The servers that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.valkey import Cluster, Valkey, running_cluster, running_valkey


@pytest.fixture(scope="session")
def first_valkey() -> Iterator[Valkey]:
    with running_valkey() as valkey:
        yield valkey


@pytest.fixture(scope="session")
def second_valkey() -> Iterator[Valkey]:
    with running_valkey() as valkey:
        yield valkey


@pytest.fixture(scope="session")
def durable_valkey() -> Iterator[Valkey]:
    """A server that keeps its data when it restarts."""
    with running_valkey(appendonly="yes") as valkey:
        yield valkey


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster
