"""Promises about presence: who is present, first and last connections, and reports of members that vanished."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from .kit import Hooks, Node, Nodes, contract_test

# Seconds that outlast any test; and a time to live that has passed after `LATER`.
LONG = 600.0
SHORT = 0.15
LATER = 0.25


async def join(node: Node, channel: str, connection: str, member: str, info: bytes = b"{}", ttl: float = LONG) -> bool:
    """Join a channel; return whether the member is new."""
    return await node.call(node.broker.join(channel, connection, member, info, ttl))


async def leave(node: Node, channel: str, connection: str) -> str | None:
    """Leave a channel; return the member if it is gone."""
    return await node.call(node.broker.leave(channel, connection))


async def keep(node: Node, channel: str, *connections: str, ttl: float = LONG) -> list[str]:
    """Renew connections; return the members that are gone."""
    return list(await node.call(node.broker.keep(channel, connections, ttl)))


async def present(node: Node, channel: str) -> Mapping[str, tuple[bytes, int]]:
    """Return the members that are present."""
    found = await node.call(node.broker.present(channel))
    assert all(type(info) is bytes and type(count) is int for info, count in found.values())
    return {member: (info, count) for member, (info, count) in found.items()}


class PresenceContract(Hooks):
    """Joining, leaving, expiry."""

    @contract_test
    async def test_first_and_last_connection(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        assert await present(node, channel) == {}
        assert await join(node, channel, "c1", "ada") is True
        assert await join(node, channel, "c2", "ada") is False
        assert await join(node, channel, "c3", "bob") is True
        assert await present(node, channel) == {"ada": (b"{}", 2), "bob": (b"{}", 1)}
        assert await leave(node, channel, "c1") is None
        assert await present(node, channel) == {"ada": (b"{}", 1), "bob": (b"{}", 1)}
        assert await leave(node, channel, "c2") == "ada"
        assert await present(node, channel) == {"bob": (b"{}", 1)}
        assert await join(node, channel, "c1", "ada") is True
        assert await leave(node, channel, "c1") == "ada"
        assert await leave(node, channel, "c3") == "bob"
        assert await present(node, channel) == {}

    @contract_test
    async def test_a_member_on_two_nodes(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        channel = nodes.name()
        assert await join(node, channel, "c1", "ada") is True
        assert await join(other, channel, "c2", "ada") is False
        for each in (node, other):
            assert await present(each, channel) == {"ada": (b"{}", 2)}
        assert await leave(node, channel, "c1") is None
        assert await present(node, channel) == {"ada": (b"{}", 1)}
        assert await leave(other, channel, "c2") == "ada"

    @contract_test
    async def test_channels_are_apart(self, nodes: Nodes) -> None:
        node = await nodes.start()
        assert await join(node, nodes.name("a"), "c1", "ada") is True
        assert await join(node, nodes.name("b"), "c1", "ada") is True
        assert await leave(node, nodes.name("a"), "c1") == "ada"
        assert await present(node, nodes.name("a")) == {}
        assert await present(node, nodes.name("b")) == {"ada": (b"{}", 1)}

    @contract_test
    async def test_the_newest_info_counts(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        channel = nodes.name()
        infos = [b'{"name": "Ada"}', '{"name": "Adä"}'.encode(), b"null", b'{"x": "' + b"y" * 5000 + b'"}', b""]
        for number, info in enumerate(infos):
            await join((node, other)[number % 2], channel, f"c{number}", "ada", info)
            assert await present(node, channel) == {"ada": (info, number + 1)}

    @contract_test
    async def test_joining_again_renews(self, nodes: Nodes) -> None:
        """The same connection counts once, with its new info; a node may join again after a loss."""
        node, channel = await nodes.start(), nodes.name()
        assert await join(node, channel, "c1", "ada", b"1") is True
        assert await join(node, channel, "c1", "ada", b"2") is False
        assert await present(node, channel) == {"ada": (b"2", 1)}
        assert await leave(node, channel, "c1") == "ada"
        assert await present(node, channel) == {}

    @contract_test
    async def test_who_is_not_there_leaves(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        assert await leave(node, channel, "c1") is None
        await join(node, channel, "c1", "ada")
        assert await leave(node, channel, "c2") is None
        assert await leave(node, nodes.name("other"), "c1") is None
        assert await leave(node, channel, "c1") == "ada"
        assert await leave(node, channel, "c1") is None

    @contract_test
    async def test_odd_members(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        members = [
            "",
            " ",
            "a b",
            "a:b",
            "a*",
            "é",
            "\N{SNOWMAN}",
            "\0",
            "a\r\nb",
            "c1",
            "ada",
            "Ada",
            "x" * 1000,
            ".",
            ">",
        ]
        for number, member in enumerate(members):
            assert await join(node, channel, f"c{number}", member) is True, f"the member {member!r} is not new"
        assert await present(node, channel) == dict.fromkeys(members, (b"{}", 1))
        for number, member in enumerate(members):
            assert await leave(node, channel, f"c{number}") == member

    @contract_test
    async def test_joins_and_leaves_at_once(self, nodes: Nodes) -> None:
        """In any order of events, exactly one is the first and one is the last."""
        pair = await nodes.start_two()
        for turn in range(10):
            channel = nodes.name(turn)
            names = [f"c{number}" for number in range(10)]
            joined = await asyncio.gather(*(join(pair[i % 2], channel, name, "ada") for i, name in enumerate(names)))
            assert joined.count(True) == 1, f"{joined.count(True)} of ten joins were reported as the first"
            assert await present(pair[0], channel) == {"ada": (b"{}", 10)}
            left = await asyncio.gather(*(leave(pair[i % 2], channel, name) for i, name in enumerate(names)))
            assert left.count("ada") == 1, f"{left.count('ada')} of ten leaves were reported as the last"
            assert await present(pair[0], channel) == {}

    @contract_test
    async def test_expiry(self, nodes: Nodes) -> None:
        """Expired members are no longer present, and exactly one call of `keep` reports them."""
        node, other = await nodes.start_two()
        channel = nodes.name()
        await join(node, channel, "crashed", "ada", ttl=SHORT)
        await join(other, channel, "here", "bob")
        assert await keep(other, channel, "here") == []
        await self.let_pass(LATER)
        assert await present(other, channel) == {"bob": (b"{}", 1)}
        told = await asyncio.gather(*(keep(each, channel, "here") for each in (node, other) * 3))
        assert [member for part in told for member in part] == ["ada"], (
            f"it is to be told once that ada has gone, and was: {told}"
        )
        assert await keep(node, channel) == []
        assert await leave(node, channel, "crashed") is None
        assert await present(node, channel) == {"bob": (b"{}", 1)}
        assert await join(node, channel, "new", "ada") is True

    @contract_test
    async def test_one_of_several_connections_expires(self, nodes: Nodes) -> None:
        """A member with another connection is not gone."""
        node, other = await nodes.start_two()
        channel = nodes.name()
        await join(node, channel, "crashed", "ada", ttl=SHORT)
        await join(other, channel, "here", "ada")
        await self.let_pass(LATER)
        assert await present(node, channel) == {"ada": (b"{}", 1)}
        assert await keep(other, channel, "here") == []
        assert await present(node, channel) == {"ada": (b"{}", 1)}
        assert await leave(other, channel, "here") == "ada"

    @contract_test
    async def test_who_is_kept_stays(self, nodes: Nodes) -> None:
        node, channel = await nodes.start(), nodes.name()
        begin = asyncio.get_running_loop().time()
        await join(node, channel, "c1", "ada", ttl=0.4)
        await join(node, channel, "c2", "bob", ttl=0.4)
        assert await keep(node, channel, "c1", "c2", "unknown") == []
        if asyncio.get_running_loop().time() - begin > 0.3:
            return  # This machine is so busy that they may have expired.
        await self.let_pass(0.5)
        assert await keep(node, channel, "c1") == []
        assert await present(node, channel) == {"ada": (b"{}", 1), "bob": (b"{}", 1)}

    @contract_test
    async def test_who_was_forgotten_is_not_brought_back(self, nodes: Nodes) -> None:
        """A node that was cut off learns nothing from `keep`; it joins again, which counts as new."""
        node, other = await nodes.start_two()
        channel = nodes.name()
        await join(node, channel, "c1", "ada", ttl=SHORT)
        await self.let_pass(LATER)
        assert await keep(other, channel) == ["ada"]
        assert await keep(node, channel, "c1") == []
        assert await present(node, channel) == {}
        assert await keep(node, channel) == []
        assert await join(node, channel, "c1", "ada") is True
        assert await present(other, channel) == {"ada": (b"{}", 1)}

    @contract_test
    async def test_who_comes_back_after_the_time_is_not_told_gone(self, nodes: Nodes) -> None:
        """The old connection has expired, but the new one is there before any node has checked."""
        node, other = await nodes.start_two()
        channel = nodes.name()
        await join(node, channel, "old", "ada", b"1", ttl=SHORT)
        await self.let_pass(LATER)
        await join(other, channel, "new", "ada", b"2")
        assert await present(node, channel) == {"ada": (b"2", 1)}
        assert await keep(other, channel, "new") == []
        assert await present(node, channel) == {"ada": (b"2", 1)}
        assert await leave(other, channel, "new") == "ada"

    @contract_test
    async def test_a_whole_node_expires(self, nodes: Nodes) -> None:
        """Every member that had only connections of the crashed node is reported, and no other."""
        node, other = await nodes.start_two()
        channel = nodes.name()
        for number in range(200):
            await join(node, channel, f"crashed{number}", f"member{number}", ttl=LONG)
        for number in range(0, 200, 2):
            await join(other, channel, f"here{number}", f"member{number}")
        # From here on, connections can expire.
        assert await keep(node, channel, *(f"crashed{number}" for number in range(200)), ttl=SHORT) == []
        await self.let_pass(LATER)
        gone = await keep(other, channel, *(f"here{number}" for number in range(0, 200, 2)))
        assert sorted(gone) == sorted(f"member{number}" for number in range(1, 200, 2))
        assert len(await present(other, channel)) == 100
