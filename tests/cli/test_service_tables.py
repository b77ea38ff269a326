"""The output of `emmett ps` and `emmett tail`."""

from __future__ import annotations

import pytest

from emmett.cli.service_tables import print_connections, print_news, print_nodes, show_bytes, show_seconds
from emmett.inspector.answers import (
    BrokerOverview,
    ConnectionList,
    ConnectionRow,
    InspectedNode,
    NodeOverview,
    TailedMessage,
    TailNews,
)
from emmett.inspector.reports import NodeStatus


def overview(is_draining: bool = False, ok: bool | None = True) -> NodeOverview:
    broker = BrokerOverview("emmett", "RedisBroker", ok, 0.0015 if ok else None, [], {})
    return NodeOverview(
        "1", "native", "3.11", 7200.0, 12, is_draining, True, False, [0.5, 3.25], 0, 50 << 20, [broker], []
    )


def test_nodes_are_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        NodeStatus(InspectedNode("aaaaaaaa", "one", 1), overview=overview()),
        NodeStatus(InspectedNode("bbbbbbbb", "two", 2), overview=overview(is_draining=True, ok=False)),
        NodeStatus(InspectedNode("cccccccc", "three", 3), overview=overview(ok=None)),
        NodeStatus(InspectedNode("dddddddd", "[four]", 0), "it does not answer within 2 s"),
    ]
    print_nodes(nodes)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line[:8].isalpha()]
    assert lines[-4:] == [
        ["aaaaaaaa", "one", "1", "2.0", "h", "12", "3.2", "ms", "50", "MiB", "ok", "1.5", "ms", "running"],
        ["bbbbbbbb", "two", "2", "2.0", "h", "12", "3.2", "ms", "50", "MiB", "failing", "draining"],
        ["cccccccc", "three", "3", "2.0", "h", "12", "3.2", "ms", "50", "MiB", "unknown", "running"],
        ["dddddddd", "[four]", "it", "does", "not", "answer", "within", "2", "s"],
    ]


def test_connections_are_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    row = ConnectionRow("aaaaaaaa-1", "chat", "/[red]", "192.0.2.1:5", ["ann", "bob"], 90.0, 3, 4, 1, 2048)
    print_connections(ConnectionList([row], 3, 10))
    output = capsys.readouterr().out
    assert output.splitlines()[-2].split() == (
        ["aaaaaaaa-1", "chat", "/[red]", "ann,", "bob", "192.0.2.1:5", "2", "min", "3", "4", "1", "2", "KiB"]
    )
    assert output.splitlines()[-1] == "and 2 more of 10"
    print_connections(ConnectionList([], 0, 10))
    print_connections(ConnectionList([], 0, 0))
    assert capsys.readouterr().out == "No connections of 10 match.\nThere are no connections.\n"


def test_messages_are_printed_as_they_arrive(capsys: pytest.CaptureFixture[str]) -> None:
    messages = [TailedMessage(1e9, "sent", "text", 5, "[b]hi", True), TailedMessage(0.0, "received", "binary", 2)]
    print_news(TailNews("t", messages, 7, "it has ended"), as_json=False)
    first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert first.endswith(" sent      text 5 characters  [b]hi…")
    assert second == " received  binary 2 bytes"
    assert (third, fourth) == ("… 7 more", "it has ended")
    print_news(TailNews("t", messages[1:], 7, "it has ended"), as_json=True)
    assert capsys.readouterr().out.splitlines() == [
        '{"at":0.0,"direction":"received","kind":"binary","size":2}',
        '{"skipped":7}',
        '{"ended":"it has ended"}',
    ]


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;x\x07\x9b2J\u202e\r\nforged"
    row = ConnectionRow("aaaaaaaa-1", evil, evil, evil, [evil], 1.0, 1, 2, 0, 0)
    print_connections(ConnectionList([row], 1, 1))
    print_nodes([NodeStatus(InspectedNode(evil, evil, 1), evil)])
    message = TailedMessage(0.0, "received", "text", 3, evil)
    print_news(TailNews("t", [message], ended=evil), as_json=False)
    text = capsys.readouterr().out
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert not any(line.startswith("forged") for line in text.splitlines())
    assert "\\x1b]0;x\\x07\\x9b2J\\u202e\\r\\nforged" in text


def test_numbers_are_shortened() -> None:
    assert [show_seconds(each) for each in (0.4, 59, 600, 5400, 400_000)] == ["0 s", "59 s", "10 min", "1.5 h", "5 d"]
    assert [show_bytes(each) for each in (None, 0, 1023, 4096, 1 << 21)] == ["-", "0 B", "1023 B", "4 KiB", "2 MiB"]
