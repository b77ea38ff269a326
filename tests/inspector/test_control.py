"""Questions between nodes when something is wrong: silent nodes, an unavailable broker, forged messages."""

from __future__ import annotations

import asyncio

import pytest

from emmett.channels import Position
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.brokers.port import Limits
from emmett.errors import BrokerUnavailable, ChannelDenied, UsageError
from emmett.inspector.answers import Done, InspectedNode, TailNews
from emmett.inspector.control import MAX_AT_WORK, NodeControl
from emmett.inspector.letters import EVERYBODY, TO_ASKER, AnswerLetter, Hello, Inquiry, News, read_letter, write_letter
from emmett.inspector.questions import AskOverview, AskSettings, NodeQuestion
from emmett.inspector.tails import Deliver
from tests.channels.kit import TestBroker, turns, until
from tests.inspector.kit import Node, listening, meet

GHOST = InspectedNode("ghost", "elsewhere", 1)


async def test_a_node_that_does_not_answer_is_shown_as_silent() -> None:
    node = Node(timeout=0.01)
    async with node.app.test_client_async():
        await listening(node)
        await node.channels.publish(EVERYBODY, write_letter(Hello(GHOST)), check=False)
        await until(lambda: node.known == {"ghost"})
        report = await node.inspector.nodes()
        errors = {status.node.id: (status.error, status.overview is None) for status in report.nodes}
        assert errors == {node.id: ("", False), "ghost": ("it does not answer within 0.01 s", True)}
        connections = await node.inspector.connections()
        assert [status.node.id for status in connections.nodes if status.error] == ["ghost"]
        with pytest.raises(UsageError, match=r"node ghost: it does not answer within 0\.01 s"):
            await node.inspector.close("ghost-1")
        with pytest.raises(UsageError, match="node unknown: it does not answer"):
            await node.inspector.drain("unknown")
        await node.channels.publish(EVERYBODY, write_letter(Hello(GHOST, is_leaving=True)), check=False)
        await until(lambda: not node.known)


async def test_a_stopping_node_signs_off() -> None:
    bus = MemoryBus()
    first, second = Node(MemoryBroker(bus)), Node(MemoryBroker(bus))
    async with first.app.test_client_async():
        async with second.app.test_client_async():
            await meet(first, second)
        await until(lambda: not first.known)
        assert len((await first.inspector.nodes()).nodes) == 1


async def test_without_the_broker_this_node_is_still_shown() -> None:
    class Broken(MemoryBroker):
        is_away = False

        async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
            if self.is_away:
                raise BrokerUnavailable("the broker is away in this test")
            return await super().publish(channel, payload, limits)

    broker = Broken(MemoryBus())
    node = Node(broker, timeout=60.0)
    async with node.app.test_client_async():
        await listening(node)
        await node.channels.publish(EVERYBODY, write_letter(Hello(GHOST)), check=False)
        await until(lambda: node.known == {"ghost"})
        broker.is_away = True
        report = await node.inspector.nodes()
        own = next(status for status in report.nodes if status.node.id == node.id)
        ghost = next(status for status in report.nodes if status.node.id == "ghost")
        assert own.overview is not None
        assert "the broker is away in this test" in ghost.error
        broker.is_away = False


async def test_forged_messages_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    node = Node()
    async with node.app.test_client_async() as client, client.websocket("/echo") as echo:
        await listening(node)
        assert node.inspector._control is not None
        own = node.inspector._control._reply_to
        for channel, text in (
            (EVERYBODY, "nonsense"),
            (EVERYBODY, b"\xff"),
            (own, '{"type":"reply"}'),
            (own, write_letter(AnswerLetter("unknown", GHOST, []))),
            (own, write_letter(News(TailNews("unknown", [])))),
            # Replies and news are sent only to the node that asked.
            (EVERYBODY, write_letter(AnswerLetter("unknown", GHOST, []))),
        ):
            await node.channels.publish(channel, text, check=False)
        await until(lambda: "is not from a node" in caplog.text)
        await echo.send("still here")
        assert await echo.receive() == "still here"
        assert len((await node.inspector.settings(node.id)).nodes) == 1


async def test_no_client_may_use_its_channels() -> None:
    node = Node()
    async with node.app.test_client_async():
        for name in (EVERYBODY, f"{TO_ASKER}x", "emmett-inspector:*"):
            with pytest.raises(ChannelDenied):
                await node.channels.subscribe(name).__aenter__()
        with pytest.raises(ChannelDenied):
            await node.channels.publish(EVERYBODY, "x")


class SlowView:
    """A node whose answers wait until a test releases them."""

    def __init__(self) -> None:
        self.node = InspectedNode("slow", "here", 1)
        self.may_answer = asyncio.Event()
        self.asked = 0
        self.text = "done"

    async def answer(self, question: NodeQuestion, deliver: Deliver) -> Done:
        self.asked += 1
        await self.may_answer.wait()
        return Done(self.text)


async def test_the_questions_that_a_node_answers_at_once_are_limited() -> None:
    node, view = Node(), SlowView()
    replies: list[AnswerLetter] = []
    async with node.app.test_client_async():
        control = NodeControl(view, node.channels)  # type: ignore[arg-type]
        running = asyncio.create_task(control.run())
        await control.is_listening.wait()
        async with node.channels.subscribe(f"{TO_ASKER}test", check=False) as feed:
            for number in range(MAX_AT_WORK + 5):
                inquiry = Inquiry(str(number), f"{TO_ASKER}test", "slow", 60.0, AskOverview())
                await node.channels.publish(EVERYBODY, write_letter(inquiry), check=False)
            await until(lambda: view.asked == MAX_AT_WORK)
            await turns(50)
            assert view.asked == MAX_AT_WORK
            view.may_answer.set()
            for _ in range(MAX_AT_WORK):
                letter = read_letter((await anext(feed)).data)
                assert isinstance(letter, AnswerLetter)
                replies.append(letter)
        running.cancel()
        await asyncio.wait((running,))
    assert [bytes(reply.answer) for reply in replies] == [b'{"text":"done"}'] * MAX_AT_WORK


async def test_a_question_is_dropped_at_its_deadline() -> None:
    node, view = Node(), SlowView()
    async with node.app.test_client_async():
        control = NodeControl(view, node.channels)  # type: ignore[arg-type]
        running = asyncio.create_task(control.run())
        await control.is_listening.wait()
        inquiry = Inquiry("1", f"{TO_ASKER}test", "", 0.001, AskOverview())
        await node.channels.publish(EVERYBODY, write_letter(inquiry), check=False)
        await until(lambda: view.asked)
        work = list(control._at_work)
        await asyncio.wait(work)
        assert [task.exception() for task in work] == [None] * len(work)
        running.cancel()
        await asyncio.wait((running,))


async def test_an_answer_that_is_too_long_is_an_error() -> None:
    bus = MemoryBus()
    node, asking, view = Node(MemoryBroker(bus)), Node(MemoryBroker(bus)), SlowView()
    view.may_answer.set()
    view.text = "x" * 1_000_000
    async with node.app.test_client_async(), asking.app.test_client_async():
        await meet(node, asking)
        control = NodeControl(view, node.channels)  # type: ignore[arg-type]
        running = asyncio.create_task(control.run())
        await until(lambda: "slow" in asking.known)
        (status,) = (await asking.inspector.settings("slow")).nodes
        assert status.error == "its answer of 1000011 bytes is too large; ask for fewer rows"
        view.text = "short"
        (status,) = (await asking.inspector.settings("slow")).nodes
        assert status.error == "its answer cannot be read; it may run another version"
        running.cancel()
        await asyncio.wait((running,))


async def test_a_node_listens_again_when_the_broker_is_back() -> None:
    broker = TestBroker()
    node = Node(broker)
    paused = asyncio.Event()

    async def sleep(seconds: float) -> None:
        paused.set()
        if seconds > 1:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    async with node.app.test_client_async():
        await listening(node)
        broker.failing.add("subscribe")
        control = NodeControl(None, node.channels, sleep=sleep)
        running = asyncio.create_task(control.run())
        await paused.wait()
        assert not control.is_listening.is_set()
        broker.failing.clear()
        await control.is_listening.wait()
        replies = await control.ask(AskSettings(), node.id)
        assert [reply.error for reply in replies] == [""]
        running.cancel()
        await asyncio.wait((running,))
