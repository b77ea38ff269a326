"""The contract of brokers, on a server that comes back with its data, and on one that comes back without."""

from __future__ import annotations

import asyncio

import pytest

from emmett.channels.brokers.nats import NatsBroker
from emmett.channels.brokers.nats.subjects import Subjects
from emmett.testing.brokers import BrokerContract
from emmett.testing.brokers.kit import Hooks
from emmett.testing.brokers.outage import OutageContract
from tests.nats import Nats


class OnServer(Hooks):
    """The hooks that the classes below share."""

    server: Nats
    # The server of these tests answers within milliseconds or not at all.
    timeout = 1.0
    answers_within = 5.0

    async def make_broker(self) -> NatsBroker:
        return NatsBroker(self.server.url, timeout=self.timeout)

    async def kill(self) -> None:
        self.server.kill()

    async def restart(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def freeze(self) -> None:
        self.server.pause()

    async def thaw(self) -> None:
        self.server.resume()

    async def inject(self, channel: str, payload: bytes) -> None:
        with self.server.client() as client:
            client.publish(Subjects("emmett").live(channel), payload)


class TestOneServer(OnServer, BrokerContract):
    @pytest.fixture(autouse=True)
    def shared(self, nats_server: Nats) -> None:
        self.server = nats_server


class TestOneThatForgets(OnServer, OutageContract):
    @pytest.fixture(autouse=True)
    def shared(self, nats_server: Nats) -> None:
        self.server = nats_server

    async def restart(self) -> None:
        await asyncio.to_thread(self.server.start_empty)

    # A server that does not answer for a while loses no data.
    freeze, thaw = Hooks.freeze, Hooks.thaw
