"""The servers that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nats import Nats, running_nats


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Nats]:
    with running_nats() as server:
        yield server
