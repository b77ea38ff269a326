"""The other nodes, and which of them must answer."""

from __future__ import annotations

from emmett.inspector.answers import InspectedNode
from emmett.inspector.peers import FORGET_AFTER, MAX_PEERS, Collected, Peers


def node(id: str) -> InspectedNode:
    return InspectedNode(id, "host", 1)


def test_a_node_is_known_after_a_recent_message() -> None:
    now = 0.0
    peers = Peers("own", lambda: now)
    for id in ("own", "a", "b"):
        peers.hear(node(id))
    now = FORGET_AFTER
    peers.hear(node("b"))
    assert peers.known() == [node("a"), node("b")]
    now += 1
    assert peers.known() == [node("b")]
    peers.forget(node("b"))
    peers.forget(node("never heard"))
    assert peers.known() == []


def test_the_number_of_forged_nodes_is_bounded() -> None:
    peers = Peers("own", lambda: 0.0)
    for number in range(MAX_PEERS + 10):
        peers.hear(node(str(number)))
    assert len(peers.known()) == MAX_PEERS


def test_all_known_nodes_must_answer() -> None:
    collected = Collected([node("a")], needs_one=False)
    assert collected.missing == [node("a")]
    # `a` knows another node.
    collected.add(node("a"), [node("b")], is_for_all=True)
    assert not collected.is_complete
    collected.add(node("b"), [node("a")], is_for_all=True)
    assert collected.is_complete


def test_a_question_to_one_node_waits_only_for_that_node() -> None:
    collected = Collected([node("a")], needs_one=False)
    collected.add(node("a"), [node("b")], is_for_all=False)
    assert collected.is_complete


def test_a_node_that_knows_no_other_waits_for_one() -> None:
    assert Collected([], needs_one=False).is_complete
    collected = Collected([], needs_one=True)
    assert not collected.is_complete
    collected.add(node("a"), [], is_for_all=True)
    assert collected.is_complete
