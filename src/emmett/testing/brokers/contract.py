"""The contract of every broker of channels: tests for plain pytest, to be inherited by your own class.

::

    from emmett.testing.brokers import BrokerContract

    class TestMine(BrokerContract):
        @pytest.fixture(autouse=True)
        def server(self, my_server):            # fixtures as usual; tests share a server, but never a channel
            self.my_server = my_server

        async def make_broker(self):            # another node, not started
            return MyBroker(self.my_server.url)

        async def kill(self):                   # the rest is optional: without it, tests of outages are skipped
            self.my_server.process.kill()

        async def restart(self):                # at the same address, with or without its data
            await self.my_server.start()

        async def freeze(self):                 # optional, like SIGSTOP and SIGCONT
            self.my_server.process.send_signal(signal.SIGSTOP)

        async def thaw(self):
            self.my_server.process.send_signal(signal.SIGCONT)

        async def inject(self, channel, payload):    # optional: bytes that no broker wrote, to subscribers
            await self.raw_client.publish(channel, payload)

Every test runs on a separate event loop (`new_event_loop`), so nothing that hooks keep between tests may be bound to a
loop. Deadlines, in seconds, are the attributes `answers_within`, for one call, and `recovers_within`, after `restart`.
Override `let_pass` if the server's time can be set. The hooks are documented in `kit.py`.
"""

from __future__ import annotations

from .history import HistoryContract
from .leases import LeasesContract
from .lifecycle import LifecycleContract
from .once import OnceContract
from .outage import OutageContract
from .patterns import PatternsContract
from .presence import PresenceContract
from .publishing import PublishingContract
from .rates import RatesContract


class BrokerContract(
    PublishingContract,
    PatternsContract,
    HistoryContract,
    OnceContract,
    PresenceContract,
    RatesContract,
    LeasesContract,
    LifecycleContract,
    OutageContract,
):
    """All tests; see above."""
