"""Promises about patterns, and about names with a special meaning at a broker's server."""

from __future__ import annotations

from .kit import LIMITS, Hooks, Nodes, contract_test

# Characters with a meaning in globs, in NATS subjects, in keys of Redis and its cluster, in paths, URLs and formats.
ODD = (
    *("[", "]", "[ab]", "[^a]", "?", "a?c", "\\", "\\a", "$", "$SYS", ">", "<", "a.b", ".", "..", ".a", "a.", "a..b"),
    *("{", "}", "{a}", "{}", "%", "%2E", "%s", "=", "==", "_", "-", "~", "!", "@", "#", "&", "+", ",", ";", "|", "/"),
    *("'", '"', "`", "(", ")", "0", "a=b", "é", "e\N{COMBINING ACUTE ACCENT}", "\N{SNOWMAN}", "\U0001f600", "A", "a"),
    # The maximum length of names, including the group and the end of a pattern.
    *("n" * 180, "\U0001f600" * 45, "é" * 90),
)


class PatternsContract(Hooks):
    """Patterns such as `room:*`."""

    @contract_test
    async def test_a_pattern_stands_for_its_group(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        group, pattern = nodes.group, nodes.name("*")
        await node.subscribe(pattern)
        for channel in (f"{group}:1", f"{group}:eu:1", f"{group}:é", f"{group}:a.b"):
            await publisher.publish(channel, b"yes")
            [heard] = await node.take()
            assert heard[:2] == (pattern, channel)
        for channel in (group, f"{group}s:1", f"{group}", f"x{group}:1", f"x:{group}:1", group[:-1] + ":1"):
            await publisher.publish(channel, b"no")
        await node.expect_silence()

    @contract_test
    async def test_a_pattern_within_a_group(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        await node.subscribe(nodes.name("eu:*"))
        for rest in ("us:1", "1", "eu", "eur:1", "x:eu:1"):
            await publisher.publish(nodes.name(rest), b"no")
        await publisher.publish(nodes.name("eu:1"), b"yes")
        await publisher.publish(nodes.name("eu:de:2"), b"yes")
        assert {heard[1] for heard in await node.take(2)} == {nodes.name("eu:1"), nodes.name("eu:de:2")}
        await node.expect_silence()

    @contract_test
    async def test_colons_anywhere(self, nodes: Nodes) -> None:
        """Names may have empty parts, and a pattern matches all names that begin like it."""
        publisher, node = await nodes.start_two()
        patterns = {nodes.name("*"), nodes.name("a:*"), nodes.name(":*"), nodes.name("a::*")}
        expected = {"": {"*"}, ":": {"*", ":*"}, "a": {"*"}, "a:": {"*", "a:*"}, "a::": {"*", "a:*", "a::*"}}
        expected |= {":a": {"*", ":*"}, "a::b": {"*", "a:*", "a::*"}, "a:b": {"*", "a:*"}, "b:": {"*"}}
        await node.subscribe(*patterns)
        for rest, names in expected.items():
            await publisher.publish(nodes.name(rest), rest.encode())
            reports = await node.take(len(names))
            assert {heard.channel for heard in reports} == {nodes.name(rest)}
            assert sorted(heard.subscribed for heard in reports) == sorted(map(nodes.name, names))
        await node.expect_silence()
        await node.unsubscribe(*patterns)
        await node.subscribe(*map(nodes.name, expected))
        for rest in expected:
            await publisher.publish(nodes.name(rest), rest.encode())
            assert (await node.take())[0][:2] == (nodes.name(rest), nodes.name(rest))
        await node.expect_silence()

    @contract_test
    async def test_each_subscription_reports(self, nodes: Nodes) -> None:
        """A channel that is subscribed to by name and by patterns is reported once for each of them."""
        publisher, node = await nodes.start_two()
        names = [nodes.name("eu:1"), nodes.name("eu:*"), nodes.name("*")]
        await node.subscribe(*names)
        await publisher.publish(names[0], b"one")
        assert sorted(heard.subscribed for heard in await node.take(3)) == sorted(names)
        await node.unsubscribe(names[1])
        position = await publisher.keep(names[0], b"two")
        reports = await node.take(2)
        assert sorted(heard.subscribed for heard in reports) == sorted([names[0], names[2]])
        assert {heard.entry for heard in reports} == {(b"two", position)}
        await node.unsubscribe(names[0])
        await publisher.publish(names[0], b"three")
        assert (await node.take())[0][:2] == (names[2], names[0])
        await node.unsubscribe(names[2])
        await publisher.publish(names[0], b"four")
        await node.expect_silence()

    @contract_test
    async def test_a_pattern_hears_from_subscribe_on(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        for number in range(50):
            await node.subscribe(nodes.name(f"{number}:*"))
            await publisher.publish(nodes.name(f"{number}:1"), b"%d" % number)
            assert await node.payloads(1) == [b"%d" % number]

    @contract_test
    async def test_order_below_a_pattern(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        await node.subscribe(nodes.name("*"))
        for number in range(200):
            await publisher.keep(nodes.name("1"), b"%d" % number)
        assert [int(payload) for payload in await node.payloads(200)] == list(range(200))

    @contract_test
    async def test_every_character_stands_for_itself(self, nodes: Nodes) -> None:
        """Each odd name is a separate channel, whatever its characters mean to a server."""
        publisher, node = await nodes.start_two()
        channels = [nodes.name(odd) for odd in ODD]
        await node.subscribe(*channels)
        for number, channel in enumerate(channels):
            await publisher.publish(channel, b"%d" % number)
            [heard] = await node.take()
            assert heard[:2] == (channel, channel)
            assert heard.entry.payload == b"%d" % number
        for rest in ("b", "x", "abc", "zz", "\\b", "2E", "\u212a", "a/b", "a_b", "a%2Eb", "s"):
            await publisher.publish(nodes.name(rest), b"nobody has subscribed to this")
        await node.expect_silence()

    @contract_test
    async def test_every_character_stands_for_itself_in_history_and_presence(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        for odd in ODD:
            position = await publisher.keep(nodes.name(odd), odd.encode())
            assert position.offset == 1, f"the channel {nodes.name(odd)!r} is not a separate one"
            await publisher.call(publisher.broker.join(nodes.name(odd), odd, odd, b"{}", 60.0))
        for odd in ODD:
            found = await node.call(node.broker.history(nodes.name(odd), None, None, LIMITS))
            assert [entry.payload for entry in found.entries] == [odd.encode()]
            assert await node.call(node.broker.present(nodes.name(odd))) == {odd: (b"{}", 1)}
            assert await node.call(node.broker.leave(nodes.name(odd), odd)) == odd

    @contract_test
    async def test_every_character_stands_for_itself_in_a_pattern(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        patterns = [nodes.name(f"{odd}:*") for odd in ODD]
        await node.subscribe(*patterns)
        for odd, pattern in zip(ODD, patterns, strict=True):
            await publisher.publish(nodes.name(f"{odd}:1"), b"")
            [heard] = await node.take()
            assert heard[:2] == (pattern, nodes.name(f"{odd}:1"))
        for rest in ("b:1", "x:1", "abc:1", "\\b:1", "2E:1", "a_b:1", "aa:1"):
            await publisher.publish(nodes.name(rest), b"nobody has subscribed to this")
        await node.expect_silence()
