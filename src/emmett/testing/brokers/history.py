"""Promises about history: offsets, what is kept and what expires, and that missing publications are reported."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

from ...channels.brokers.port import Entry, History, Limits
from ...channels.publication import Position
from .kit import LIMITS, Hooks, Node, Nodes, contract_test


async def read(
    node: Node, channel: str, since: Position | None = None, limit: int | None = None, limits: Limits = LIMITS
) -> History:
    """Return the history of a channel, after checking what holds for every answer."""
    found = await node.call(node.broker.history(channel, since, limit, limits))
    offsets = [entry.position.offset for entry in found.entries if entry.position is not None]
    assert len(offsets) == len(found.entries), f"entries without a position: {found!r}"
    assert {entry.position.epoch for entry in found.entries if entry.position} <= {found.top.epoch}
    assert offsets == list(range(offsets[0], offsets[0] + len(offsets))) if offsets else True, f"a gap within {offsets}"
    assert not offsets or offsets[-1] <= found.top.offset
    if found.complete and since is not None and limit != 0:
        assert since.epoch == found.top.epoch, "complete, though the position is of another epoch"
        assert not offsets or offsets[0] == since.offset + 1, "complete, though it does not follow the position"
        if limit is None:
            assert since.offset + len(offsets) == found.top.offset, "complete, though the newest are missing"
    assert Position.parse(str(found.top)) == found.top, f"{found.top!r} is not a position that a client can return"
    return found


def payloads(entries: Sequence[Entry]) -> list[bytes]:
    """Return the payloads of entries."""
    return [entry.payload for entry in entries]


async def fill(node: Node, channel: str, numbers: range, limits: Limits = LIMITS) -> list[Position]:
    """Publish numbers; return their positions."""
    return [await node.keep(channel, b"%d" % number, limits) for number in numbers]


def texts(numbers: range) -> list[bytes]:
    """Return the payloads that `fill` publishes."""
    return [b"%d" % number for number in numbers]


def _has_heard(node: Node, channel: str, offsets: set[int]) -> bool:
    return offsets <= {
        heard.entry.position.offset for heard in node.reports if heard.channel == channel and heard.entry.position
    }


class HistoryContract(Hooks):
    """History and positions."""

    @contract_test
    async def test_offsets_are_consecutive_from_one_on(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        positions = await fill(node, nodes.name("a"), range(1, 6))
        assert [position.offset for position in positions] == [1, 2, 3, 4, 5]
        assert len({position.epoch for position in positions}) == 1
        assert [position.offset for position in await fill(other, nodes.name("b"), range(2))] == [1, 2]
        assert (await other.keep(nodes.name("a"), b"6")) == Position(positions[0].epoch, 6)

    @contract_test
    async def test_publish_history_and_listeners_tell_the_same(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        await node.subscribe(nodes.name())
        positions = await fill(publisher, nodes.name(), range(1, 21))
        heard = [report.entry for report in await node.take(20)]
        found = await read(node, nodes.name())
        assert [(entry.payload, entry.position) for entry in heard] == list(
            zip(texts(range(1, 21)), positions, strict=True)
        )
        assert [tuple(entry) for entry in found.entries] == [tuple(entry) for entry in heard]
        assert found.top == positions[-1]
        assert found.complete
        assert {type(entry.position) for entry in [*heard, *found.entries]} == {Position}

    @contract_test
    async def test_since_and_limit(self, nodes: Nodes) -> None:
        publisher, node = await nodes.start_two()
        channel = nodes.name()
        positions = await fill(publisher, channel, range(1, 11))
        start = Position(positions[0].epoch, 0)
        cases: list[tuple[Position | None, int | None, range]] = [
            (None, None, range(1, 11)),
            (None, 3, range(8, 11)),
            (None, 10, range(1, 11)),
            (None, 100, range(1, 11)),
            (start, None, range(1, 11)),
            (start, 3, range(1, 4)),
            (positions[3], None, range(5, 11)),
            (positions[3], 2, range(5, 7)),
            (positions[3], 6, range(5, 11)),
            (positions[3], 100, range(5, 11)),
            (positions[8], 1, range(10, 11)),
            (positions[9], None, range(0)),
            (positions[9], 5, range(0)),
        ]
        for since, limit, expected in cases:
            found = await read(node, channel, since, limit)
            assert payloads(found.entries) == texts(expected), f"since {since}, limit {limit}"
            assert found.top == positions[-1]
            assert found.complete, f"since {since}, limit {limit}: nothing is missing"

    @contract_test
    async def test_a_limit_of_nothing_asks_for_the_top(self, nodes: Nodes) -> None:
        node = await nodes.start()
        positions = await fill(node, nodes.name(), range(1, 4))
        for since in (None, positions[0], positions[2]):
            found = await read(node, nodes.name(), since, 0)
            assert (list(found.entries), found.top) == ([], positions[-1])

    @contract_test
    async def test_history_in_pages_of_some_bytes(self, nodes: Nodes) -> None:
        """Pages have at least one publication each, and none is left out between them."""
        publisher, node = await nodes.start_two()
        channel, limits = nodes.name(), Limits(50, 600.0)
        sizes = [1, 500, 20, 3000, 1, 1, 1, 999, 1] * 7
        positions = await asyncio.gather(*(publisher.keep(channel, b"x" * size, limits) for size in sizes))
        end = max(positions)
        since, found, pages = Position(end.epoch, end.offset - 50), list[Entry](), 0
        while since != end:
            call = node.broker.history(channel, since, None, limits, max_bytes=1000)
            page = await node.call(call)
            assert page.complete, f"since {since.offset}: nothing is missing"
            assert page.top == end
            payload_sizes = [len(entry.payload) for entry in page.entries]
            assert payload_sizes, f"since {since.offset}: a page without a publication"
            found += page.entries
            pages += 1
            last = page.entries[-1].position
            assert last is not None
            assert since < last, f"since {since.offset}: a page that leads nowhere"
            since = last
        offsets = [entry.position.offset for entry in found if entry.position is not None]
        assert offsets == list(range(end.offset - 49, end.offset + 1))
        assert pages > 3, "max_bytes is ignored"
        stale = Position(end.epoch, 0)
        page = await node.call(node.broker.history(channel, stale, None, limits, max_bytes=1))
        assert not page.complete
        assert page.entries[0].position == Position(end.epoch, end.offset - 49), "not the oldest remaining one"

    @contract_test
    async def test_the_position_of_an_empty_channel_is_good_later(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        begin = await read(node, nodes.name())
        assert (list(begin.entries), begin.top.offset, begin.complete) == ([], 0, True)
        assert (await read(other, nodes.name())).top == begin.top, "two nodes see different epochs"
        again = await read(other, nodes.name(), begin.top)
        assert (list(again.entries), again.top, again.complete) == ([], begin.top, True)
        positions = await fill(other, nodes.name(), range(1, 4))
        assert positions[0] == Position(begin.top.epoch, 1)
        found = await read(node, nodes.name(), begin.top)
        assert payloads(found.entries) == texts(range(1, 4))
        assert found.complete

    @contract_test
    async def test_two_nodes_ask_first(self, nodes: Nodes) -> None:
        """The first caller settles the epoch of a channel, even if many call at once."""
        node, other = await nodes.start_two()
        for number in range(10):
            channel = nodes.name(number)
            asked = await asyncio.gather(
                *(read(node, channel, limit=0), read(other, channel, limit=0)),
                *(node.keep(channel, b"1"), other.keep(channel, b"2")),
            )
            epochs = {answer.top.epoch if isinstance(answer, History) else answer.epoch for answer in asked}
            assert len(epochs) == 1, f"a channel that began once has the epochs {epochs}"

    @contract_test
    async def test_history_is_trimmed_to_its_size(self, nodes: Nodes) -> None:
        node, limits, channel = await nodes.start(), Limits(4, 600.0), nodes.name()
        positions = await fill(node, channel, range(1, 11), limits)
        found = await read(node, channel, limits=limits)
        assert (payloads(found.entries), found.top, found.complete) == (texts(range(7, 11)), positions[-1], True)
        start = Position(positions[0].epoch, 0)
        for since in (start, positions[0], positions[4]):
            found = await read(node, channel, since, limits=limits)
            assert not found.complete, f"since {since.offset}: 6 is missing, and this is not reported"
            assert payloads(found.entries) == texts(range(7, 11))
            assert payloads((await read(node, channel, since, 2, limits)).entries) == texts(range(7, 9))
            assert not (await read(node, channel, since, 2, limits)).complete
        for since, expected in ((positions[5], range(7, 11)), (positions[6], range(8, 11)), (positions[9], range(0))):
            found = await read(node, channel, since, limits=limits)
            assert found.complete, f"since {since.offset}: nothing is missing"
            assert payloads(found.entries) == texts(expected)

    @contract_test
    async def test_a_removed_history(self, nodes: Nodes) -> None:
        """Nothing is left to read, and the position remains: who was there before it has missed something."""
        node, other = await nodes.start_two()
        channel = nodes.name()
        await node.call(node.broker.remove_history(channel, LIMITS))
        positions = await fill(node, channel, range(1, 6))
        begin = Position(positions[0].epoch, 0)
        assert payloads((await read(other, channel, positions[1], 1)).entries) == [b"3"]
        await node.call(node.broker.remove_history(channel, LIMITS))
        for each in (node, other):
            for since in (begin, positions[1], positions[2], positions[3]):
                for limit in (None, 1):
                    found = await read(each, channel, since, limit)
                    assert (list(found.entries), found.top, found.complete) == ([], positions[-1], False)
            found = await read(each, channel)
            assert (list(found.entries), found.top) == ([], positions[-1])
            assert (await read(each, channel, positions[-1])).complete
        assert await other.keep(channel, b"6") == positions[-1]._replace(offset=6)
        assert payloads((await read(node, channel)).entries) == [b"6"]
        assert (await read(node, channel, positions[-1])).complete
        assert not (await read(node, channel, positions[-2])).complete

    @contract_test
    async def test_history_of_one(self, nodes: Nodes) -> None:
        node, limits = await nodes.start(), Limits(1, 600.0)
        positions = await fill(node, nodes.name(), range(1, 4), limits)
        assert payloads((await read(node, nodes.name(), limits=limits)).entries) == [b"3"]
        assert (await read(node, nodes.name(), positions[1], limits=limits)).complete
        assert not (await read(node, nodes.name(), positions[0], limits=limits)).complete

    @contract_test
    async def test_limits_may_become_narrower(self, nodes: Nodes) -> None:
        node, narrow = await nodes.start(), Limits(2, 600.0)
        positions = await fill(node, nodes.name(), range(1, 6))
        await node.keep(nodes.name(), b"6", narrow)
        assert payloads((await read(node, nodes.name(), limits=narrow)).entries) == [b"5", b"6"]
        assert not (await read(node, nodes.name(), positions[2], limits=narrow)).complete

    @contract_test
    async def test_history_expires_and_its_position_lives_on(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        limits, channel = Limits(100, 0.15), nodes.name()
        positions = await fill(node, channel, range(1, 4), limits)
        await self.let_pass(0.25)
        found = await read(other, channel, limits=limits)
        assert (list(found.entries), found.top, found.complete) == ([], positions[-1], True)
        assert (await read(other, channel, positions[-1], limits=limits)).complete
        assert not (await read(other, channel, positions[1], limits=limits)).complete
        assert not (await read(other, channel, Position(positions[0].epoch, 0), limits=limits)).complete
        # From here on, nothing expires during the test.
        assert await other.keep(channel, b"4") == Position(positions[0].epoch, 4)
        found = await read(node, channel, positions[-1])
        assert (payloads(found.entries), found.complete) == ([b"4"], True)
        assert not (await read(node, channel, positions[0])).complete

    @contract_test
    async def test_each_publication_has_a_time_of_its_own(self, nodes: Nodes) -> None:
        """A later publication does not prolong the life of an earlier one."""
        node, limits, channel = await nodes.start(), Limits(100, 0.6), nodes.name()
        positions = await fill(node, channel, range(1, 4), limits)
        await self.let_pass(0.4)
        begin = asyncio.get_running_loop().time()
        last = await node.keep(channel, b"4", limits)
        await self.let_pass(0.3)
        found = await read(node, channel, limits=limits)
        assert found.top == last
        # On a very busy machine the last one may have expired as well.
        if asyncio.get_running_loop().time() - begin < 0.5:
            assert payloads(found.entries) == [b"4"]
            assert (await read(node, channel, positions[2], limits=limits)).complete
        assert not set(payloads(found.entries)) & {b"1", b"2", b"3"}
        assert not (await read(node, channel, positions[0], limits=limits)).complete

    @contract_test
    async def test_positions_that_are_not_of_this_history(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        await fill(node, nodes.name("other"), range(9))
        positions = await fill(node, channel, range(1, 4))
        epoch = positions[0].epoch
        strangers = [
            *(Position("another", offset) for offset in (0, 1, 3, 99)),
            *(Position(epoch + "x", 2), Position("0", 0), Position("-", 2), Position("a.b", 2), Position("x" * 78, 2)),
            *(Position(epoch, offset) for offset in (4, 5, 10**9, 2**53, 2**63 - 1, 2**63, 10**19 - 1)),
        ]
        for since in strangers:
            for limit in (None, 2):
                found = await read(node, channel, since, limit)
                assert not found.complete, f"a client with {since} has missed something, and this is not reported"
                assert payloads(found.entries) == texts(range(1, 4))[:limit], f"not the oldest remaining: {since}"
                assert found.top == positions[-1]
        empty = await read(node, nodes.name("empty"), Position("another", 5))
        assert (list(empty.entries), empty.top.offset, empty.complete) == ([], 0, False)

    @contract_test
    async def test_what_is_published_without_limits_is_in_no_history(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        await node.subscribe(channel)
        assert (await node.keep(channel, b"1")).offset == 1
        assert await node.publish(channel, b"passing") is None
        assert (await node.keep(channel, b"2")).offset == 2
        found = await read(node, channel)
        assert payloads(found.entries) == [b"1", b"2"]
        heard = {report.entry.payload: report.entry.position for report in await node.take(3)}
        assert heard == {b"1": found.entries[0].position, b"passing": None, b"2": found.entries[1].position}

    @contract_test
    async def test_many_publishers_have_one_order(self, nodes: Nodes) -> None:
        """Offsets have no gaps, and every node hears publications in the order of their offsets."""
        first, second = await nodes.start_two()
        channel = nodes.name()
        for node in (first, second):
            await node.subscribe(channel)

        async def publish(node: Node, name: str) -> dict[bytes, Position]:
            return {(text := f"{name} {number}".encode()): await node.keep(channel, text) for number in range(20)}

        names = {"a": first, "b": second, "c": first, "d": second, "e": second}
        done = await asyncio.gather(*(publish(node, name) for name, node in names.items()))
        published = {payload: position for part in done for payload, position in part.items()}
        assert sorted(position.offset for position in published.values()) == list(range(1, 101))
        found = await read(first, channel)
        assert {entry.payload: entry.position for entry in found.entries} == published
        for node in (first, second):
            heard = [report.entry for report in await node.take(100)]
            offsets = [entry.position.offset for entry in heard if entry.position]
            assert offsets == list(range(1, 101)), f"heard in another order than that of the history: {offsets}"
            assert payloads(heard) == payloads(found.entries)
            await node.expect_silence()

    @contract_test
    async def test_history_and_live_leave_no_gap(self, nodes: Nodes) -> None:
        """A node that subscribes and then reads the history misses nothing: it hears what the history lacks."""
        publisher, node = await nodes.start_two()
        for turn in range(5):
            channel = nodes.name(turn)
            begin = (await read(node, channel)).top
            task = asyncio.ensure_future(fill(publisher, channel, range(1, 41)))
            for _ in range(turn * 3):
                await asyncio.sleep(0)
            await node.subscribe(channel)
            found = await read(node, channel, begin)
            await task
            assert found.complete
            missing = range(found.top.offset + 1, 41)
            await node.until(
                functools.partial(_has_heard, node, channel, set(missing)),
                functools.partial("offsets {} on the live stream, which the history did not have".format, missing),
            )
