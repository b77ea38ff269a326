"""The contract that every broker of channels keeps: tests, for plain pytest, that a class of your own inherits.

::

    from emmett.testing.brokers import BrokerContract

    class TestMine(BrokerContract):
        @pytest.fixture(autouse=True)
        def server(self, my_server):            # fixtures as ever; tests share a server, never a channel
            self.my_server = my_server

        async def make_broker(self):            # one more node, not started
            return MyBroker(self.my_server.url)

        async def kill(self):                   # these are optional: without them the tests of loss are skipped
            self.my_server.process.kill()

        async def restart(self):                # at the same address, with or without its data
            await self.my_server.start()

        async def freeze(self):                 # optional, as SIGSTOP and SIGCONT
            self.my_server.process.send_signal(signal.SIGSTOP)

        async def thaw(self):
            self.my_server.process.send_signal(signal.SIGCONT)

        async def inject(self, channel, payload):    # optional: bytes that no broker wrote, to who subscribed
            await self.raw_client.publish(channel, payload)

Every test runs on an event loop of its own (`new_event_loop`): what hooks keep between tests must not be bound to one.
Deadlines, in seconds, are the attributes `answers_within`, for one call, and `recovers_within`, after `restart`.
`let_pass` may be overridden where time can be set. The hooks and their documentation are in `kit.py`.
"""

from __future__ import annotations

from .history import HistoryContract
from .lifecycle import LifecycleContract
from .outage import OutageContract
from .patterns import PatternsContract
from .presence import PresenceContract
from .publishing import PublishingContract


class BrokerContract(
    PublishingContract, PatternsContract, HistoryContract, PresenceContract, LifecycleContract, OutageContract
):
    """All tests; see above."""
