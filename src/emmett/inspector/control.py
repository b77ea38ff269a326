"""`NodeControl`: questions to all nodes of a service through the broker, and the answers of this node."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ..channels import Channels, Kind, Publication
from ..errors import BrokerUnavailable, SlowSubscriber
from ..rare_log import RareLog
from .answers import InspectedNode, NodeAnswer, TailNews
from .letters import (
    EVERYBODY,
    MAX_LETTER,
    NAMESPACE,
    TO_ASKER,
    AnswerLetter,
    Hello,
    Inquiry,
    Letter,
    News,
    read_answer,
    read_letter,
    write_letter,
)
from .node_view import CannotAnswer, NodeView
from .peers import HELLO_INTERVAL, Collected, Peers
from .questions import NodeQuestion
from .tails import Deliver

# Seconds within which nodes must answer, and the most seconds that a node works on an answer.
TIMEOUT = 2.0
MAX_WORK = 10.0
# The most questions of other nodes that a node answers at the same time.
MAX_AT_WORK = 16
# The most news of tails that wait for the broker; further ones are dropped.
MAX_NEWS = 256
# Seconds until a lost subscription is tried again; and for the goodbye message.
RETRY_PAUSE = 1.0
GOODBYE = 1.0

logger = logging.getLogger("emmett.inspector")


class NodeReply(NamedTuple):
    """The answer of a node.

    Fields:
        node: the node.
        answer: the answer; None if there is none.
        error: why there is no answer.
    """

    node: InspectedNode
    answer: NodeAnswer | None
    error: str = ""


@dataclass(slots=True, eq=False)
class _OpenQuestion:
    """A question that is waiting for its answers."""

    question: NodeQuestion
    is_for_all: bool
    collected: Collected
    replies: list[NodeReply] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)


def reserve(channels: Channels) -> None:
    """Declare the namespace of the inspector before the channels start, so that no client can use it.

    Raises:
        ConfigurationError: it is already declared.
    """
    channels.namespace(NAMESPACE, slow="drop_oldest", may_subscribe=lambda _: False, may_publish=lambda *_: False)


class NodeControl:
    """Asks all nodes, and answers for this one.

    Arguments:
        view: this node; None for a program that only asks, such as `emmett ps`.
        channels: the channels of the application; None if it has none, and this is the only node.
        timeout: seconds within which nodes must answer.
        sleep: waits for a number of seconds.

    Attributes:
        is_listening: set while questions and answers can be received.
        peers: the other nodes.
    """

    def __init__(
        self,
        view: NodeView | None,
        channels: Channels | None,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._view = view
        self._channels = channels
        self._timeout = timeout
        self._sleep = sleep
        self._reply_to = TO_ASKER + secrets.token_hex(16)
        self._waiting: dict[str, _OpenQuestion] = {}
        self._tails: dict[str, Deliver] = {}
        self._at_work: set[asyncio.Task[None]] = set()
        self._greetings: set[asyncio.Task[None]] = set()
        self._news: asyncio.Queue[tuple[str, TailNews]] = asyncio.Queue(MAX_NEWS)
        self._log = RareLog(logger)
        self.is_listening = asyncio.Event()
        self.peers = Peers("" if view is None else view.node.id, lambda: asyncio.get_running_loop().time())

    @property
    def is_outside(self) -> bool:
        """Whether this program is not a node, and only asks."""
        return self._view is None

    async def run(self) -> None:
        """Listen to other nodes until cancelled."""
        channels = self._channels
        if channels is None:
            return
        try:
            while True:
                try:
                    await self._listen(channels)
                except (BrokerUnavailable, SlowSubscriber) as error:
                    self._log.warn("the inspector receives nothing from other nodes: %s", error)
                await self._sleep(RETRY_PAUSE)
        finally:
            for task in self._at_work | self._greetings:
                task.cancel()
            await self._say_goodbye()

    async def ask(self, question: NodeQuestion, node: str = "", deliver: Deliver | None = None) -> list[NodeReply]:
        """Ask all nodes, or one, and return their answers, as far as these come in time.

        Arguments:
            question: the question.
            node: the ID of the node; empty for all.
            deliver: called with the news of a tail of this node.
        """
        own = None if self._view is None else self._view.node.id
        jobs: list[Awaitable[list[NodeReply]]] = []
        if self._view is not None and node in ("", own):
            jobs.append(self._ask_here(self._view, question, deliver or _ignore))
        if self._channels is not None and (not node or node != own):
            jobs.append(self._ask_others(self._channels, question, node))
        elif not jobs:
            return [
                _no_answer(
                    InspectedNode(node, "", 0),
                    "the application has no channels through which other nodes can be reached",
                )
            ]
        return [reply for replies in await asyncio.gather(*jobs) for reply in replies]

    def listen_to(self, tail: str, deliver: Deliver) -> None:
        """Pass on the news of a tail of another node, until `ignore`."""
        self._tails[tail] = deliver

    def ignore(self, tail: str) -> None:
        """Stop passing on the news of a tail."""
        self._tails.pop(tail, None)

    async def _ask_here(self, view: NodeView, question: NodeQuestion, deliver: Deliver) -> list[NodeReply]:
        try:
            return [NodeReply(view.node, await view.answer(question, deliver))]
        except CannotAnswer as error:
            return [NodeReply(view.node, None, str(error))]

    async def _ask_others(self, channels: Channels, question: NodeQuestion, node: str) -> list[NodeReply]:
        known = self.peers.known()
        if node:
            known = [next((each for each in known if each.id == node), InspectedNode(node, "", 0))]
        waiting = _OpenQuestion(question, not node, Collected(known, self._view is None))
        if waiting.collected.is_complete:
            return []
        name = secrets.token_hex(8)
        self._waiting[name] = waiting
        reason = f"it does not answer within {self._timeout:g} s"
        try:
            async with asyncio.timeout(self._timeout):
                await self.is_listening.wait()
                await self._publish(channels, Inquiry(name, self._reply_to, node, self._timeout, question))
                await waiting.complete.wait()
        except TimeoutError:
            pass
        except BrokerUnavailable as error:
            reason = str(error)
        finally:
            del self._waiting[name]
        return [*waiting.replies, *(_no_answer(each, reason) for each in waiting.collected.missing)]

    async def _listen(self, channels: Channels) -> None:
        async with channels.subscribe(EVERYBODY, self._reply_to, check=False) as feed:
            self.is_listening.set()
            others = [asyncio.create_task(each) for each in (self._send_news(channels), self._say_hello(channels))]
            try:
                async for publication in feed:
                    self._take(channels, publication)
            finally:
                self.is_listening.clear()
                for task in others:
                    task.cancel()
                await asyncio.wait(others)

    def _take(self, channels: Channels, publication: Publication) -> None:
        if publication.kind is not Kind.MESSAGE:
            return
        letter = read_letter(publication.data)
        match letter:
            case Hello():
                self._meet(channels, letter)
            case Inquiry():
                self._start_answer(channels, letter)
            case AnswerLetter() if publication.channel == self._reply_to:
                self._collect(letter)
            case News() if publication.channel == self._reply_to:
                self._tails.get(letter.news.tail, _ignore)(letter.news)
            case _:
                self._log.warn("ignored a message to the inspector that is not from a node")

    def _meet(self, channels: Channels, hello: Hello) -> None:
        if hello.is_leaving:
            self.peers.forget(hello.node)
            return
        self.peers.hear(hello.node)
        if hello.is_new and self._view is not None and hello.node.id != self._view.node.id:
            _spawn(self._try_publish(channels, Hello(self._view.node)), self._greetings)

    def _start_answer(self, channels: Channels, inquiry: Inquiry) -> None:
        view = self._view
        if view is None or inquiry.reply == self._reply_to or inquiry.node not in ("", view.node.id):
            return
        if len(self._at_work) >= MAX_AT_WORK:
            self._log.warn("did not answer a question of the inspector: there are too many at once")
            return
        _spawn(self._answer(channels, view, inquiry), self._at_work)

    def _collect(self, reply: AnswerLetter) -> None:
        self.peers.hear(reply.node)
        waiting = self._waiting.get(reply.id)
        if waiting is None or reply.node.id in waiting.collected.answered:
            return
        answer = None if reply.error else read_answer(waiting.question, reply.answer)
        error = reply.error or ("" if answer is not None else "its answer cannot be read; it may run another version")
        waiting.replies.append(NodeReply(reply.node, answer, error))
        own = "" if self._view is None else self._view.node.id
        waiting.collected.add(reply.node, (each for each in reply.peers if each.id != own), waiting.is_for_all)
        if waiting.collected.is_complete:
            waiting.complete.set()

    async def _answer(self, channels: Channels, view: NodeView, inquiry: Inquiry) -> None:
        def deliver(news: TailNews) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                self._news.put_nowait((inquiry.reply, news))

        reply = AnswerLetter(inquiry.id, view.node, self.peers.known())
        try:
            async with asyncio.timeout(max(0.0, min(inquiry.seconds, MAX_WORK))):
                answer = msgspec.json.encode(await view.answer(inquiry.question, deliver))
                if len(answer) > MAX_LETTER:
                    reply.error = f"its answer of {len(answer)} bytes is too large; ask for fewer rows"
                else:
                    reply.answer = msgspec.Raw(answer)
        except CannotAnswer as error:
            reply.error = str(error)
        except TimeoutError:
            return
        await self._try_publish(channels, reply, inquiry.reply)

    async def _say_hello(self, channels: Channels) -> None:
        """Announce this node to the others, repeatedly."""
        if self._view is None:
            return
        await self._try_publish(channels, Hello(self._view.node, is_new=True))
        while True:
            await self._sleep(HELLO_INTERVAL)
            await self._try_publish(channels, Hello(self._view.node))

    async def _say_goodbye(self) -> None:
        if self._view is not None and self._channels is not None and self._channels.has_started:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await self._try_publish(self._channels, Hello(self._view.node, is_leaving=True))

    async def _send_news(self, channels: Channels) -> None:
        while True:
            reply, news = await self._news.get()
            await self._try_publish(channels, News(news), reply)

    async def _publish(self, channels: Channels, letter: Letter, channel: str = EVERYBODY) -> None:
        _ = await channels.publish(channel, write_letter(letter), check=False)

    async def _try_publish(self, channels: Channels, letter: Letter, channel: str = EVERYBODY) -> None:
        try:
            await self._publish(channels, letter, channel)
        except (BrokerUnavailable, ValueError) as error:
            self._log.warn("the inspector cannot reach other nodes: %s", error)


def _spawn(work: Awaitable[None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _no_answer(node: InspectedNode, reason: str) -> NodeReply:
    return NodeReply(node, None, reason)


def _ignore(news: TailNews) -> None:
    """Drop news of a tail that has ended."""
