"""Promises about live publications: which nodes hear them, from when to when, in which order, and how often."""

from __future__ import annotations

import asyncio

from .kit import LIMITS, Heard, Hooks, Node, Nodes, contract_test

PAYLOADS = (b"", b"\x00", bytes(range(256)), b"\r\n", b"\xff" * 1000, "é\N{SNOWMAN}".encode(), b"x" * 2**20)


async def publish_numbers(node: Node, channel: str, begun: list[int], is_over: asyncio.Event) -> None:
    """Publish 1, 2, 3 …; `begun` ends with the last number that may have been published."""
    while not is_over.is_set():
        begun.append(begun[-1] + 1)
        await node.publish(channel, b"%d" % begun[-1])
        await asyncio.sleep(0)


class PublishingContract(Hooks):
    """Publishing, subscribing and unsubscribing by name."""

    @contract_test
    async def test_what_is_published_is_heard(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        await node.subscribe(channel)
        position = await node.publish(channel, b"one")
        assert position is None, f"publish without limits returned {position!r}, not None"
        [heard] = await node.take()
        assert heard == Heard(channel, channel, heard.entry)
        assert tuple(heard.entry) == (b"one", None)
        assert type(heard.entry.payload) is bytes
        await node.expect_silence()

    @contract_test
    async def test_every_node_hears_it_once(self, nodes: Nodes) -> None:
        first, second = await nodes.start_two()
        for node in (first, second):
            await node.subscribe(nodes.name())
        await first.publish(nodes.name(), b"from first")
        await second.publish(nodes.name(), b"from second")
        for node in (first, second):
            assert sorted(await node.payloads(2)) == [b"from first", b"from second"]
            await node.expect_silence()

    @contract_test
    async def test_nobody_hears_what_nobody_subscribed_to(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        await node.subscribe(nodes.name("a"))
        for name in ("b", "a:b", "A", "aa", ""):
            await other.publish(nodes.name(name) if name else nodes.group, b"not for you")
        await node.expect_silence()
        await other.expect_silence()

    @contract_test
    async def test_heard_from_the_return_of_subscribe_on(self, nodes: Nodes) -> None:
        publisher, subscriber = await nodes.start_two()
        for number in range(200):
            channel = nodes.name(number)
            await subscriber.subscribe(channel)
            await publisher.publish(channel, b"%d" % number)
            assert await subscriber.payloads(1) == [b"%d" % number]
            if number % 2:
                await subscriber.unsubscribe(channel)

    @contract_test
    async def test_heard_without_a_gap_from_subscribe_on(self, nodes: Nodes) -> None:
        """A node publishes without a pause while others subscribe."""
        publisher, subscriber = await nodes.start_two()
        for turn in range(10):
            channel, begun, is_over = nodes.name(turn), [0], asyncio.Event()
            task = asyncio.ensure_future(publish_numbers(publisher, channel, begun, is_over))
            await subscriber.subscribe(channel)
            # Publications under way may be heard or not.
            due = begun[-1] + 1
            [first] = await subscriber.payloads(1)
            assert int(first) <= due, f"{due} was published after subscribe had returned, but heard from {first!r} on"
            rest = await subscriber.payloads(10)
            is_over.set()
            await task
            assert [int(number) for number in rest] == list(range(int(first) + 1, int(first) + 11))
            await subscriber.payloads(begun[-1] - int(first) - 10)

    @contract_test
    async def test_a_second_call_of_subscribe_waits_for_the_first(self, nodes: Nodes) -> None:
        """When `subscribe` returns, the channel is heard, even if another call was the first to ask for it."""
        publisher, subscriber = await nodes.start_two()
        for number in range(50):
            channel = nodes.name(number)
            first = asyncio.ensure_future(subscriber.subscribe(channel))
            await asyncio.sleep(0)
            await subscriber.subscribe(channel)
            await publisher.publish(channel, b"%d" % number)
            assert await subscriber.payloads(1) == [b"%d" % number]
            await first
        await subscriber.expect_silence()

    @contract_test
    async def test_order_and_number(self, nodes: Nodes) -> None:
        """Publications of one node to a channel arrive everywhere once, and in order."""
        publisher, other = await nodes.start_two()
        channels = [nodes.name(letter) for letter in "abc"]
        for node in (publisher, other):
            await node.subscribe(*channels)
        for number in range(200):
            for channel in channels:
                await publisher.publish(channel, b"%d" % number, LIMITS if channel == channels[0] else None)
        for node in (publisher, other):
            reports = await node.take(600)
            for channel in channels:
                numbers = [int(heard.entry.payload) for heard in reports if heard.channel == channel]
                assert numbers == list(range(200)), f"{channel}: published 0 to 199, heard {numbers}"
            await node.expect_silence()

    @contract_test
    async def test_order_of_many_publishers(self, nodes: Nodes) -> None:
        """Publishers of one process do not wait for each other; the publications of each stay in order."""
        publisher, other = await nodes.start_two()
        channel = nodes.name()
        await publisher.subscribe(channel)
        await other.subscribe(channel)

        async def publish(node: Node, name: int) -> None:
            for number in range(20):
                await node.publish(channel, b"%d %d" % (name, number))

        await asyncio.gather(*(publish((publisher, other)[name % 2], name) for name in range(10)))
        for node in (publisher, other):
            pairs = [tuple(map(int, payload.split())) for payload in await node.payloads(200)]
            for name in range(10):
                numbers = [number for publisher_name, number in pairs if publisher_name == name]
                assert numbers == list(range(20)), f"one published 0 to 19, but heard was {numbers}"
            await node.expect_silence()

    @contract_test
    async def test_unsubscribe(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        left, kept = nodes.name("left"), nodes.name("kept")
        await node.subscribe(left, kept)
        await other.subscribe(left)
        await node.unsubscribe(left)
        await other.publish(left, b"left")
        await other.publish(kept, b"kept")
        assert (await node.take())[0].channel == kept
        assert (await other.take())[0].channel == left
        await node.expect_silence()

    @contract_test
    async def test_subscribe_again(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        for number in range(50):
            await node.subscribe(nodes.name())
            await publisher.publish(nodes.name(), b"%d" % number)
            assert await node.payloads(1) == [b"%d" % number]
            await node.unsubscribe(nodes.name())
        await publisher.publish(nodes.name(), b"too late")
        await node.expect_silence()

    @contract_test
    async def test_subscribing_twice_is_subscribing_once(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        await node.subscribe(channel)
        await node.subscribe(channel, nodes.name("other"))
        await node.publish(channel, b"one")
        assert await node.payloads(1) == [b"one"]
        await node.expect_silence()
        await node.unsubscribe(channel)
        await node.publish(channel, b"two")
        await node.expect_silence()

    @contract_test
    async def test_unknown_names_are_ignored(self, nodes: Nodes) -> None:
        node = await nodes.start()
        await node.subscribe(nodes.name("known"))
        await node.unsubscribe(nodes.name("unknown"), nodes.name("known"), nodes.name("*"))
        await node.unsubscribe(nodes.name("known"))
        await node.subscribe()
        await node.unsubscribe()
        await node.publish(nodes.name("known"), b"one")
        await node.expect_silence()

    @contract_test
    async def test_payloads_arrive_as_they_are(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        await node.subscribe(nodes.name("plain"), nodes.name("kept"))
        for payload in PAYLOADS:
            await publisher.publish(nodes.name("plain"), payload)
            assert await node.payloads(1) == [payload]
            await publisher.keep(nodes.name("kept"), payload)
            assert await node.payloads(1) == [payload]
        found = await node.call(node.broker.history(nodes.name("kept"), None, None, LIMITS))
        assert [entry.payload for entry in found.entries] == list(PAYLOADS)
        assert {type(entry.payload) for entry in found.entries} == {bytes}

    @contract_test
    async def test_a_thousand_channels_at_once(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        channels = [nodes.name(number) for number in range(1000)]
        await node.subscribe(*channels)
        for begin in range(0, 1000, 100):
            await asyncio.gather(*(publisher.publish(channel, b"") for channel in channels[begin : begin + 100]))
        assert sorted(heard.channel for heard in await node.take(1000)) == sorted(channels)
        await node.unsubscribe(*channels)
        for channel in channels[::100]:
            await publisher.publish(channel, b"")
        await node.expect_silence()
