from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from benchmarks.frames import server_frame, split_frames
from benchmarks.loads import json_messages
from benchmarks.loads.json_messages import DIALECTS, learn_reply, order, receipt, request
from benchmarks.plan import LoadFailed
from tests.benchmarks.loads.test_echo import MemoryTransport


class Answering(MemoryTransport):
    """Answers written bytes with prepared frames."""

    def __init__(self, answers: list[bytes]) -> None:
        super().__init__()
        self.answers = answers

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        super().write(data)
        protocol = self.protocol
        assert isinstance(protocol, asyncio.Protocol)
        for answer in self.answers:
            protocol.data_received(answer)


def written(value: dict[str, Any], **style: Any) -> bytes:
    return server_frame(json.dumps(value, **style).encode())


async def test_a_reply_is_learned_in_whatever_style_and_pieces_it_arrives() -> None:
    reply = written(receipt(4, 0), indent=1) + written(dict(reversed(receipt(4, 1).items())))
    transport = Answering([reply[:50], reply[50:]])
    assert await learn_reply(transport, 4, 2) == reply
    assert transport.writes == [request(4, 2)]


async def test_numbers_are_compared_as_numbers() -> None:
    whole = receipt(0, 2)
    assert whole["total"] == 1.0
    assert await learn_reply(Answering([written(receipt(0, 0) | {"total": 0.50})]), 0, 1)


@pytest.mark.parametrize(
    "reply",
    [
        written(receipt(1, 0) | {"total": 7}),
        written(receipt(2, 0)),
        written(order(1, 0)),
        written(receipt(1, 0)) + b"\x81",
        written(receipt(1, 0)) * 2,
        server_frame(b"{"),
        b"\x82" + written(receipt(1, 0))[1:],
    ],
)
async def test_a_wrong_receipt_is_a_failure(reply: bytes) -> None:
    with pytest.raises(LoadFailed):
        await learn_reply(Answering([reply]), 1, 1)


async def test_a_missing_receipt_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_messages, "LEARN_TIMEOUT", 0.01)
    with pytest.raises(LoadFailed, match=r"only b'\\x81' came within"):
        await learn_reply(Answering([b"\x81"]), 1, 1)


def test_every_order_is_different() -> None:
    frames = {request(connection, 3) for connection in range(64)}
    assert len(frames) == 64
    assert split_frames(written(order(1, 2)))[1] == b""


def test_orders_are_written_in_each_dialect() -> None:
    plain = json.dumps(order(1, 2), separators=(",", ":"))
    assert {name: dialect.call(2, order(1, 2)).decode() for name, dialect in DIALECTS.items()} == {
        "": plain,
        "jsonrpc": f'{{"jsonrpc":"2.0","id":2,"method":"order","params":{plain}}}',
        "chanx": f'{{"action":"order","payload":{plain}}}',
        "socketio": f'422["order",{plain}]',
    }


ANSWERS: dict[str, dict[str, Any]] = {
    "jsonrpc": {"id": 0, "result": receipt(3, 0), "jsonrpc": "2.0"},
    "chanx": {"payload": receipt(3, 0), "action": "receipt"},
}


@pytest.mark.parametrize("dialect", ANSWERS)
async def test_the_reply_is_learned_in_each_dialect(dialect: str) -> None:
    reply = written(ANSWERS[dialect], indent=1)
    assert await learn_reply(Answering([reply]), 3, 1, dialect) == reply
    with pytest.raises(LoadFailed, match="the receipt is"):
        await learn_reply(Answering([written(receipt(3, 0))]), 3, 1, dialect)


GREETING = server_frame(b'0{"sid":"a"}')


class SocketIO(MemoryTransport):
    """Greets, and acknowledges the first event."""

    def __init__(self, acknowledgement: bytes, *, has_greeted: bool = False) -> None:
        super().__init__()
        self._acknowledgement = acknowledgement
        self._has_greeted = has_greeted

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        super().write(data)
        protocol = self.protocol
        assert isinstance(protocol, asyncio.Protocol)
        if len(self.writes) == 1:
            if not self._has_greeted:
                protocol.data_received(GREETING)
            protocol.data_received(server_frame(b'40{"sid":"b"}'))
        else:
            protocol.data_received(server_frame(self._acknowledgement))


async def test_socketio_greets_before_the_first_call() -> None:
    text = f"430[{json.dumps(receipt(3, 0))}]".encode()
    transport = SocketIO(text)
    assert await learn_reply(transport, 3, 1, "socketio") == server_frame(text)
    assert transport.writes[1] == request(3, 1, "socketio")
    transport = SocketIO(text, has_greeted=True)
    assert await learn_reply(transport, 3, 1, "socketio", GREETING) == server_frame(text)
    with pytest.raises(LoadFailed, match="the receipt is"):
        await learn_reply(SocketIO(text.replace(b"430", b"431")), 3, 1, "socketio")
