"""The tools of the contract: deadlines, failure messages, skipped tests."""

from __future__ import annotations

import asyncio
import inspect

import pytest
import uvloop

from emmett.channels.brokers.memory import MemoryBroker
from emmett.testing.brokers import BrokerContract
from emmett.testing.brokers.kit import Hooks, Nodes, contract_test
from tests.testing.brokers.broken import Right


class Trial(Right):
    """Tests that are not part of the contract."""

    @contract_test
    async def test_late(self, nodes: Nodes) -> None:
        """Its docstring."""
        self.deadline_is_over = True
        await asyncio.Event().wait()

    @contract_test
    async def test_callback(self, nodes: Nodes) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon([].pop)
        await asyncio.sleep(0)

    @contract_test
    async def test_loop(self, nodes: Nodes) -> None:
        assert isinstance(asyncio.get_running_loop(), uvloop.Loop)

    @contract_test
    async def test_stopped(self, nodes: Nodes) -> None:
        self.nodes = [await nodes.start(), await nodes.start(), await nodes.make()]
        await nodes.kill()
        raise AssertionError("as expected")

    @contract_test
    async def test_never_heard(self, nodes: Nodes) -> None:
        node = await nodes.start()
        await node.subscribe(nodes.name())
        for _ in range(30):
            await node.publish(nodes.name(), b"heard")
        await node.take(31)

    @contract_test
    async def test_own_timeout(self, nodes: Nodes) -> None:
        node = await nodes.start()

        async def fail() -> None:
            raise TimeoutError("mine")

        await node.call(fail())

    @contract_test
    async def test_fails(self, nodes: Nodes) -> None:
        node = await nodes.start()
        await node.fails(node.broker.check())


def test_a_contract_test_is_a_function_without_arguments_to_pytest() -> None:
    assert list(inspect.signature(Trial().test_late).parameters) == []
    assert not inspect.iscoroutinefunction(Trial.test_late)
    assert (Trial.test_late.__name__, Trial.test_late.__doc__) == ("test_late", "Its docstring.")


def test_a_test_has_a_deadline() -> None:
    trial = Trial()
    trial.deadline = 0.01
    with pytest.raises(AssertionError, match=r"^the test did not end within 0\.01 s$"):
        trial.test_late()


def test_errors_in_callbacks_fail_the_test() -> None:
    with pytest.raises(AssertionError, match="pop from empty list"):
        Trial().test_callback()


def test_another_event_loop_can_be_used() -> None:
    class OnUvloop(Trial):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            return uvloop.new_event_loop()

    OnUvloop().test_loop()
    with pytest.raises(AssertionError):
        Trial().test_loop()


def test_nodes_are_stopped_and_the_server_is_restored_in_any_case() -> None:
    trial = Trial()
    with pytest.raises(AssertionError, match="as expected"):
        trial.test_stopped()
    assert [node.broker._listener for node in trial.nodes if isinstance(node.broker, MemoryBroker)] == [None] * 3
    assert not trial.bus.is_cut


def test_a_failure_lists_the_events_that_did_happen() -> None:
    trial = Trial()
    trial.be_impatient()
    with pytest.raises(AssertionError, match=r"missing after 0\.2 s: 31 publications .*b'heard'.* 30 in all"):
        trial.test_never_heard()


def test_an_error_of_the_broker_is_not_changed() -> None:
    with pytest.raises(TimeoutError, match="mine"):
        Trial().test_own_timeout()


def test_a_call_that_should_fail_must_fail() -> None:
    with pytest.raises(AssertionError, match=r"MemoryBroker\.check must raise BrokerUnavailable, and returned"):
        Trial().test_fails()


class Bare(BrokerContract):
    """A contract with only the required hook."""

    async def make_broker(self) -> MemoryBroker:
        return MemoryBroker()


@pytest.mark.parametrize("test", ["test_start_without_a_server", "test_what_strangers_send_is_no_harm"])
def test_without_a_hook_its_tests_are_skipped(test: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"^no hook (kill|inject)\(\)$"):
        getattr(Bare(), test)()


def test_without_a_broker_every_test_fails() -> None:
    with pytest.raises(NotImplementedError, match="make_broker"):
        BrokerContract().test_what_is_published_is_heard()


async def test_by_default_time_passes_by_itself() -> None:
    begin = asyncio.get_running_loop().time()
    await Hooks().let_pass(0.01)
    assert asyncio.get_running_loop().time() - begin >= 0.009
